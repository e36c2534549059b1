//! The named values of one store, app and attempt that requests are made from: connect fields, the platform app's fields,
//! tokens, and what a callback brought. All are treated as secrets, so that no caller has to know which ones are.

use std::collections::BTreeMap;
use std::fmt;

use crate::domain::secret::{Secret, SecretBytes};

/// Values by name, such as `shop`, `client_id` or `access_token`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<String, Secret>);

impl Values {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(Secret::expose)
    }

    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Secret>) {
        self.0.insert(name.into(), value.into());
    }

    pub fn with(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.set(name, value);
        self
    }

    pub fn remove(&mut self, name: &str) -> Option<Secret> {
        self.0.remove(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These values laid over `other`: where both have a name, this one's value is seen.
    pub fn over(&self, other: &Self) -> Self {
        let mut all = other.0.clone();
        all.extend(self.0.iter().map(|(name, value)| (name.clone(), value.clone())));
        Self(all)
    }

    /// A JSON object of all values, to be sealed at once.
    pub fn to_bytes(&self) -> SecretBytes {
        let object: serde_json::Map<String, serde_json::Value> = self
            .iter()
            .map(|(name, value)| (name.to_owned(), value.expose().into()))
            .collect();
        SecretBytes::new(serde_json::Value::Object(object).to_string())
    }

    /// Reads what `to_bytes` wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes).map(Self)
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl<N: Into<String>, V: Into<Secret>> FromIterator<(N, V)> for Values {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(pairs: T) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_over_others_win_and_debug_shows_names_alone() {
        let all = Values::new()
            .with("a", "new")
            .over(&Values::new().with("a", "old").with("b", "kept"));
        assert_eq!((all.get("a"), all.get("b")), (Some("new"), Some("kept")));
        assert_eq!(format!("{all:?}"), r#"{"a", "b"}"#);
        assert_eq!(Values::from_bytes(all.to_bytes().expose()).ok(), Some(all));
    }
}
