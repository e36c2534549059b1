//! Plays `tests/conversations`: what the platforms' documentation says must go over the wire, written down by someone who
//! had not seen the catalogue. A platform is one test, and all of its disagreements show at once, expected beside got.
//! Which side is wrong is for the documentation to say, not for this runner.

mod difference;
mod expected;
mod file;
mod outcome;
mod play;
mod sent;
mod stores;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use llavero::platform::Catalogue;

use self::file::{Conversations, read};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conversations")
}

/// The catalogue as it lies in the checkout, so that an entry can be played as soon as it is written.
fn catalogue() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/platform/catalogue")
}

/// Plays every case of a platform's file.
fn play(slug: &str) {
    let text = fs::read_to_string(folder().join(format!("{slug}.toml"))).unwrap();
    let Conversations {
        platform,
        source,
        cases,
    } = read(&text).unwrap_or_else(|error| panic!("{slug}.toml: {error}"));
    assert_eq!(platform, slug, "the file is named after its platform");
    assert!(!source.is_empty(), "{slug}.toml does not say where this is documented");
    let name = format!("{slug}.toml");
    let entry = fs::read_to_string(catalogue().join(&name)).unwrap();
    let catalogue = Catalogue::parse(&[(&name, &entry)]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let platform = catalogue.platform(slug).unwrap();

    let mut names = BTreeSet::new();
    let (mut failing, mut report) = (0, String::new());
    for case in &cases {
        let mut differences = match platform.method(&case.method) {
            Some(method) => play::case(platform, method, case),
            None => vec![format!("the catalogue has no connect method `{}`", case.method)],
        };
        if !names.insert(case.name.as_str()) {
            differences.push("another case has the same name".to_owned());
        }
        if !differences.is_empty() {
            failing += 1;
            writeln!(report, "\n{} ({}, {:?})", case.name, case.method, case.kind).unwrap();
            for difference in differences {
                writeln!(report, "    {}", difference.replace('\n', "\n      ")).unwrap();
            }
        }
    }
    assert!(
        failing == 0,
        "{slug}: {failing} of {} cases differ\n{report}",
        cases.len()
    );
}

#[test]
fn falabella_is_spoken_to_as_documented() {
    play("falabella");
}

#[test]
fn hybris_is_spoken_to_as_documented() {
    play("hybris");
}

#[test]
fn mercado_libre_is_spoken_to_as_documented() {
    play("mercado-libre");
}

#[test]
fn shopify_is_spoken_to_as_documented() {
    play("shopify");
}

#[test]
fn walmart_is_spoken_to_as_documented() {
    play("walmart");
}

#[test]
fn woocommerce_is_spoken_to_as_documented() {
    play("woocommerce");
}

#[test]
fn no_file_of_conversations_is_left_unplayed() {
    let played = include_str!("conversations.rs");
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let slug = path.file_stem().unwrap().to_string_lossy().into_owned();
            assert!(
                played.contains(&format!("play(\"{slug}\")")),
                "{slug}.toml has no test here"
            );
        }
    }
}
