//! Whatever stands in the audit trail has words on the admin pages, in every language.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Texts of the same form in the broker that are no actions.
const OTHERS: &[&str] = &[
    "merchant.email",
    "merchant.locale",
    "merchant.name",
    "session.code",
    "session.finish",
    "session.link",
    "session.token",
    "tokens.expires_in",
    "tokens.refresh_expires_in",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.path() {
            path if path.is_dir() => found.extend(sources(&path)),
            path => found.push(path),
        }
    }
    found
}

/// Texts such as `store.revoked` in the code of the broker, where every event is written.
fn dotted() -> BTreeSet<String> {
    let text = Regex::new(r#""([a-z][a-z_]*\.[a-z][a-z_]*)""#).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/broker");
    let mut found = BTreeSet::new();
    for path in sources(&root) {
        let code = fs::read_to_string(path).unwrap();
        let code = code.split("#[cfg(test)]").next().unwrap();
        found.extend(text.captures_iter(code).map(|capture| capture[1].to_owned()));
    }
    found
}

#[test]
fn every_action_of_the_audit_trail_has_words_in_every_language() {
    let found = dotted();
    let gone: Vec<_> = OTHERS.iter().filter(|other| !found.contains(**other)).collect();
    assert!(gone.is_empty(), "no longer in the broker: {gone:?}");
    let actions: Vec<_> = found.iter().filter(|text| !OTHERS.contains(&text.as_str())).collect();
    assert!(actions.len() > 40, "{actions:?}");
    let mut wordless = Vec::new();
    for language in ["en", "es", "pt"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales").join(language);
        let texts: String = sources(&folder)
            .iter()
            .map(|path| fs::read_to_string(path).unwrap())
            .collect();
        for action in &actions {
            let key = format!("\nadmin-action-{} = ", action.replace(['_', '.'], "-"));
            if !texts.contains(&key) {
                wordless.push(format!("{language}: {action}"));
            }
        }
    }
    assert!(wordless.is_empty(), "actions without words: {wordless:?}");
}
