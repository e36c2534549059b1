//! The description of the API against the API: what it lists is what the server routes, each call with all that a reader
//! needs, and no reference leads nowhere.

use std::collections::BTreeSet;

use llavero::domain::problem::Problem;
use llavero::web::openapi;
use llavero::web::urls;
use serde_json::Value;

use crate::support::connecting::start;
use crate::support::raw;

type Route = (String, String);

const METHODS: [&str; 7] = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH"];

fn described() -> Vec<(Route, Value)> {
    let document = openapi::document().unwrap();
    let mut calls = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            calls.push(((method.to_uppercase(), path.clone()), operation.clone()));
        }
    }
    calls
}

/// What a method that nobody knows is answered, and what would do instead.
async fn allowed(url: &str, address: &str) -> (u16, BTreeSet<String>) {
    let answer = raw::send(url, "TRACE", address, &[], b"").await;
    let allow = answer.head.lines().filter_map(|line| line.split_once(": "));
    let allow = allow.filter(|(name, _)| name.eq_ignore_ascii_case("allow"));
    let methods = allow.flat_map(|(_, methods)| methods.split(", ").map(|method| method.trim().to_owned()));
    (answer.status, methods.collect())
}

#[tokio::test]
async fn the_description_lists_what_the_server_routes_and_nothing_else() {
    let app = start().await;
    let mut routed = BTreeSet::new();
    for pattern in urls::ALL.iter().filter(|pattern| pattern.starts_with("/v1/")) {
        let path = pattern.replace(":.*}", "}");
        let address = path.replace(['{', '}'], "");
        for method in METHODS {
            let status = raw::send(&app.url, method, &address, &[], b"").await.status;
            assert!(matches!(status, 200 | 401 | 405), "{method} {path}: {status}");
            if status != 405 {
                routed.insert((method.to_owned(), path.clone()));
            }
        }
        let (status, told) = allowed(&app.url, &address).await;
        let there = routed.iter().filter(|(_, there)| *there == path);
        let there: BTreeSet<String> = there.map(|(method, _)| method.clone()).collect();
        // What may be proxied is told to those with a token.
        let expected = match path.starts_with("/v1/proxy/") {
            true => (401, BTreeSet::new()),
            false => (405, there),
        };
        assert_eq!((status, told), expected, "{path}");
    }
    let described: BTreeSet<Route> = described().into_iter().map(|(route, _)| route).collect();
    assert!(routed.len() > 35, "{routed:#?}");
    assert_eq!(described, routed);
}

#[test]
fn each_call_has_a_name_a_summary_a_heading_and_its_errors() {
    let document = openapi::document().unwrap();
    let tags: BTreeSet<&str> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    let mut ids = BTreeSet::new();
    for ((method, path), operation) in described() {
        let call = format!("{method} {path}");
        assert!(
            ids.insert(operation["operationId"].to_string()),
            "{call}: its id is taken"
        );
        assert!(
            operation["summary"].as_str().is_some_and(|text| !text.is_empty()),
            "{call}"
        );
        assert!(tags.contains(operation["tags"][0].as_str().unwrap()), "{call}");
        let responses = operation["responses"].as_object().unwrap();
        let public = operation["security"] == serde_json::json!([]);
        for status in ["401", "429", "500", "503"] {
            let told = responses.contains_key(status);
            assert!(told || (public && status != "500"), "{call}: no {status}");
        }
        assert!(
            responses
                .keys()
                .any(|status| status.starts_with('2') || status == "default"),
            "{call}"
        );
        for (status, response) in responses {
            let problem = &response["content"]["application/problem+json"];
            if status.starts_with(['4', '5']) {
                let codes = problem["schema"]["allOf"][1]["properties"]["code"]["enum"].as_array();
                assert!(codes.is_some_and(|codes| !codes.is_empty()), "{call} {status}");
                assert_eq!(
                    problem["examples"].as_object().unwrap().len(),
                    codes.unwrap().len(),
                    "{call} {status}"
                );
            }
            let json = &response["content"]["application/json"];
            assert!(
                json.is_null() || !json["example"].is_null(),
                "{call} {status}: no example"
            );
        }
        let named: BTreeSet<&str> = path
            .split('{')
            .skip(1)
            .filter_map(|part| part.split('}').next())
            .collect();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let given: BTreeSet<&str> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(given, named, "{call}");
    }
}

#[test]
fn every_error_has_an_example() {
    let document = openapi::document().unwrap();
    let examples = document["components"]["examples"].as_object().unwrap();
    assert_eq!(examples.len(), Problem::ALL.len());
    for problem in Problem::ALL {
        assert_eq!(examples[problem.code()]["value"]["status"], problem.status());
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = openapi::document().unwrap();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 50);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn the_description_is_public_and_told_only_once() {
    let app = start().await;
    let first = raw::send(&app.url, "GET", "/v1/openapi.json", &[], b"").await;
    assert_eq!(first.status, 200);
    assert_eq!(serde_json::from_str::<Value>(&first.body).unwrap()["openapi"], "3.1.0");
    let head = first.head.to_lowercase();
    let tag = first
        .head
        .lines()
        .find_map(|line| {
            line.to_lowercase()
                .starts_with("etag: ")
                .then(|| line["etag: ".len()..].trim().to_owned())
        })
        .unwrap_or_else(|| panic!("{head}"));
    assert!(head.contains("cache-control: no-cache"), "{head}");
    let again = raw::send(&app.url, "GET", "/v1/openapi.json", &[("if-none-match", &tag)], b"").await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
}
