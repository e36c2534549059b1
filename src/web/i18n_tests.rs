//! All languages have the same messages with the same values, and every key that templates and handlers name exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::*;
use crate::web::assets::Assets;

fn files_below(folder: &Path, end: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, end, found);
        } else if path.extension().is_some_and(|it| it == end) {
            found.push(path);
        }
    }
}

/// Messages of one language: key and the names of the values it takes.
fn messages(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in FILES.get_dir(language.as_str()).unwrap().files() {
        let mut key = String::new();
        for line in file.contents_utf8().unwrap().lines() {
            if line.starts_with(|first: char| first.is_ascii_lowercase()) {
                key = line.split('=').next().unwrap().trim().to_owned();
                assert!(
                    found.insert(key.clone(), BTreeSet::new()).is_none(),
                    "{key} twice in {}",
                    language.as_str()
                );
            }
            for value in line.split('$').skip(1).filter(|_| !line.starts_with('#')) {
                let name = value
                    .split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
                    .next()
                    .unwrap();
                found.get_mut(&key).unwrap().insert(name.to_owned());
            }
        }
    }
    found
}

/// What stands in `before("...")` in templates and in `src/web`.
fn named(before: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    files_below(&root.join("templates"), "html", &mut files);
    files_below(&root.join("src/web"), "rs", &mut files);
    let mut names = BTreeSet::new();
    for file in files.iter().filter(|file| !file.ends_with("i18n_tests.rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        for part in text.split(before).skip(1) {
            names.insert(part.split('"').next().unwrap().to_owned());
        }
    }
    names
}

#[test]
fn all_languages_have_the_same_messages_and_values() {
    let english = messages(Language::En);
    for language in [Language::Es, Language::Pt] {
        assert_eq!(english, messages(language), "{}", language.as_str());
    }
}

#[test]
fn every_text_named_in_a_template_or_handler_exists() {
    let texts = Texts::embedded().unwrap();
    let mut keys = named("say(\"");
    keys.extend(named("say_with(\""));
    assert!(keys.len() > 10);
    let missing: Vec<_> = keys.iter().filter(|key| !texts.has(Language::En, key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_asset_named_in_a_template_exists() {
    let assets = Assets::embedded().unwrap();
    let missing: Vec<_> = named("asset(\"")
        .into_iter()
        .filter(|name| !assets.contains(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_number_chooses_the_plural_form() {
    let texts = Texts::embedded().unwrap();
    assert_eq!(
        texts.say_with(Language::En, "retry-after", &[("seconds", "1")]),
        "Try again in 1 second."
    );
    assert_eq!(
        texts.say_with(Language::Es, "retry-after", &[("seconds", "5")]),
        "Vuelve a intentarlo en 5 segundos."
    );
}

#[test]
fn a_long_identifier_keeps_all_its_digits() {
    let texts = Texts::embedded().unwrap();
    let told = texts.say_with(Language::En, "connect-shops-id", &[("id", "7000714532876273421")]);
    assert!(told.contains("7000714532876273421"), "{told}");
}
