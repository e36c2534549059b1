//! The vocabulary stays a vocabulary: a word that one platform alone uses belongs in its quirk, unless there is a reason
//! that stands here. A reason that no longer holds is to be taken out.

use std::collections::{BTreeMap, BTreeSet};

use toml::Value;

use crate::architecture::source::{files, root};

/// Words that one platform alone uses, and why they are data all the same.
const ALONE: &[(&str, &str)] = &[
    (
        "condition.challenge",
        "standard (RFC 6750): any platform may show failure so",
    ),
    (
        "grant.authorization_expires_in",
        "a pointer into an answer like all others of a grant",
    ),
    (
        "grant.store_id.at",
        "the long form of a pointer, which `keep` has for other platforms",
    ),
    (
        "grant.store_id.pattern",
        "the long form of a pointer, which `keep` has for other platforms",
    ),
    (
        "hooks.buyers",
        "a kind of news beside `uninstalled` and `privacy`, which partners register as well",
    ),
    (
        "hooks.challenge",
        "answered before any proof, by the page that takes all webhooks",
    ),
    (
        "hooks.closed",
        "a kind of news beside `uninstalled` and `privacy`: the broker acts on it, not the platform's file",
    ),
    (
        "hooks.privacy",
        "a kind of news beside `uninstalled`: the broker acts on it, not the platform's file",
    ),
    (
        "hooks.published",
        "keys are fetched and kept by the broker; a quirk is pure and cannot",
    ),
    (
        "hooks.store.header",
        "the other of the two places where a webhook says something",
    ),
    ("hooks.store_in_body", "says what a proof covers; a proof is data"),
    (
        "hooks.time.header",
        "the other of the two places where a webhook says something",
    ),
    (
        "hooks.store_unproven",
        "makes the broker ask the platform, which a quirk cannot",
    ),
    (
        "methods.arriving.*.import.required",
        "part of a field, which forms and the partner API show the same way",
    ),
    (
        "methods.call_limit",
        "decides how long a call may take, which a quirk does not know",
    ),
    (
        "methods.instead",
        "which of the app's values are used is decided before any request is built",
    ),
    (
        "methods.obtain.code.asks_again",
        "a way of renewing: the refresh protocol hangs on it",
    ),
    (
        "methods.obtain.code.finish.required",
        "part of a call that is sent after the grant",
    ),
    (
        "methods.obtain.code.finish.with",
        "part of a call that is sent after the grant",
    ),
    (
        "methods.obtain.code.fresh",
        "a check of callbacks that other signed callbacks can use",
    ),
    (
        "methods.obtain.code.proof.except",
        "says what a proof covers; a proof is data",
    ),
    (
        "methods.obtain.code.proof.or_raw",
        "says what a proof covers; a proof is data",
    ),
    (
        "methods.obtain.code.write_implies_read",
        "how scopes are compared with those asked for, which the broker does",
    ),
    (
        "methods.obtain.given.page",
        "keys that arrive by a call to our own address: pages and broker take part",
    ),
    (
        "methods.obtain.oauth1",
        "a standard (RFC 5849) in three steps, with pages in between",
    ),
    (
        "methods.sign_plain_http",
        "the other of two signatures, chosen by the scheme of the store's address",
    ),
    (
        "methods.answer.unclear",
        "makes the proxy ask the platform before it renews anything, which a quirk cannot",
    ),
    (
        "methods.verify.accepted_by",
        "a rule about statuses, judged like the rest of an answer",
    ),
    ("methods.verify.lacks", "the opposite of `needs`"),
    (
        "methods.verify.says",
        "what an answer must say of the store, compared like an identity",
    ),
    (
        "methods.verify.shops.called",
        "what merchants read when they choose among shops",
    ),
    ("methods.verify.shops.of", "whose a shop is: part of its identity"),
    (
        "methods.verify.shops.only",
        "which items are shops: part of what merchants choose from",
    ),
    (
        "methods.within",
        "confines calls, and stands where whoever reviews confinement looks for it",
    ),
    (
        "nango.renewable",
        "about another product's export, not about the platform",
    ),
    ("pair.each", "any parameter may be a list"),
    ("sign.form", "the third place of a value beside headers and query"),
    (
        "sign.oauth1.php_query",
        "how a server reads what is signed: one of two ways beside the standard's",
    ),
    ("token_call.query", "any call may have parameters in its address"),
    ("condition.but_code", "part of what is looked for in any answer"),
    ("condition.header", "part of what is looked for in any answer"),
    (
        "field.default_from",
        "part of a field, which every form shows the same way",
    ),
    (
        "methods.answer.wait_at",
        "one of the places where an answer says how long to wait",
    ),
    (
        "methods.answer.wait_until",
        "one of the places where an answer says how long to wait",
    ),
    (
        "methods.confidence",
        "what people are told of a method, as of a platform",
    ),
    (
        "methods.lifetimes.authorization",
        "a lifetime beside those of the two tokens; the broker warns by it",
    ),
    (
        "methods.obtain.code.entrance_query",
        "parameters of an address that browsers are sent to",
    ),
    (
        "methods.token_limit.exchanges",
        "counted in the database for all processes together, which a quirk cannot",
    ),
    (
        "methods.trimmed",
        "a value made of another one before any request is built",
    ),
    (
        "methods.verify.needs_at",
        "the form of `needs` for a pointer that is a value itself",
    ),
];

