// Shows what the documentation's search finds while it is typed. Asks the page that the form leads to, so both find the
// same; without this script the form asks by itself.
const form = document.querySelector("form.docs-find");
const field = document.querySelector("form.docs-find input[name=q]");
const panel = document.querySelector("[data-found]");
const MOST = 8;
const PAUSE = 150;
let asked = new AbortController();
let timer = 0;

function close() {
  asked.abort();
  clearTimeout(timer);
  panel.hidden = true;
  field.setAttribute("aria-expanded", "false");
}

function show(page, href) {
  const hits = [...page.querySelectorAll(".docs-hits > li")];
  const list = document.createElement("ol");
  list.className = "docs-hits";
  list.append(...hits.slice(0, MOST).map((hit) => document.importNode(hit, true)));
  const told = document.createElement("p");
  told.className = "small";
  if (hits.length > MOST) {
    const all = document.createElement("a");
    all.href = href;
    all.textContent = `All ${hits.length} places`;
    told.append(all);
  } else {
    told.textContent = hits.length === 0 ? "Nothing holds all of these words." : "";
  }
  panel.replaceChildren(list, told);
  panel.hidden = false;
  field.setAttribute("aria-expanded", "true");
}

async function ask() {
  const query = field.value.trim();
  asked.abort();
  if (query.length < 2) {
    close();
    return;
  }
  asked = new AbortController();
  const own = asked;
  const href = `${form.action}?${new URLSearchParams({ q: query })}`;
  try {
    const answer = await fetch(href, { signal: own.signal, headers: { Accept: "text/html" } });
    const text = await answer.text();
    if (answer.ok && !own.signal.aborted) {
      show(new DOMParser().parseFromString(text, "text/html"), href);
    }
  } catch {
    // Given up, or no network: the form still works.
  }
}

// Arrows lead from the field through what was found and back.
function move(event) {
  const stops = [field, ...panel.querySelectorAll("a")];
  const at = stops.indexOf(document.activeElement);
  const to = at + (event.key === "ArrowDown" ? 1 : -1);
  if (panel.hidden || at < 0 || to < 0 || to >= stops.length) {
    return;
  }
  event.preventDefault();
  stops[to].focus();
}

if (form && field && panel) {
  field.setAttribute("aria-controls", panel.id);
  field.setAttribute("aria-expanded", "false");
  field.autocomplete = "off";
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  form.addEventListener("submit", close);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.hidden) {
      field.focus();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      move(event);
    }
  });
  document.addEventListener("click", (event) => {
    if (!panel.contains(event.target) && !form.contains(event.target)) {
      close();
    }
  });
  // A hit on this very page changes nothing but the place.
  panel.addEventListener("click", (event) => {
    if (event.target.closest("a")) {
      close();
    }
  });
}
