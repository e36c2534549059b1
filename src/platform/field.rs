//! What a merchant types, or a partner registers: one value with a pattern that decides what is taken. Values that become
//! part of an address are also brought to one spelling, since a store's identity may rest on them.

use regex::Regex;
use serde::Deserialize;

use super::descriptor::Text;
use super::host;

/// A pattern that the whole value must meet.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern {
    text: String,
    whole: Regex,
    with_http: Option<Regex>,
}

impl Pattern {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn is_match(&self, value: &str) -> bool {
        self.whole.is_match(value)
    }

    /// As `is_match`, but `^https://` takes http as well.
    pub fn is_match_with_http(&self, value: &str) -> bool {
        self.with_http.as_ref().unwrap_or(&self.whole).is_match(value)
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if !text.starts_with('^') || !text.ends_with('$') || text.ends_with("\\$") {
            return Err(format!("the pattern `{text}` must be anchored: ^...$"));
        }
        // Wrapped, so that an alternative inside cannot escape the anchors.
        let compile = |p: &str| Regex::new(&format!(r"\A(?:{p})\z")).map_err(|e| format!("the pattern `{text}`: {e}"));
        let whole = compile(&text)?;
        let with_http = match text.strip_prefix("^https://") {
            Some(rest) => Some(compile(&format!("^https?://{rest}"))?),
            None => None,
        };
        Ok(Self { text, whole, with_http })
    }
}

/// What kind of value a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Takes {
    #[default]
    Text,
    /// A host name, for the host's place in an address.
    Host,
    /// An address with its folder.
    Url,
}

/// One of the values that a field can have.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    pub value: String,
    pub label: Text,
}

/// A value that somebody gives.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    pub name: String,
    pub label: Text,
    /// Where to find it.
    pub help: Text,
    #[serde(default)]
    pub example: String,
    pub pattern: Pattern,
    #[serde(default)]
    pub secret: bool,
    #[serde(default)]
    pub takes: Takes,
    #[serde(default)]
    pub choices: Vec<Choice>,
    #[serde(default = "super::descriptor::yes")]
    pub required: bool,
    /// Stands in where nothing is given.
    #[serde(default)]
    pub default: Option<String>,
}

/// Why a value is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldProblem {
    #[error("a value is needed")]
    Missing,
    #[error("the value does not have the expected form")]
    Pattern,
}

impl Field {
    /// The value in its one spelling. An optional field left empty is `Ok("")`. With `allow_http` an `^https://`
    /// pattern takes http too.
    pub fn check(&self, given: &str, allow_http: bool) -> Result<String, FieldProblem> {
        let given = given.trim();
        if given.is_empty() {
            return if self.required && self.default.is_none() {
                Err(FieldProblem::Missing)
            } else {
                Ok(String::new())
            };
        }
        let value = match self.takes {
            Takes::Text => given.to_owned(),
            Takes::Host => spell_host(given),
            Takes::Url => spell_url(given),
        };
        let meets = if allow_http { self.pattern.is_match_with_http(&value) } else { self.pattern.is_match(&value) };
        let listed = self.choices.is_empty() || self.choices.iter().any(|choice| choice.value == value);
        let safe = match self.takes {
            Takes::Text => true,
            Takes::Host => host::checked_host(&value),
            Takes::Url => host::checked_url(&value).is_some(),
        };
        if meets && listed && safe && !value.chars().any(char::is_control) {
            Ok(value)
        } else {
            Err(FieldProblem::Pattern)
        }
    }
}

/// Lower case, without the `https://` and the last slash that come along when an address is copied.
fn spell_host(given: &str) -> String {
    let lower = given.to_ascii_lowercase();
    let bare = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")).unwrap_or(&lower);
    bare.strip_suffix('/').unwrap_or(bare).to_owned()
}

/// Scheme and host in lower case, no default port, no slash at the end; the folder as it is.
fn spell_url(given: &str) -> String {
    let Some((scheme, rest)) = given.split_once("://") else {
        return given.to_owned();
    };
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let authority = authority.to_ascii_lowercase();
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
    format!("{scheme}://{authority}{}", path.trim_end_matches('/'))
}
