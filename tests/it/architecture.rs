//! The picture of the layers, held against the sources: who imports whom, where each library may be used, that no
//! platform is named in code, and how long and how headed files are. A rule broken is a list of `file: what`.

pub mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use self::source::{Source, files, root, words_of};

/// Each module of the crate, and what it may import. A layer imports only layers below it.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("config", &["domain"]),
    ("clock", &["domain"]),
    ("crypto", &["domain"]),
    ("journal", &["domain"]),
    ("telemetry", &["domain"]),
    ("mail", &["domain"]),
    ("metrics", &["domain"]),
    ("platform", &["domain"]),
    ("db", &["domain"]),
    // The one exception among the tools: it implements `platform::Transport`.
    ("outbound", &["domain", "platform"]),
    ("app", &["domain", TOOLS]),
    ("broker", &["domain", TOOLS, "app"]),
    ("jobs", &["domain", TOOLS, "app", "broker"]),
    ("web", &["domain", TOOLS, "app", "broker"]),
    ("sandbox", &["domain"]),
    ("dev", &["domain", TOOLS, "app", "broker", "sandbox"]),
    (
        "main",
        &[
            "domain",
            TOOLS,
            "app",
            "broker",
            "jobs",
            "web",
            "sandbox",
            "dev",
            "telemetry",
        ],
    ),
];
const TOOLS: &str = "the tools";
const TOOL_MODULES: &[&str] = &[
    "db", "platform", "crypto", "mail", "metrics", "outbound", "journal", "config", "clock",
];

/// Libraries, by the beginning of their names, and the only modules that may use them.
const LIBRARIES: &[(&[&str], &[&str])] = &[
    (&["diesel", "r2d2"], &["db"]),
    (&["actix_"], &["web", "sandbox", "main"]),
    (&["hyper", "reqwest", "awc", "tokio_rustls", "rustls"], &["outbound"]),
    (&["askama"], &["web", "mail"]),
    (&["lettre"], &["mail"]),
    (&["prometheus_client"], &["metrics"]),
];

/// Where platforms may be named.
const PLATFORM_PLACES: &[&str] = &["src/platform/catalogue", "src/platform/quirk", "src/sandbox"];
const LONGEST_FILE: usize = 400;

fn assert_none(offenders: &[String], rule: &str) {
    assert!(offenders.is_empty(), "{rule}\n{}", offenders.join("\n"));
}

fn allowed(module: &str) -> Option<BTreeSet<&'static str>> {
    let (_, below) = LAYERS.iter().find(|(name, _)| *name == module)?;
    let mut allowed: BTreeSet<&str> = below.iter().copied().filter(|name| *name != TOOLS).collect();
    if below.contains(&TOOLS) {
        allowed.extend(TOOL_MODULES);
    }
    Some(allowed)
}

#[test]
fn imports_run_down_only() {
    let modules: Vec<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    let mut offenders = Vec::new();
    for source in Source::all().iter().filter(|source| source.module != "lib") {
        let Some(allowed) = allowed(&source.module) else {
            offenders.push(format!("{}: module `{}` has no layer", source.path, source.module));
            continue;
        };
        for import in source.imports(&modules) {
            if import != source.module && !allowed.contains(import.as_str()) {
                offenders.push(format!("{}: `{}` imports `{import}`", source.path, source.module));
            }
        }
    }
    assert_none(
        &offenders,
        "A layer imports only layers below it, and tools do not import each other.",
    );
}

#[test]
fn each_library_is_used_only_where_it_belongs() {
    let mut offenders = Vec::new();
    for source in Source::all() {
        for (libraries, places) in LIBRARIES {
            if places.contains(&source.module.as_str()) {
                continue;
            }
            for used in source.crates_used() {
                let is_meant = libraries.iter().any(|library| used.starts_with(library));
                // Newtypes of the domain tell diesel how they are stored.
                let is_derive = source.module == "domain" && used == "diesel" && source.derives_only("diesel");
                if is_meant && !is_derive {
                    offenders.push(format!("{}: `{used}`", source.path));
                }
            }
        }
    }
    assert_none(&offenders, "A library is used outside the modules that it belongs to.");
}

