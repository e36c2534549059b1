//! The documentation that the program serves: no link in it is dead, every error's code has its place, and the samples in
//! Rust are what the guides show. Those in other languages run in `tests/sdk`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use llavero::domain::problem::Problem;
use scraper::{Html, Selector};

use super::support::test_app::TestApp;
use super::support::visitor::Visitor;

#[path = "../../docs/samples/first_call.rs"]
#[expect(clippy::disallowed_types, reason = "a partner's own client")]
mod first_call;
#[path = "../../docs/samples/verify_return.rs"]
mod verify_return;
#[path = "../../docs/samples/verify_webhook.rs"]
mod verify_webhook;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Markdown files.
fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("docs")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect()
}

/// What a page links to, and the anchors that it has.
struct Read {
    links: BTreeSet<String>,
    anchors: BTreeSet<String>,
    outside: Vec<String>,
}

fn read(html: &str) -> Read {
    let page = Html::parse_document(html);
    let all = |what: &str, attribute: &str| -> Vec<String> {
        let selector = Selector::parse(what).unwrap();
        let values = page.select(&selector).filter_map(|one| one.value().attr(attribute));
        values.map(str::to_owned).collect()
    };
    let loaded = [("link", "href"), ("script", "src"), ("img", "src"), ("form", "action")];
    let loaded = loaded.into_iter().flat_map(|(what, attribute)| all(what, attribute));
    Read {
        links: all("a", "href").into_iter().collect(),
        anchors: all("[id]", "id").into_iter().collect(),
        outside: loaded.filter(|address| !address.starts_with('/')).collect(),
    }
}

