//! Comparing texts as the conversations write them, and collecting where expected and got part.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::expected::Scalar;

/// What differs, a line each.
#[derive(Default)]
pub struct Differences(pub Vec<String>);

impl Differences {
    pub fn add(&mut self, what: &str, expected: impl Debug, got: impl Debug) {
        self.0.push(format!("{what}\nexpected {expected:?}\ngot      {got:?}"));
    }

    pub fn equal<T: Debug + PartialEq>(&mut self, what: &str, expected: T, got: T) {
        if expected != got {
            self.add(what, expected, got);
        }
    }

    /// Exactly these names, apart from the `optional` ones, each once and with its value.
    pub fn pairs(
        &mut self,
        what: &str,
        expected: &BTreeMap<String, Scalar>,
        got: &[(String, String)],
        optional: &[String],
    ) {
        for (name, value) in expected {
            let found: Vec<&str> = got.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect();
            if found.len() != 1 || !fits(&value.text(), found[0]) {
                self.add(&format!("{what} `{name}`"), value.text(), found);
            }
        }
        for (name, value) in got {
            if !expected.contains_key(name) && !optional.contains(name) {
                self.add(&format!("{what} `{name}`"), "not there", value);
            }
        }
    }
}

/// `*` as a whole is anything that is not empty; within a text it stands for one or more characters other than `/`.
pub fn fits(pattern: &str, text: &str) -> bool {
    if pattern == "*" {
        return !text.is_empty();
    }
    let parts: Vec<String> = pattern.split('*').map(regex::escape).collect();
    regex::Regex::new(&format!("^{}$", parts.join("[^/]+")))
        .unwrap()
        .is_match(text)
}
