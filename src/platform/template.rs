//! Texts with `{name}` in them. An address is split when the catalogue is read: what stands in the host's place comes
//! from a checked value only, and what stands in the path is percent-encoded as one segment, so that no value can move
//! a request to another host or path.

use std::borrow::Cow;

use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use url::Url;

use super::descriptor::Method;
use super::failure::BuildError;
use super::field::Takes;
use super::host;
use super::sign::SignMoment;
use super::signature::RFC3986;
use super::values::Values;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(String),
}

/// A text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template {
    parts: Vec<Part>,
}

/// What placeholders are filled from.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub method: &'a Method,
    pub values: &'a Values,
    pub moment: Option<&'a SignMoment>,
}

impl<'a> Scope<'a> {
    pub fn new(method: &'a Method, values: &'a Values, moment: &'a SignMoment) -> Self {
        Self {
            method,
            values,
            moment: Some(moment),
        }
    }

    pub fn timeless(method: &'a Method, values: &'a Values) -> Self {
        Self {
            method,
            values,
            moment: None,
        }
    }

    /// Whether a name's value comes from the catalogue's list: it does, unless the name is a field's as well, and given.
    pub(super) fn looks_up(&self, name: &str) -> bool {
        let given = || self.values.get(name).is_some_and(|value| !value.is_empty());
        self.method.lookups.contains_key(name) && !(self.method.field(name).is_some() && given())
    }

    /// What stands in for a name here.
    fn stand_in(&self, name: &str) -> Option<&'a str> {
        let stand_in = self.method.instead.get(name)?;
        let other = stand_in.names.get(self.values.get(&stand_in.from)?)?;
        self.values.get(other).filter(|value| !value.is_empty())
    }

    /// The value of a name: given, looked up from another one, of this moment, or a field's default.
    pub fn get(&self, name: &str) -> Result<Cow<'a, str>, BuildError> {
        let missing = || BuildError::MissingValue(name.to_owned());
        if let Some(lookup) = self.method.lookups.get(name).filter(|_| self.looks_up(name)) {
            let key = self.get(&lookup.from)?;
            return lookup
                .values
                .get(key.as_ref())
                .map(|v| Cow::Borrowed(v.as_str()))
                .ok_or_else(missing);
        }
        if let Some(trimmed) = self.method.trimmed.get(name) {
            return self.get(&trimmed.from).map(|whole| trimmed.of(whole));
        }
        if let Some(value) = self.stand_in(name) {
            return Ok(Cow::Borrowed(value));
        }
        if let Some(moment) = self.moment
            && let Some(value) = moment.value(name)
        {
            return Ok(Cow::Owned(value));
        }
        match self.values.get(name) {
            Some(value) if !value.is_empty() => Ok(Cow::Borrowed(value)),
            _ => match self
                .method
                .field(name)
                .map(|field| (&field.default, &field.default_from))
            {
                Some((Some(default), _)) => Ok(Cow::Borrowed(default)),
                Some((None, Some(other))) => self.get(other),
                _ => Err(missing()),
            },
        }
    }
}

impl Template {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            if rest[open..].starts_with('}') {
                return Err(format!("a `}}` without `{{` in `{text}`"));
            }
            let close = rest[open..]
                .find('}')
                .ok_or_else(|| format!("a `{{` without `}}` in `{text}`"))?
                + open;
            let name = &rest[open + 1..close];
            if name.is_empty()
                || !name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            {
                return Err(format!("`{{{name}}}` is not a placeholder"));
            }
            if open > 0 {
                parts.push(Part::Text(rest[..open].to_owned()));
            }
            parts.push(Part::Value(name.to_owned()));
            rest = &rest[close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The names of its placeholders.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Value(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text with values of any kind: nothing is looked up, and nothing stands in.
    pub fn fill_from(&self, values: &Values) -> Result<String, BuildError> {
        self.fill_with(|name| {
            let value = values.get(name).filter(|value| !value.is_empty());
            value
                .map(str::to_owned)
                .ok_or_else(|| BuildError::MissingValue(name.to_owned()))
        })
    }

    fn fill_with(&self, value: impl Fn(&str) -> Result<String, BuildError>) -> Result<String, BuildError> {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Value(name) => filled.push_str(&value(name)?),
            }
        }
        Ok(filled)
    }

    /// The text with every value as it is: for headers and for what gets encoded afterwards.
    pub fn fill(&self, scope: &Scope<'_>) -> Result<String, BuildError> {
        self.fill_with(|name| scope.get(name).map(Cow::into_owned))
    }

