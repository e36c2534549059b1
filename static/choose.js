// Narrows the list of platforms while a name is typed; without this the same field asks the server. Names are compared by
// letters and digits alone, as the server does (`data-find` holds them so already).
const field = document.querySelector("input[data-narrows]");
const none = document.querySelector("[data-none]");

function narrow() {
  const wanted = field.value.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
  let left = 0;
  for (const choice of document.querySelectorAll("[data-find]")) {
    choice.hidden = !choice.dataset.find.includes(wanted);
    left += choice.hidden ? 0 : 1;
  }
  none.textContent = left === 0 ? none.dataset.none : "";
}

if (field && none) {
  field.addEventListener("input", narrow);
  // A browser that comes back to the page puts in what was typed before.
  narrow();
}
