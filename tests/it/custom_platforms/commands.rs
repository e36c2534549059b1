//! `llavero platform list|show` for whoever runs the installation: the platforms defined there stand beside the built-in
//! ones, broken ones with the reason, and nothing is needed for the built-in ones alone.

use std::process::Output;

use serde_json::Value;

use super::*;
use crate::support::connecting;
use crate::support::processes::program;
use crate::support::rows;

fn run(app: Option<&TestApp>, arguments: &[&str]) -> Output {
    let url = app.map(|app| ("DATABASE_URL", app.database.url()));
    let settings: Vec<_> = url.into_iter().collect();
    program(&[&["platform"][..], arguments].concat(), &settings)
        .output()
        .unwrap()
}

fn said(app: Option<&TestApp>, arguments: &[&str]) -> String {
    let done = run(app, arguments);
    assert!(
        done.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap()
}

fn rows_of(app: Option<&TestApp>) -> Vec<Value> {
    let lines = said(app, &["list", "--json"]);
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_of_platforms_names_those_that_owners_defined_and_whose_they_are() {
    let app = connecting::start().await;
    let owner = owner(&app).await;
    let own = app.demo.app_id.to_string();
    defined(&app, &owner, "key", KEY).await;
    defined(&app, &owner, "code", &[CODE, &[("owner", &*own)]].concat()).await;

    let without = rows_of(None);
    assert_eq!(without.len(), 51);
    assert!(
        without
            .iter()
            .all(|row| row["custom"] == false && row["app_id"].is_null())
    );
    let all = rows_of(Some(&app));
    assert_eq!(all[..51], without);
    let shown = |row: &Value| {
        let names = ["slug", "name", "methods", "number", "custom", "app_id", "errors"];
        names.map(|name| row[name].clone()).to_vec()
    };
    let [first, second] = &all[51..] else {
        panic!("{:?}", &all[51..]);
    };
    let expected = serde_json::json!([
        ["x-generic", "Generic", ["authorization"], null, true, own, []],
        ["x-keys", "Keys", ["keys"], null, true, null, []],
    ]);
    assert_eq!(serde_json::json!([shown(first), shown(second)]), expected);

    let text = said(Some(&app), &["list"]);
    let line = |slug: &str| text.lines().find(|line| line.contains(slug)).unwrap().to_owned();
    assert!(
        line("x-generic").ends_with(&format!("authorization, defined here for {own}")),
        "{text}"
    );
    assert!(line("x-keys").ends_with("keys, defined here for all apps"), "{text}");
    let facts = said(Some(&app), &["show", "x-keys"]);
    assert!(
        facts.starts_with("Keys (x-keys)") && facts.contains("defined here for all apps"),
        "{facts}"
    );
    assert!(!facts.contains("reference table"), "{facts}");
    let facts: Value = serde_json::from_str(&said(Some(&app), &["show", "x-generic", "--json"])).unwrap();
    assert_eq!(facts["slug"], "x-generic");

    for (arguments, app) in [(["show", "x-keys"], None), (["show", "x-none"], Some(&app))] {
        let refused = run(app, &arguments);
        let why = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && why.contains("no platform `x-"), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_that_cannot_be_used_is_listed_with_the_reason() {
    let app = connecting::start().await;
    let owner = owner(&app).await;
    defined(&app, &owner, "key", KEY).await;
    rows::execute(
        &app.database,
        "UPDATE custom_platforms SET definition = replace(definition, 'client = ', 'costumer = ')",
    );
    let all = rows_of(Some(&app));
    let row = all.last().unwrap();
    assert_eq!(
        (&row["slug"], &row["custom"]),
        (&"x-keys".into(), &true.into()),
        "{row}"
    );
    assert!(row["errors"][0].as_str().unwrap().contains("costumer"), "{row}");
    let text = said(Some(&app), &["list"]);
    assert!(text.contains("can't be used") && text.contains("costumer"), "{text}");
    let refused = run(Some(&app), &["show", "x-keys"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("costumer"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_is_told_and_not_taken_for_an_empty_one() {
    let away = ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing".to_owned());
    let done = program(&["platform", "list"], &[away]).output().unwrap();
    assert!(!done.status.success());
    let why = String::from_utf8_lossy(&done.stderr);
    assert!(why.contains("the platforms defined in the database"), "{why}");
}
