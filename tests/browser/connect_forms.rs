//! The form of every platform and connect method on a small telephone, in each language: nothing is wider than the screen
//! or cut off, everything that is typed has a label and a keyboard that fits, everything that is pressed is large enough.
//! `target/walks/forms/sheet.png` shows all of them at once.

use llavero::platform::Catalogue;
use serde_json::json;

use super::chromium::Browser;
use super::partner::Partner;
use super::product::{Development, DevelopmentFolder};
use super::programs::BrowserPrograms;

/// Answers what is wrong with the page on the screen, one line each.
const FAULTS: &str = r#"
const faults = [];
const say = (what, element) => faults.push(`${what}: ${element.name || element.innerText.slice(0, 60)}`);
if (document.documentElement.scrollWidth > innerWidth) faults.push(`${document.documentElement.scrollWidth} px wide`);
for (const field of document.querySelectorAll("main :is(input, select, textarea):not([type=hidden])")) {
  if (![...field.labels].some((label) => label.innerText.trim())) say("no label", field);
  if (field.tagName !== "SELECT" && !field.autocomplete) say("no autocomplete", field);
  if (/^https?:/.test(document.querySelector(`#${field.id}-about .example code`)?.innerText) && field.inputMode !== "url")
    say("no keyboard for addresses", field);
  // Safari enlarges the page for anything smaller.
  if (parseFloat(getComputedStyle(field).fontSize) < 16) say("small letters", field);
}
for (const target of document.querySelectorAll("main :is(input:not([type=hidden]), select, .button, .choice)"))
  if (target.checkVisibility() && target.getBoundingClientRect().height < 44) say("hard to hit", target);
for (const text of document.querySelectorAll("main :is(h1, h2, p, label, code, .button, .choice, .choice strong)"))
  if (getComputedStyle(text).display !== "inline" && text.scrollWidth > text.clientWidth + 1) say("cut off", text);
return faults.join("\n");
"#;

pub async fn walk(programs: BrowserPrograms) {
    let folder = DevelopmentFolder::new();
    let development = folder.start().await;
    let session = session(&development).await;
    let mut browser = Browser::open(&programs, "forms").await;
    browser.on_a_telephone().await;
    let mut faults = Vec::new();

    for language in ["en", "es", "pt"] {
        browser.open_page(&format!("{session}?locale={language}")).await;
        faults.extend(faults_of(&browser, &format!("choice {language}")).await);
        browser.snap(&format!("choice-{language}")).await;
    }
    assert_eq!(choices(&browser).await, all_platforms());
    browser.enter("q", "MercadoLivre").await;
    assert_eq!(choices(&browser).await, ["Mercado Libre"]);

    for platform in Catalogue::embedded().unwrap().platforms() {
        // What only a partner's server may use has no form.
        for method in platform.methods.iter().filter(|method| !method.for_partners) {
            for language in ["en", "es", "pt"] {
                let (slug, id) = (&platform.slug, &method.id);
                let page = format!("{slug} {id} {language}");
                let url = format!("{session}/with/{slug}?method={id}&locale={language}");
                browser.open_page(&url).await;
                let shown = browser
                    .script("return document.querySelector('[name=method]')?.value")
                    .await;
                assert_eq!(shown, id.as_str(), "{page}");
                faults.extend(faults_of(&browser, &page).await);
                let text = browser.text().await;
                let raw = method.fields.iter().find(|field| text.contains(field.pattern.as_str()));
                faults.extend(raw.map(|field| format!("{page}: shows the pattern of {}", field.name)));
                if language == "en" {
                    browser.snap(&format!("{slug}-{id}")).await;
                }
            }
        }
    }
    browser.sheet().await;
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// The page of a new session that may choose any platform.
async fn session(development: &Development) -> String {
    let partner = Partner::new(development.value("LLAVERO_URL"), development.value("LLAVERO_API_KEY"));
    let asked = json!({ "customer_id": "walk", "return_url": development.value("LLAVERO_RETURN_URL") });
    let answer = partner.post("/v1/connect-sessions", &asked).await;
    assert!((200..300).contains(&answer.status), "{}", answer.body);
    answer.json()["url"].as_str().unwrap().to_owned()
}

async fn faults_of(browser: &Browser, page: &str) -> Vec<String> {
    let found = browser.script(FAULTS).await;
    let lines = found.as_str().unwrap().lines();
    lines.map(|line| format!("{page}: {line}")).collect()
}

/// The names of the platforms that the page shows.
async fn choices(browser: &Browser) -> Vec<String> {
    let script = "return [...document.querySelectorAll('a.choice')].filter((choice) => choice.checkVisibility())
        .map((choice) => choice.querySelector('strong').innerText)";
    let names = browser.script(script).await;
    let names = names.as_array().unwrap().iter();
    names.map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn all_platforms() -> Vec<String> {
    let catalogue = Catalogue::embedded().unwrap();
    let names = catalogue.platforms().iter().map(|platform| platform.name.clone());
    names.collect()
}