#[tokio::test]
async fn no_link_and_no_anchor_of_the_documentation_is_dead() {
    let app = TestApp::start().await;
    let visitor = Visitor::new();
    let mut pages: BTreeMap<String, Read> = BTreeMap::new();
    let mut waiting = vec!["/docs".to_owned()];
    while let Some(path) = waiting.pop() {
        if pages.contains_key(&path) {
            continue;
        }
        let answer = visitor.get(&format!("{}{path}", app.url)).await;
        assert_eq!(answer.status, 200, "{path}");
        let read = read(&answer.body);
        assert_eq!(read.outside, Vec::<String>::new(), "{path} loads from elsewhere");
        let links = read.links.iter().filter_map(|link| link.split('#').next());
        waiting.extend(links.filter(|link| link.starts_with("/docs")).map(str::to_owned));
        pages.insert(path, read);
    }
    let mut dead = Vec::new();
    for (path, read) in &pages {
        for link in read.links.iter().filter(|link| !link.starts_with("https://")) {
            let (to, anchor) = link.split_once('#').unwrap_or((link, ""));
            let to = if to.is_empty() { path } else { to };
            let lives = match pages.get(to) {
                Some(page) => anchor.is_empty() || page.anchors.contains(anchor),
                None => visitor.get(&format!("{}{to}", app.url)).await.status == 200,
            };
            if !lives {
                dead.push(format!("{path}: {link}"));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
    assert!(pages.len() > 10, "{:?}", pages.keys());
}

#[test]
fn links_between_files_hold_on_a_forge() {
    let mut dead = Vec::new();
    for file in files() {
        let text = fs::read_to_string(&file).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let to = link.split('#').next().unwrap_or_default();
            if !link.contains("://") && !to.is_empty() && !file.parent().unwrap().join(to).exists() {
                dead.push(format!("{}: {link}", file.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[tokio::test]
async fn the_type_of_every_problem_leads_to_what_to_do_about_it() {
    let app = TestApp::start().await;
    let visitor = Visitor::new();
    let refused = visitor.get(&format!("{}/v1/app", app.url)).await;
    assert_eq!(refused.json()["type"], "/docs#unauthenticated");
    let index = read(&visitor.get(&format!("{}/docs", app.url)).await.body);
    let errors = visitor.get(&format!("{}/docs/errors", app.url)).await.body;
    let page = Html::parse_document(&errors);
    for problem in Problem::ALL {
        let code = problem.code();
        assert!(index.anchors.contains(code), "{code} on /docs");
        assert!(index.links.contains(&format!("/docs/errors#{code}")), "{code}");
        let selector = Selector::parse(&format!("h2#{code} + p")).unwrap();
        let section = page
            .select(&selector)
            .next()
            .map(|text| text.text().collect::<String>());
        let section = section.unwrap_or_else(|| panic!("{code} has no section"));
        assert!(section.starts_with(&problem.status().to_string()), "{code}: {section}");
    }
}

#[tokio::test]
async fn the_search_finds_headings_first_and_shows_what_was_typed_as_text() {
    let app = TestApp::start().await;
    let visitor = Visitor::new();
    let found = async |query: &str| visitor.get(&format!("{}/docs/search?q={query}", app.url)).await.body;
    let first = |html: &str| {
        let page = Html::parse_document(html);
        let hit = page.select(&Selector::parse(".docs-hits a").unwrap()).next();
        hit.and_then(|hit| hit.value().attr("href").map(str::to_owned))
    };
    assert_eq!(
        first(&found("link_expired").await).as_deref(),
        Some("/docs/errors#link_expired")
    );
    assert_eq!(
        first(&found("merchant+PLAY").await).as_deref(),
        Some("/docs/sandbox#play-the-merchant")
    );
    let typed = found("%3Cscript%3Enowhere").await;
    assert_eq!(first(&typed), None);
    assert!(!typed.contains("<script>nowhere"), "{typed}");
    assert_eq!(first(&found("").await), None);
}

#[tokio::test]
async fn a_guide_that_does_not_exist_is_not_found() {
    let app = TestApp::start().await;
    let visitor = Visitor::new();
    for path in ["/docs/nothing", "/docs/..%2fREADME", "/docs/api/nothing"] {
        assert_eq!(visitor.get(&format!("{}{path}", app.url)).await.status, 404, "{path}");
    }
}

#[test]
fn samples_in_rust_are_those_that_the_guides_show() {
    let mut shown = BTreeSet::new();
    for file in files() {
        let text = fs::read_to_string(&file).unwrap();
        for block in text.split("```rust sample=").skip(1) {
            let (name, code) = block.split_once('\n').unwrap();
            let code = code.split("```").next().unwrap();
            let source = fs::read_to_string(root().join(format!("docs/samples/{name}.rs"))).unwrap();
            assert!(
                source.ends_with(code),
                "{}: {name} differs from its file",
                file.display()
            );
            shown.insert(name.to_owned());
        }
    }
    assert_eq!(
        shown.into_iter().collect::<Vec<_>>(),
        ["first_call", "verify_return", "verify_webhook"]
    );
}

#[tokio::test]
#[expect(clippy::disallowed_types, reason = "a partner's own client")]
async fn the_first_call_in_rust_answers_the_shops_products() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let key = app.demo.api_key.expose().to_owned();
    let products = first_call::first_call(&reqwest::Client::new(), &app.url, &key)
        .await
        .unwrap();
    assert_eq!(products[0]["name"], "Simulated product");
}

#[test]
fn the_return_urls_of_the_guide_are_verified_in_rust() {
    let secret = format!("llv_ss_{}", "0".repeat(49));
    let back = "https://app.example.com/connected?tenant=7&code=llv_cd_abc&platform=demo&session_id=cs_0190\
                &state=a%20b%26c%3Dd%2F%C3%A9&store_id=store_0190&timestamp=1760000000\
                &signature=Hz4sWejsXHeLrZrajTDKVIugkywX_QbTKpDi15doMoI";
    let is_signed = |url: &str, secret: &str| verify_return::is_signed(&url.parse().unwrap(), secret, &["tenant"]);
    assert!(is_signed(back, &secret));
    assert!(!is_signed(&back.replace("store_0190", "store_0191"), &secret));
    assert!(!is_signed(back, "llv_ss_1"));
    assert!(!is_signed("https://app.example.com/connected?code=x", &secret));
}

#[test]
fn the_webhook_of_the_guide_is_verified_in_rust() {
    let is_event = |body: &str, now: i64| {
        let (id, signature) = (
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        );
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        verify_webhook::is_event(body.as_bytes(), id, "1614265330", signature, secret, now)
    };
    assert!(is_event("{\"test\": 2432232314}", 1_614_265_330));
    assert!(!is_event("{\"test\": 2432232315}", 1_614_265_330));
    assert!(!is_event("{\"test\": 2432232314}", 1_614_265_631));
}
