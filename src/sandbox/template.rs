//! Answers as data: a JSON shape whose texts may hold `{name}`. A text that is exactly one `{name}` becomes the value
//! itself (so numbers stay numbers), and its key is left out where there is no such value: that is how an answer without
//! a refresh token or without an expiry is written with the same shape.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The values a shape can name.
pub type Values = BTreeMap<String, Value>;

/// Fills `shape` in; names without a value are left out of lists and objects, and are empty inside texts.
pub fn fill(shape: &Value, values: &Values) -> Value {
    fill_or_drop(shape, values).unwrap_or(Value::Null)
}

fn fill_or_drop(shape: &Value, values: &Values) -> Option<Value> {
    Some(match shape {
        Value::String(text) => match exact_name(text) {
            Some(name) => return values.get(name).cloned(),
            None => Value::String(fill_text(text, values)),
        },
        // An item that is nothing but names without a value goes as a whole.
        Value::Array(items) => Value::Array(
            items
                .iter()
                .filter_map(|item| {
                    let filled = fill_or_drop(item, values)?;
                    let emptied = filled.as_object().is_some_and(Map::is_empty) && *item != filled;
                    (!emptied).then_some(filled)
                })
                .collect(),
        ),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter_map(|(name, field)| Some((name.clone(), fill_or_drop(field, values)?)))
                .collect::<Map<_, _>>(),
        ),
        plain => plain.clone(),
    })
}

/// Fills `{name}` into a text. Braces around anything but a name stay as they are.
pub fn fill_text(text: &str, values: &Values) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, from_open) = rest.split_at(open);
        filled.push_str(before);
        match from_open
            .find('}')
            .map(|close| (&from_open[1..close], &from_open[close + 1..]))
        {
            Some((name, after)) if is_name(name) => {
                match values.get(name) {
                    Some(Value::String(value)) => filled.push_str(value),
                    Some(value) => filled.push_str(&value.to_string()),
                    None => {}
                }
                rest = after;
            }
            _ => {
                filled.push('{');
                rest = &from_open[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

fn exact_name(text: &str) -> Option<&str> {
    let name = text.strip_prefix('{')?.strip_suffix('}')?;
    is_name(name).then_some(name)
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lone_name_keeps_its_type_and_a_missing_one_drops_its_key() {
        let values = Values::from([("seconds".into(), json!(60)), ("who".into(), json!("acme"))]);
        let shape = json!({"expires_in": "{seconds}", "refresh_token": "{none}", "text": "for {who}{none}, {Not}"});
        assert_eq!(
            fill(&shape, &values),
            json!({"expires_in": 60, "text": "for acme, {Not}"})
        );
    }
}
