//! The table of failure modes at the head of this folder names tests; a test that is renamed or taken away must not leave
//! its row behind with nothing in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Failure modes that are to be held.
const ROWS: usize = 21;

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("node_modules") {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Names of the functions that a test attribute stands above, and those that the model's macro makes into tests.
fn tests() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    rust_files(&root.join("tests"), &mut files);
    rust_files(&root.join("src"), &mut files);
    let mut names = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (place, line) in lines.iter().enumerate() {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                let declared = lines[place + 1..].iter().find_map(|line| line.split("fn ").nth(1));
                names.extend(declared.and_then(|rest| rest.split('(').next()).map(str::to_owned));
            } else if let Some((name, kind)) = line.split_once(": Kind::")
                && kind.ends_with(';')
                && file.ends_with("model/main.rs")
            {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

#[test]
fn every_failure_mode_has_a_test_that_exists() {
    let table = include_str!("mod.rs");
    let rows: Vec<&str> = table
        .lines()
        .filter(|line| line.starts_with("//! | "))
        .skip(2)
        .collect();
    assert_eq!(rows.len(), ROWS, "a failure mode was added or dropped");
    let known = tests();
    let mut missing = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_start_matches("//! |").split('|').map(str::trim).collect();
        let named: Vec<&str> = cells[1].split(", ").map(|name| name.trim_matches('`')).collect();
        assert!(!named[0].is_empty(), "no test holds: {}", cells[0]);
        missing.extend(
            named
                .iter()
                .filter(|name| !known.contains(**name))
                .map(|name| format!("{}: {name}", cells[0])),
        );
    }
    assert!(missing.is_empty(), "tests that do not exist:\n{}", missing.join("\n"));
}
