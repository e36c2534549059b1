//! No control characters in what programs send: the database takes no NUL, and names, addresses and scopes need none of
//! the others. Checked for every text of a JSON body at once, keys included, before anything of it is used. Line breaks
//! and tabs pass where a text may have several lines: in fields of a platform (keys in PEM) and in metadata.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::broker::FieldError;

/// Members of the body in whose texts lines may break.
const MANY_LINES: [&str; 3] = ["fields", "standby", "metadata"];

/// What is wrong with the texts of a JSON body. One that is no JSON has nothing wrong here.
pub(super) fn check(json: &[u8]) -> Vec<FieldError> {
    let mut texts = Texts::default();
    // What is not JSON is told by whoever reads it.
    let _ = texts.deserialize(&mut serde_json::Deserializer::from_slice(json));
    texts.wrong
}

#[derive(Default)]
struct Texts {
    /// Names that lead to the value, places in a list included.
    path: Vec<String>,
    wrong: Vec<FieldError>,
}

impl Texts {
    fn look(&mut self, text: &str) {
        let many_lines = self
            .path
            .first()
            .is_some_and(|first| MANY_LINES.contains(&first.as_str()));
        let harmless = |c: char| many_lines && matches!(c, '\n' | '\r' | '\t');
        if !text.chars().any(|c| c.is_control() && !harmless(c)) {
            return;
        }
        let field = if self.path.is_empty() {
            "body".to_owned()
        } else {
            self.path.join(".")
        };
        self.wrong.push(FieldError::new(field, "no control characters"));
    }
}

impl<'de> DeserializeSeed<'de> for &mut Texts {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Texts {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.look(text);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut place = 0_usize;
        loop {
            self.path.push(place.to_string());
            let more = list.next_element_seed(&mut *self)?.is_some();
            self.path.pop();
            if !more {
                return Ok(());
            }
            place += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(name) = object.next_key::<String>()? {
            self.look(&name);
            self.path
                .push(name.chars().filter(|c| !c.is_control()).take(60).collect());
            object.next_value_seed(&mut *self)?;
            self.path.pop();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Vec<String> {
        check(json.as_bytes()).into_iter().map(|wrong| wrong.field).collect()
    }

    #[test]
    fn a_control_character_is_found_wherever_it_stands() {
        for (json, wanted) in [
            (r#"{"name": "a\u0000b"}"#, "name"),
            (r#"{"tokens": {"scopes": ["read", "wr\u0007ite"]}}"#, "tokens.scopes.1"),
            (r#"{"return_url": "https://a\n"}"#, "return_url"),
            (r#"{"metadata": {"a": [{"b": "\u0000"}]}}"#, "metadata.a.0.b"),
            (r#"{"metadata": {"a\u0000": 1}}"#, "metadata"),
            (r#"{"na\u0000me": 1}"#, "body"),
        ] {
            assert_eq!(fields(json), [wanted], "{json}");
        }
    }

    #[test]
    fn lines_may_break_in_keys_and_metadata_alone() {
        assert!(fields(r#"{"fields": {"key": "-----BEGIN\nEND"}, "metadata": {"note": "a\r\n\tb"}}"#).is_empty());
        assert!(fields(r#"{"n": 1, "x": -1.5, "y": null, "z": true, "s": "ñ €"} "#).is_empty());
        assert_eq!(fields(r#"{"merchant": {"name": "a\nb"}}"#), ["merchant.name"]);
    }
}