    /// The text as part of a path: each value is one segment or less, unless its field takes a path.
    pub fn fill_path(&self, scope: &Scope<'_>) -> Result<String, BuildError> {
        self.fill_with(|name| {
            let value = scope.get(name)?;
            if matches!(value.as_ref(), "." | "..") || value.chars().any(char::is_control) {
                return Err(BuildError::UnsafeValue(name.to_owned()));
            }
            match scope.method.check_of(name) {
                Some((Takes::Path, pattern)) if pattern.is_match(&value) && host::checked_path(&value) => {
                    Ok(value.into_owned())
                }
                Some((Takes::Path, _)) => Err(BuildError::UnsafeValue(name.to_owned())),
                _ => Ok(utf8_percent_encode(&value, RFC3986).to_string()),
            }
        })
    }
}

impl TryFrom<String> for Template {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Head {
    /// `https://` and a host with or without placeholders.
    Host(Template),
    /// One value that is a whole address, folder included.
    Base(String),
}

/// An address with placeholders: `https://{shop}/admin` or `{store_url}/page`. No query: that is made of pairs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct UrlTemplate {
    head: Head,
    path: Template,
}

impl TryFrom<String> for UrlTemplate {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if text.contains(['?', '#', '@', '\\', ' ']) {
            return Err(format!("`{text}` must be an address without query, fragment or user"));
        }
        let (head, path) = if let Some(rest) = text.strip_prefix("https://") {
            let slash = rest.find('/').unwrap_or(rest.len());
            (Head::Host(Template::parse(&rest[..slash])?), &rest[slash..])
        } else if text.starts_with('{') {
            let close = text
                .find('}')
                .ok_or_else(|| format!("a `{{` without `}}` in `{text}`"))?;
            if !(text.len() == close + 1 || text[close + 1..].starts_with('/')) {
                return Err(format!(
                    "`{text}`: a value that is a whole address must end where the path begins"
                ));
            }
            (Head::Base(text[1..close].to_owned()), &text[close + 1..])
        } else {
            return Err(format!(
                "`{text}` must begin with https:// or with a value that is an address"
            ));
        };
        Ok(Self {
            head,
            path: Template::parse(path)?,
        })
    }
}

impl UrlTemplate {
    /// Placeholders in the host's place, which need a pattern.
    pub fn host_names(&self) -> Vec<&str> {
        match &self.head {
            Head::Host(host) => host.names().collect(),
            Head::Base(_) => Vec::new(),
        }
    }

    /// The placeholder that is a whole address, which needs a pattern.
    pub fn base_name(&self) -> Option<&str> {
        match &self.head {
            Head::Host(_) => None,
            Head::Base(name) => Some(name),
        }
    }

    pub fn path_names(&self) -> impl Iterator<Item = &str> {
        self.path.names()
    }

    /// The address; every value in the host's place has passed the shared check.
    pub fn fill(&self, scope: &Scope<'_>) -> Result<Url, BuildError> {
        let head = match &self.head {
            Head::Host(template) => {
                let host = template.fill_with(|name| host::host_value(scope, name))?;
                format!("https://{host}")
            }
            Head::Base(name) => host::base_value(scope, name)?,
        };
        let root = host::checked_url(&head).ok_or(BuildError::BadUrl("the host is not one"))?;
        if self.path.parts.is_empty() {
            // A value that is the whole address keeps its own end.
            return Ok(root);
        }
        let path = self.path.fill_path(scope)?;
        host::below(&root, &path, None).map_err(|_| BuildError::BadUrl("the path leaves its root"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_text_and_named_values_only() {
        let template =
            Template::parse("Bearer {access_token}").map(|t| t.names().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(template, Ok(vec!["access_token".to_owned()]));
        for bad in ["{", "}", "a}b", "{}", "{a b}", "{A}", "{a{b}}"] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_template_says_where_its_host_ends() {
        let parse = |text: &str| UrlTemplate::try_from(text.to_owned());
        assert_eq!(
            parse("https://{shop}/x/{id}").map(|t| t.host_names().join(",")),
            Ok("shop".to_owned())
        );
        assert_eq!(
            parse("{base}/x").map(|t| t.base_name().map(str::to_owned)),
            Ok(Some("base".to_owned()))
        );
        for bad in [
            "http://a.example",
            "a.example",
            "{base}x",
            "{base}.example/x",
            "https://u@a.example",
            "https://a.example/?x",
            "https://a.example/#x",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
