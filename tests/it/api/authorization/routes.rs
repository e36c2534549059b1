//! The routes as they stand in the sources, so that one that is added without a row in the table is noticed: the router
//! itself cannot be asked what it knows.

use std::collections::{BTreeMap, BTreeSet};

const ROUTES: &str = include_str!("../../../../src/web/routes.rs");
const URLS: &str = include_str!("../../../../src/web/urls.rs");
const METHODS: [(&str, &str); 6] = [
    (".get(", "GET"),
    (".post(", "POST"),
    (".put(", "PUT"),
    (".patch(", "PATCH"),
    (".delete(", "DELETE"),
    (".to(", "ANY"),
];

/// Every method and pattern that a request can reach, such as `("GET", "/v1/stores/{id}")`.
pub fn all() -> BTreeSet<(String, String)> {
    let patterns = patterns();
    let mut found = BTreeSet::new();
    let mut add = |name: &str, method: &str| {
        let pattern = patterns.get(name).unwrap_or_else(|| panic!("no pattern {name}"));
        found.insert((method.to_owned(), pattern.clone()));
    };
    for resource in ROUTES.split("web::resource(urls::").skip(1) {
        let name = word(resource);
        // The macro's own line, `$pattern`.
        if name.is_empty() {
            continue;
        }
        let resource = resource.split("macro_rules!").next().unwrap_or_default();
        for (call, method) in METHODS {
            if resource.contains(call) {
                add(name, method);
            }
        }
    }
    for page in ROUTES.split("page!(").skip(1) {
        let arguments: Vec<&str> = page.split(')').next().unwrap_or_default().split(", ").collect();
        add(arguments[0], "GET");
        if arguments.contains(&"submit") {
            add(arguments[0], "POST");
        }
    }
    assert!(found.len() > 100, "{} routes", found.len());
    found
}

/// Names of constants with their patterns.
fn patterns() -> BTreeMap<&'static str, String> {
    let lines = URLS.lines().filter_map(|line| {
        let (head, pattern) = line.trim().split_once(" = \"")?;
        let name = word(head);
        let is_pattern = name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_');
        (is_pattern && !name.is_empty()).then(|| (name, pattern.trim_end_matches("\";").to_owned()))
    });
    lines.collect()
}

fn word(text: &str) -> &str {
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    &text[..end.unwrap_or(text.len())]
}
