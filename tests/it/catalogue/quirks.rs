//! Quirks stay small: each fills one or two places, names its documentation on top, and what many of them need becomes a
//! word of the vocabulary. Exceptions stand here with their reason, and only while they are ones.

use std::collections::BTreeMap;

use regex::Regex;

use crate::architecture::source::{files, root};

/// A place is filled by these together: whatever a signer sets has to be named, and a value is checked wherever it arrives.
const PARTS: &[(&str, &str)] = &[("owned", "sign"), ("accepts", "callback")];

/// Quirks that fill more than two places.
const LARGE: &[(&str, &str)] = &[
    (
        "amazon",
        "an install that begins at the platform goes on in a callback to an address that it named",
    ),
    (
        "shein",
        "the token call is signed like all others, and its answer holds the secret encrypted",
    ),
    (
        "temu",
        "the token call is signed like all others, and the callback names a host",
    ),
    (
        "tiktok_shop",
        "people other than sellers get tokens, and the page to approve at has moved",
    ),
];

/// Places that three or more quirks fill, and why no word says it.
const OFTEN: &[(&str, &str)] = &[
    (
        "authorize",
        "each changes another part of the address: its host, its path, what stands behind the #",
    ),
    (
        "callback",
        "each compares something else of a callback with what is known: an app, a host, a store, an instance",
    ),
    (
        "hook",
        "each proof is of another kind: a hash in the body, a JWT, a header that the app itself chose",
    ),
    (
        "token_answer",
        "each answer hides something else: an encrypted secret, a life in other units, a cause in words of any language",
    ),
    (
        "sign",
        "each signs another text: the path, the members of a body, a form as PHP writes it",
    ),
];

/// Each quirk's file, by name, with its text.
fn quirks() -> BTreeMap<String, String> {
    let all = files(&root().join("src/platform/quirk"), "rs").into_iter().map(|file| {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(&file).unwrap())
    });
    all.filter(|(name, _)| name != "mod").collect()
}

/// The places that a quirk fills.
fn places(text: &str) -> Vec<String> {
    let block = Regex::new(r"(?ms)^impl Quirk for .*?^\}").unwrap();
    let function = Regex::new(r"(?m)^    fn ([a-z_]+)").unwrap();
    let blocks: Vec<&str> = block.find_iter(text).map(|block| block.as_str()).collect();
    assert!(!blocks.is_empty(), "no quirk in {}", &text[..60]);
    let mut found: Vec<String> = blocks
        .iter()
        .flat_map(|block| function.captures_iter(block).map(|found| found[1].to_owned()))
        .collect();
    found.retain(|name| name != "name");
    for (part, of) in PARTS {
        if found.iter().any(|name| name == of) {
            found.retain(|name| name != part);
        }
    }
    found
}

/// What is found must be what is listed, each with a reason.
fn assert_listed(mut found: Vec<&str>, listed: &[(&str, &str)], rule: &str) {
    let mut names: Vec<&str> = listed.iter().map(|(name, _)| *name).collect();
    found.sort_unstable();
    names.sort_unstable();
    assert_eq!(found, names, "{rule}");
    assert!(listed.iter().all(|(_, reason)| reason.split_whitespace().count() > 3));
}

#[test]
fn a_quirk_fills_one_or_two_places() {
    let quirks = quirks();
    let places: BTreeMap<&str, Vec<String>> = quirks
        .iter()
        .map(|(name, text)| (name.as_str(), places(text)))
        .collect();
    let empty: Vec<_> = places.iter().filter(|(_, places)| places.is_empty()).collect();
    assert!(empty.is_empty(), "a quirk that does nothing: {empty:?}");
    let large = places
        .iter()
        .filter(|(_, places)| places.len() > 2)
        .map(|(name, _)| *name);
    assert_listed(
        large.collect(),
        LARGE,
        "quirks that fill more than two places, and those that are listed",
    );
}

#[test]
fn what_three_quirks_need_is_a_word_or_has_a_reason() {
    let mut by: BTreeMap<String, usize> = BTreeMap::new();
    for place in quirks().values().flat_map(|text| places(text)) {
        *by.entry(place).or_default() += 1;
    }
    let often = by
        .iter()
        .filter(|(_, quirks)| **quirks > 2)
        .map(|(place, _)| place.as_str());
    assert_listed(
        often.collect(),
        OFTEN,
        "places that three quirks or more fill, and those that are listed",
    );
}

#[test]
fn a_quirk_names_its_documentation_on_top() {
    for (name, text) in quirks() {
        let slug = name.replace('_', "-");
        let entry = root().join(format!("src/platform/catalogue/{slug}.toml"));
        let entry = std::fs::read_to_string(entry).unwrap_or_else(|_| panic!("no platform `{slug}`"));
        let first = text.lines().next().unwrap();
        let is_linked = first.starts_with("//! <https://");
        let has_none = entry.contains("confidence = \"undocumented\"") && first.contains("No public documentation");
        assert!(is_linked || has_none, "{name}: {first}");
        assert!(
            entry.contains(&format!("quirk = \"{slug}\"")),
            "{slug} does not use its quirk"
        );
    }
}
