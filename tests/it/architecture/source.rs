//! Just enough reading of Rust to see which paths a file uses: comments and texts are blanked, `use` trees are
//! followed, `super` is counted. No parser: a rule that needs one would be too fine to keep.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

pub struct Source {
    /// Relative to the package, such as `src/web/routes.rs`.
    pub path: String,
    /// The module of the crate that it belongs to: `web`; `main` for the program, `lib` for the list of modules.
    pub module: String,
    /// How deep its own module lies: 1 for `src/clock.rs` and `src/db/mod.rs`, 2 for `src/db/apps.rs`.
    depth: usize,
    /// Without comments and without the insides of texts.
    code: String,
    /// Without comments.
    pub code_with_texts: String,
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder` with that extension, in order.
pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "node_modules") {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

impl Source {
    pub fn all() -> Vec<Self> {
        let paths = files(&root().join("src"), "rs");
        paths
            .iter()
            .filter(|path| !path.ends_with("db/schema.rs"))
            .map(|path| Self::read(path))
            .collect()
    }

    fn read(path: &Path) -> Self {
        let inside = path.strip_prefix(root().join("src")).unwrap();
        let parts: Vec<String> = inside
            .with_extension("")
            .iter()
            .map(|part| part.to_string_lossy().into())
            .collect();
        let depth = parts.len() - usize::from(parts.last().is_some_and(|last| last == "mod"));
        let text = fs::read_to_string(path).unwrap();
        Self {
            path: format!("src/{}", inside.display()),
            // The commands are the program's own, and no module of the library.
            module: if parts[0] == "commands" {
                "main".to_owned()
            } else {
                parts[0].clone()
            },
            depth,
            code: blank(&text, true),
            code_with_texts: blank(&text, false),
        }
    }

    /// The modules of this crate that it names, be it by `crate::`, `llavero::` (from the program) or `super::`.
    pub fn imports(&self, modules: &[&str]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let from_the_root = Regex::new(r"(?:\bcrate|\bllavero)\s*::\s*(\{|\w+)").unwrap();
        for capture in from_the_root.captures_iter(&self.code) {
            let name = capture.get(1).unwrap();
            if name.as_str() == "{" {
                found.extend(first_names(&self.code[name.end()..]));
            } else {
                found.insert(name.as_str().to_owned());
            }
        }
        let upwards = Regex::new(r"\b((?:super\s*::\s*)+)(\{|\w+)").unwrap();
        for capture in upwards.captures_iter(&self.code) {
            // One more than the depth: an inline module within the file.
            if capture[1].matches("super").count() >= self.depth {
                let name = capture.get(2).unwrap();
                let names = if name.as_str() == "{" {
                    first_names(&self.code[name.end()..])
                } else {
                    vec![name.as_str().to_owned()]
                };
                let deeper = self.depth > 1 || self.module == "lib";
                found.extend(
                    names
                        .into_iter()
                        .filter(|name| deeper && modules.contains(&name.as_str())),
                );
            }
        }
        found.retain(|name| modules.contains(&name.as_str()));
        found
    }

    /// First names of all paths: `diesel` in `diesel::prelude::*`, crates of this program and modules alike.
    pub fn crates_used(&self) -> BTreeSet<String> {
        let first = Regex::new(r"(?:^|[^:\w])(?:::)?([a-z]\w*)\s*::").unwrap();
        let mut found: BTreeSet<String> = first
            .captures_iter(&self.code)
            .map(|capture| capture[1].to_owned())
            .collect();
        let whole = Regex::new(r"\b(?:use|extern crate)\s+(\w+)").unwrap();
        found.extend(whole.captures_iter(&self.code).map(|capture| capture[1].to_owned()));
        found
    }

    /// Whether `library` is used for nothing but deriving, and implementing, how a type is stored.
    pub fn derives_only(&self, library: &str) -> bool {
        let path = Regex::new(&format!(r"\b{library}((?:\s*::\s*\w+)+)")).unwrap();
        let how = [
            "deserialize",
            "serialize",
            "expression",
            "sql_types",
            "pg",
            "backend",
            "AsExpression",
            "FromSqlRow",
        ];
        path.captures_iter(&self.code).all(|capture| {
            let next = capture[1].split("::").nth(1).unwrap_or_default().trim().to_owned();
            how.contains(&next.as_str())
        })
    }
}

/// The first name of each branch of a `use` tree, from after its brace to the end of it.
fn first_names(tree: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut level, mut fresh, mut name) = (1, true, String::new());
    for letter in tree.chars() {
        match letter {
            '{' => level += 1,
            '}' => level -= 1,
            ',' if level == 1 => {
                names.push(std::mem::take(&mut name));
                fresh = true;
                continue;
            }
            _ => {}
        }
        if level == 0 {
            break;
        }
        if letter.is_alphanumeric() || letter == '_' {
            if fresh {
                name.push(letter);
            }
        } else if !name.is_empty() {
            fresh = false;
        }
    }
    names.push(name);
    names
}

/// The code without comments, and, if wanted, without what stands in texts. Line ends stay.
fn blank(text: &str, texts_too: bool) -> String {
    let token = Regex::new(concat!(
        r##"(?s)(?P<comment>//[^\n]*|/\*.*?\*/)"##,
        r##"|(?P<text>\bb?r#+".*?"#+|\bb?r"[^"]*"|"(?:\\.|[^"\\])*")"##,
        r##"|(?P<letter>'(?:\\.[^']*|[^'\\])')"##,
    ))
    .unwrap();
    let blanked = token.replace_all(text, |found: &regex::Captures<'_>| {
        if found.name("text").is_some() && !texts_too {
            found[0].to_owned()
        } else {
            " ".to_owned()
        }
    });
    blanked.into_owned()
}

/// Lower-case words of identifiers and texts: `MercadoLibre`, `mercado_libre` and `Mercado Libre` are the same two.
pub fn words_of(text: &str) -> Vec<String> {
    let word = Regex::new(r"[A-Z]+[a-z0-9]*|[a-z0-9]+|[^\x00-\x7F]+").unwrap();
    word.find_iter(text)
        .map(|found| found.as_str().to_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(module: &str, depth: usize, code: &str) -> Source {
        let (code, code_with_texts) = (blank(code, true), blank(code, false));
        Source {
            path: String::new(),
            module: module.to_owned(),
            depth,
            code,
            code_with_texts,
        }
    }

    #[test]
    fn imports_are_seen_in_every_way_of_writing_them() {
        let modules = ["db", "web", "jobs", "clock"];
        let cases = [
            ("use crate::web::page;", 1, vec!["web"]),
            ("use crate::{db::{apps, web}, jobs};", 1, vec!["db", "jobs"]),
            ("fn f() { crate::web::render() }", 2, vec!["web"]),
            ("use super::super::web;", 2, vec!["web"]),
            ("use super::web;", 2, vec![]),
            ("// crate::web\nconst A: &str = \"crate::web\";", 1, vec![]),
        ];
        for (code, depth, wanted) in cases {
            let found: Vec<String> = source("clock", depth, code).imports(&modules).into_iter().collect();
            assert_eq!(found, wanted, "{code}");
        }
    }

    #[test]
    fn libraries_are_seen_but_not_their_namesakes() {
        let used = source(
            "web",
            1,
            "use diesel::prelude::*; fn f() { ::hyper::x(); my::actix_web::y(); }",
        )
        .crates_used();
        assert!(
            used.contains("diesel") && used.contains("hyper") && !used.contains("actix_web"),
            "{used:?}"
        );
    }

    #[test]
    fn a_name_is_the_same_words_in_every_case() {
        for text in ["MercadoLibre", "mercado_libre", "mercado-libre", "Mercado Libre"] {
            assert_eq!(words_of(text), ["mercado", "libre"], "{text}");
        }
        assert_eq!(words_of("vendor"), ["vendor"]);
    }
}
