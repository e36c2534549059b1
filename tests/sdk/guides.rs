//! The samples of the guides are run as they stand. All blocks of one guide and language that are marked `run` are one
//! script, in their order, so that later ones build on earlier ones as a reader does.

use std::fs;
use std::path::PathBuf;

use super::folder;
use super::programs::{self, Missing};

/// One guide's samples in one language.
#[derive(Debug)]
pub struct Samples {
    pub name: String,
    language: &'static Language,
    pub code: String,
}

#[derive(Debug)]
struct Language {
    /// As a fenced block names it.
    mark: &'static str,
    program: &'static str,
    /// How its scripts end; Node.js tells modules by it.
    ending: &'static str,
    head: &'static str,
}

const LANGUAGES: &[Language] = &[
    Language {
        mark: "js",
        program: "node",
        ending: "mjs",
        head: "",
    },
    Language {
        mark: "python",
        program: "python3",
        ending: "py",
        head: "",
    },
    Language {
        mark: "sh",
        program: "sh",
        ending: "sh",
        head: "set -eu\n",
    },
];

/// Those of all guides. There are some: a mark that nobody writes any more would hide them all.
pub fn all() -> Vec<Samples> {
    let mut guides: Vec<PathBuf> = fs::read_dir(folder().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    guides.sort();
    let mut all = Vec::new();
    for guide in guides {
        let text = fs::read_to_string(&guide).unwrap();
        let slug = guide.file_stem().unwrap().to_string_lossy().into_owned();
        for language in LANGUAGES {
            let blocks = blocks(&text, &format!("```{} run", language.mark));
            if !blocks.is_empty() {
                all.push(Samples {
                    name: format!("guide_{slug}_runs_in_{}", language.mark),
                    language,
                    code: format!("{}{}", language.head, blocks.join("\n")),
                });
            }
        }
    }
    assert!(all.len() >= 6, "samples of guides: {all:?}");
    all
}

/// What stands between lines that begin so and the ends of those blocks.
pub fn blocks(text: &str, mark: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == mark {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push(block.join("\n") + "\n");
        }
    }
    found
}

impl Samples {
    /// What runs them.
    pub fn interpreter(&self) -> Result<PathBuf, Missing> {
        if self.language.mark == "sh" {
            find("curl")?;
        }
        match self.language.program {
            "node" => programs::node(),
            program => find(program),
        }
    }

    /// Writes the script into `folder`.
    pub fn write(&self, folder: &std::path::Path) -> std::io::Result<PathBuf> {
        let script = folder.join(format!("sample.{}", self.language.ending));
        fs::write(&script, &self.code)?;
        Ok(script)
    }
}

/// A program in PATH.
pub fn find(program: &str) -> Result<PathBuf, Missing> {
    let folders = programs::path();
    let found = std::env::split_paths(&folders).map(|folder| folder.join(program));
    let mut found = found.filter(|place| place.is_file());
    found.next().ok_or_else(|| Missing(format!("no {program} in PATH")))
}
