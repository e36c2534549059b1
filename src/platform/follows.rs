//! Values that nobody gives, since they follow from another one: by a list, by whichever stands in for it, or by leaving its
//! end out. What follows from a checked value is held against the same check again wherever it decides over an address.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

/// A value that follows from another one by a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    pub from: String,
    pub values: BTreeMap<String, String>,
}

/// A value that others stand in for: which one, another value decides.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandIn {
    pub from: String,
    /// The name of the one that stands in, by that value; where it is not given, nothing changes.
    pub names: BTreeMap<String, String>,
}

/// An address without its last folders.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trimmed {
    /// A field that takes an address.
    pub from: String,
    /// What is left out where the address ends in it; begins with a slash.
    pub end: String,
}

impl Trimmed {
    pub(super) fn of<'a>(&self, whole: Cow<'a, str>) -> Cow<'a, str> {
        let length = whole.strip_suffix(self.end.as_str()).map(str::len);
        match (length, whole) {
            (None, whole) => whole,
            (Some(length), Cow::Borrowed(text)) => Cow::Borrowed(&text[..length]),
            (Some(length), Cow::Owned(mut text)) => {
                text.truncate(length);
                Cow::Owned(text)
            }
        }
    }
}
