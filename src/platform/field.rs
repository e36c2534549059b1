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

    /// What the first group of the pattern takes of the value.
    pub fn first_group(&self, value: &str) -> Option<String> {
        Some(self.whole.captures(value)?.get(1)?.as_str().to_owned())
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
    /// One label of a host name, which the catalogue completes.
    Label,
    /// An address with its folder.
    Url,
    /// A path without the slash before it; its own slashes stay.
    Path,
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
    /// Another field whose value stands in where neither is given.
    #[serde(default)]
    pub default_from: Option<String>,
}

/// A value that comes from a callback or an answer and that a request's address is made of.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arriving {
    pub pattern: Pattern,
    #[serde(default)]
    pub takes: Takes,
    /// Calls need it: whoever brings tokens along has to say it.
    #[serde(default)]
    pub import: Option<Import>,
}

/// How a partner is asked for a value that nobody types in a browser.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    pub label: Text,
    /// Where the platform told it.
    pub help: Text,
    pub example: String,
    /// Without it everything but the revoke call works.
    #[serde(default = "super::descriptor::yes")]
    pub required: bool,
    /// It is the store's identity, which no call tells.
    #[serde(default)]
    pub identity: bool,
}

impl Arriving {
    /// The value in its one spelling; `None` where it is not one that may be used.
    pub fn check(&self, given: &str) -> Option<String> {
        spelled(self.takes, &self.pattern, given.trim(), false)
    }
}

/// The value in its one spelling, if it meets the pattern and, in an address, leads nowhere else.
fn spelled(takes: Takes, pattern: &Pattern, given: &str, allow_http: bool) -> Option<String> {
    let value = match takes {
        Takes::Text | Takes::Path => given.to_owned(),
        Takes::Label => given.to_ascii_lowercase(),
        Takes::Host => spell_host(given),
        Takes::Url => spell_url(given),
    };
    let meets = if allow_http {
        pattern.is_match_with_http(&value)
    } else {
        pattern.is_match(&value)
    };
    let safe = match takes {
        Takes::Text => true,
        Takes::Label => host::checked_label(&value),
        Takes::Path => host::checked_path(&value),
        Takes::Host => host::checked_host(&value),
        Takes::Url => host::checked_url(&value).is_some(),
    };
    (meets && safe && !value.chars().any(char::is_control)).then_some(value)
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
            return if self.required && self.default.is_none() && self.default_from.is_none() {
                Err(FieldProblem::Missing)
            } else {
                Ok(String::new())
            };
        }
        spelled(self.takes, &self.pattern, given, allow_http)
            .filter(|value| self.choices.is_empty() || self.choices.iter().any(|choice| choice.value == *value))
            .ok_or(FieldProblem::Pattern)
    }

    /// Whether a host stands there, though perhaps not one that the field takes.
    pub(super) fn is_some_host(&self, given: &str) -> bool {
        self.takes == Takes::Host && host::checked_host(&spell_host(given.trim()))
    }
}

/// Lower case, without the `https://` and the last slash that come along when an address is copied.
fn spell_host(given: &str) -> String {
    let lower = given.to_ascii_lowercase();
    let bare = lower
        .strip_prefix("https://")
        .or_else(|| lower.strip_prefix("http://"))
        .unwrap_or(&lower);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn field(takes: Takes, pattern: &str) -> Field {
        let text = Text::same("");
        Field {
            name: "f".into(),
            label: text.clone(),
            help: text,
            example: String::new(),
            pattern: Pattern::try_from(pattern.to_owned()).unwrap_or_else(|e| panic!("{e}")),
            secret: false,
            takes,
            choices: Vec::new(),
            required: true,
            default: None,
            default_from: None,
        }
    }

    #[test]
    fn a_pattern_must_be_anchored_and_no_alternative_escapes_it() {
        for loose in ["abc", "^abc", "abc$", "^abc\\$"] {
            assert!(Pattern::try_from(loose.to_owned()).is_err(), "{loose}");
        }
        let either = field(Takes::Text, "^a|b$");
        assert!(either.check("b", false).is_ok());
        assert_eq!(either.check("ax", false), Err(FieldProblem::Pattern));
    }

    #[test]
    fn hosts_and_addresses_are_brought_to_one_spelling() {
        let host = field(Takes::Host, r"^[a-z0-9-]+\.example\.com$");
        assert_eq!(
            host.check(" https://ACME.example.com/ ", false).as_deref(),
            Ok("acme.example.com")
        );
        let url = field(Takes::Url, r"^https://[a-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~/-]*)?$");
        for (given, spelt) in [
            ("HTTPS://Shop.Example.com/", "https://shop.example.com"),
            (
                "https://shop.example.com:443/Folder//",
                "https://shop.example.com/Folder",
            ),
            ("https://shop.example.com:8443", "https://shop.example.com:8443"),
        ] {
            assert_eq!(url.check(given, false).as_deref(), Ok(spelt));
        }
        assert_eq!(url.check("http://shop.example.com", false), Err(FieldProblem::Pattern));
        assert_eq!(
            url.check("http://shop.example.com:80", true).as_deref(),
            Ok("http://shop.example.com")
        );
    }

    #[test]
    fn a_typed_address_leads_nowhere_else() {
        let host = field(Takes::Host, "^.+$");
        let url = field(Takes::Url, "^https://.+$");
        for bad in [
            "acme.example.com@evil.example",
            "evil.example\\.example.com",
            "evil.example/x",
            "evil.example#x",
            "evil.example?x",
            "a b",
            "a\u{0}b",
            "caf\u{e9}.example",
            "..",
        ] {
            assert_eq!(host.check(bad, false), Err(FieldProblem::Pattern), "{bad}");
        }
        for bad in [
            "https://a@evil.example",
            "https://a.example/../x",
            "https://a.example/x?y",
            "https://a.example\\x",
            "https://a.ex\u{7}ample",
            "https://b\u{fc}cher.example",
        ] {
            assert_eq!(url.check(bad, true), Err(FieldProblem::Pattern), "{bad}");
        }
        assert_eq!(
            field(Takes::Text, "^.*$").check("a\u{1b}b", false),
            Err(FieldProblem::Pattern)
        );
    }

    #[test]
    fn an_empty_value_is_missing_unless_the_field_is_optional() {
        let mut field = field(Takes::Text, "^a$");
        assert_eq!(field.check("  ", false), Err(FieldProblem::Missing));
        field.required = false;
        assert_eq!(field.check("  ", false).as_deref(), Ok(""));
    }
}