/// Shapes that stand in several places and are one thing: their words count together.
const SHAPES: &[(&str, &str)] = &[
    ("app_fields", "field"),
    ("call", "call"),
    ("fields", "field"),
    ("form", "pair"),
    ("grant", "grant"),
    ("headers", "header"),
    ("if_absent", "pair"),
    ("json_fields", "pair"),
    ("on", "condition"),
    ("otherwise", "call"),
    ("parameters", "pair"),
    ("query", "pair"),
    ("query_if_absent", "pair"),
    ("sign", "sign"),
    ("sign_plain_http", "sign"),
    ("unauthorized", "condition"),
    ("unclear", "condition"),
];
/// Tables whose keys are names of a platform's own values.
const FREE: &[&str] = &[
    "arriving",
    "cannot",
    "delivered",
    "instead",
    "keep",
    "lookups",
    "names",
    "nango.fields",
    "values",
];

/// The platforms that use each word.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let mut uses = BTreeMap::new();
    for file in files(&root().join("src/platform/catalogue"), "toml") {
        let slug = file.file_stem().unwrap().to_str().unwrap();
        let table: toml::Table = std::fs::read_to_string(&file).unwrap().parse().unwrap();
        read(&Value::Table(table), "", slug, &mut uses);
    }
    uses
}

fn read(value: &Value, place: &str, slug: &str, uses: &mut BTreeMap<String, BTreeSet<String>>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| read(item, place, slug, uses)),
        Value::Table(table) => {
            let is_free = FREE
                .iter()
                .any(|free| place == *free || place.rsplit('.').next() == Some(*free));
            for (key, value) in table {
                // What stands in `shared` stands in each method.
                let key = match (place, key.as_str()) {
                    _ if is_free => "*",
                    ("", "shared") => "methods",
                    (_, key) => key,
                };
                let word = if place.is_empty() {
                    key.to_owned()
                } else {
                    format!("{place}.{key}")
                };
                let shape = SHAPES.iter().find(|(name, _)| *name == key && word != "nango.fields");
                let is_rule = place.ends_with("answer") && matches!(key, "token" | "verify");
                let is_token_call = matches!(key, "token" | "refresh") && value.get("url").is_some();
                let inside = match shape {
                    Some((_, shape)) => *shape,
                    None if is_rule => "rule",
                    None if is_token_call => "token_call",
                    None => &word,
                };
                read(value, inside, slug, uses);
                uses.entry(word).or_default().insert(slug.to_owned());
            }
        }
        _ => {}
    }
}

#[test]
fn a_word_of_one_platform_alone_has_a_reason_to_be_no_quirk() {
    let uses = uses();
    let alone: BTreeMap<&str, &BTreeSet<String>> = uses
        .iter()
        .filter(|(_, slugs)| slugs.len() == 1)
        .map(|(word, slugs)| (word.as_str(), slugs))
        .collect();
    // What stands inside such a word goes with it.
    let is_outermost = |word: &str| {
        let inside = |outer: &&str| word.strip_prefix(*outer).is_some_and(|rest| rest.starts_with('.'));
        !alone.keys().any(inside)
    };
    let found: BTreeSet<&str> = alone.keys().copied().filter(|word| is_outermost(word)).collect();
    let listed: BTreeSet<&str> = ALONE.iter().map(|(word, _)| *word).collect();
    assert_eq!(listed.len(), ALONE.len(), "a word is listed twice");
    let without: Vec<String> = found
        .difference(&listed)
        .map(|word| format!("{word}: {:?}", alone[word]))
        .collect();
    assert!(
        without.is_empty(),
        "used by one platform alone, without a reason:\n{}",
        without.join("\n")
    );
    let stale: Vec<&&str> = listed.difference(&found).collect();
    assert!(stale.is_empty(), "a reason for what is no longer alone: {stale:?}");
    assert!(ALONE.iter().all(|(_, reason)| reason.split_whitespace().count() > 3));
}
