//! The documentation is searched while one types, with the keyboard alone; the page stays until a place is chosen. And
//! the demo partner shows what it was told meanwhile.

use super::chromium::Browser;
use super::product::DevelopmentFolder;
use super::programs::BrowserPrograms;

/// Keys as WebDriver names them.
const DOWN: &str = "\u{e015}";
const ESCAPE: &str = "\u{e00c}";

pub async fn walk(programs: BrowserPrograms) {
    let folder = DevelopmentFolder::new();
    let development = folder.start().await;
    let url = development.value("LLAVERO_URL").to_owned();

    let mut reader = Browser::open(&programs, "docs-search").await;
    reader.open_page(&format!("{url}/docs/api")).await;
    reader.enter("q", "access-tokens exch").await;
    reader.see("Reference: ").await;
    reader.picture("found").await;
    assert_eq!(reader.address().await, format!("{url}/docs/api"));
    reader.enter("q", DOWN).await;
    let focused = reader.script("return document.activeElement.href").await;
    assert!(
        focused.as_str().is_some_and(|href| href.contains("/docs/api/")),
        "{focused}"
    );
    reader.enter("q", ESCAPE).await;
    let hidden = reader.script("return document.querySelector('#found').hidden").await;
    assert_eq!(hidden, true);

    // Words that stand nowhere are told, and Enter still asks the page.
    reader.enter("q", " zzz").await;
    reader.see("Nothing holds all of these words.").await;
    reader.press("Search").await;
    reader.see("All words have to be there.").await;
    reader.picture("asked").await;

    reader.open_page(development.value("LLAVERO_CONNECT_URL")).await;
    reader.press("Mercado Libre").await;
    reader.choose("country", "AR").await;
    reader.press("Continue to Mercado Libre").await;
    reader.press("Approve as").await;
    reader.see("is connected").await;
    super::process::until("the demo partner was told", async || {
        reader.open_page(&format!("{url}/demo/webhooks")).await;
        reader.text().await.contains("Signature verified").then_some(())
    })
    .await;
    reader.see("store.connected").await;
    reader.picture("webhooks").await;
}
