//! Platforms that an owner defines without code: through the forms, then connected, called, renewed and lost like any
//! built-in one.

mod changes;
mod commands;
mod flows;
mod owners;
mod processes;
mod refusals;

use llavero::domain::secret::Secret;

use crate::support::test_app::TestApp;
use crate::support::visitor::{Answer, Visitor};

pub const LIST: &str = "/admin/custom-platforms";
pub const NEW: &str = "/admin/custom-platforms/new";

pub type Answers = &'static [(&'static str, &'static str)];

/// OAuth 2 with a code, at the simulated platforms' nobody.
pub const CODE: Answers = &[
    ("slug", "x-generic"),
    ("name", "Generic"),
    ("documentation", "https://generic.example/docs"),
    ("base_url", "https://api.generic.example/v1"),
    ("authorize_url", "https://generic.example/oauth/authorize"),
    ("token_url", "/oauth/token"),
    ("scopes", "orders:read"),
    ("verify_path", "/me"),
    ("store_id", "/id"),
];

pub const CREDENTIALS: Answers = &[
    ("slug", "x-machines"),
    ("name", "Machines"),
    ("documentation", "https://generic-client.example/docs"),
    ("base_url", "https://{shop}.generic-client.example"),
    ("token_url", "/oauth/token"),
    ("place", "header"),
    ("place_name", "X-Access-Token"),
    ("verify_path", "/me"),
];

pub const KEY: Answers = &[
    ("slug", "x-keys"),
    ("name", "Keys"),
    ("documentation", "https://generic.example/docs"),
    ("base_url", "https://api.generic.example/v1"),
    ("key_label", "Shop key"),
    ("verify_path", "/me"),
    ("store_id", "/id"),
    ("dead_words", "invalid_token"),
];

/// The owner's browser, signed in.
pub async fn owner(app: &TestApp) -> Visitor {
    sign_in(&app.url, &app.demo.admin_link).await
}

pub async fn sign_in(url: &str, link: &Secret) -> Visitor {
    let visitor = Visitor::new();
    let page = visitor.get(&format!("{url}/admin/sign-in/{}", link.expose())).await;
    let done = visitor
        .submit(
            &page.form_with("form_token"),
            &[("password", "correct horse battery staple")],
        )
        .await;
    assert_eq!(done.status, 303, "{}", done.text());
    visitor
}

/// Sends the form of a kind as it stands, with these answers in it.
pub async fn define(url: &str, visitor: &Visitor, kind: &str, answers: &[(&str, &str)]) -> Answer {
    let page = visitor.get(&format!("{url}{NEW}?kind={kind}")).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let form = page.form_with("kind");
    let mut all = vec![("do", "save")];
    all.extend_from_slice(answers);
    for (name, _) in &all[1..] {
        assert!(form.values.contains_key(*name) || *name == "do", "no question `{name}`");
    }
    visitor.submit(&form, &all).await
}

/// Defines a platform, which must succeed.
pub async fn defined(app: &TestApp, visitor: &Visitor, kind: &str, answers: &[(&str, &str)]) {
    let done = define(&app.url, visitor, kind, answers).await;
    assert_eq!(done.status, 303, "{}", done.text());
}