#[test]
fn no_platform_is_named_in_code() {
    let platforms = platform_names();
    let mut offenders = BTreeSet::new();
    for source in Source::all() {
        if PLATFORM_PLACES.iter().any(|place| source.path.starts_with(place)) {
            continue;
        }
        let words = words_of(&source.code_with_texts);
        for (platform, name) in &platforms {
            if words.windows(name.len()).any(|window| window == name.as_slice()) {
                offenders.insert(format!("{}: `{platform}`", source.path));
            }
        }
    }
    assert_none(
        &Vec::from_iter(offenders),
        "A platform is named outside its catalogue entry, its quirk, the sandbox and tests.",
    );
}

/// Slug and name of each platform in the catalogue, as words.
fn platform_names() -> Vec<(String, Vec<String>)> {
    let mut names = Vec::new();
    for file in files(&root().join("src/platform/catalogue"), "toml") {
        let slug = file.file_stem().unwrap().to_string_lossy().into_owned();
        let table: toml::Table = fs::read_to_string(&file).unwrap().parse().unwrap();
        let name = table
            .get("name")
            .and_then(|name| name.as_str())
            .unwrap_or(&slug)
            .to_owned();
        for text in BTreeSet::from([slug.clone(), slug.replace('-', ""), name.clone(), name.replace(' ', "")]) {
            names.push((slug.clone(), words_of(&text)));
        }
    }
    names
}

#[test]
fn files_are_short() {
    let mut offenders = Vec::new();
    for path in rust_files() {
        let lines = fs::read_to_string(root().join(&path)).unwrap().lines().count();
        if lines > LONGEST_FILE {
            offenders.push(format!("{}: {lines} lines", path.display()));
        }
    }
    assert_none(&offenders, "A file has more than 400 lines: two things are in it.");
}

#[test]
fn files_say_what_they_are_for() {
    let headed = |path: &PathBuf| fs::read_to_string(root().join(path)).unwrap().starts_with("//! ");
    let offenders: Vec<String> = rust_files()
        .iter()
        .filter(|path| !headed(path))
        .map(|p| p.display().to_string())
        .collect();
    assert_none(&offenders, "A file does not begin with `//!`.");
}

#[test]
fn helpers_have_a_home_by_meaning() {
    let offenders: Vec<String> = rust_files()
        .iter()
        .filter(|path| {
            let names = path.with_extension("");
            names.iter().any(|name| {
                ["util", "utils", "common", "helpers", "misc"]
                    .iter()
                    .any(|bad| name == *bad)
            })
        })
        .map(|path| path.display().to_string())
        .collect();
    assert_none(&offenders, "No `util`, no `common`.");
}

#[test]
fn every_migration_has_a_way_up_and_a_way_down() {
    let mut offenders = Vec::new();
    for entry in fs::read_dir(root().join("migrations"))
        .into_iter()
        .flatten()
        .map(Result::unwrap)
    {
        if entry.path().is_dir() {
            let missing = ["up.sql", "down.sql"]
                .into_iter()
                .filter(|file| !entry.path().join(file).is_file());
            offenders.extend(missing.map(|file| format!("{}: {file}", entry.path().display())));
        }
    }
    assert_none(&offenders, "A migration lacks a file.");
}

/// All of ours but the generated one, relative to the package.
fn rust_files() -> Vec<PathBuf> {
    let folders = ["src", "tests", "benches"];
    let found = folders.iter().flat_map(|folder| files(&root().join(folder), "rs"));
    let relative = found.map(|path| path.strip_prefix(root()).unwrap().to_owned());
    relative.filter(|path| path != Path::new("src/db/schema.rs")).collect()
}
