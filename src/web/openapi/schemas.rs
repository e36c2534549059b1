//! Shapes by name, as the derived code gives them, and one rule more for what we answer: a member that may be `null` is
//! always there. A member that can be left out is marked so that it cannot be `null`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use super::call::Call;

/// Shapes of one call, with what they refer to.
pub type Shapes = Vec<(String, RefOr<Schema>)>;

/// A reference to `T`; its shape and those below it are added to `into`.
pub fn refer<T: ToSchema>(into: &mut Shapes) -> Value {
    into.push((T::name().into_owned(), T::schema()));
    T::schemas(into);
    json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
}

/// All shapes of the document.
#[derive(Default)]
pub struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// Adds what a call is asked with and answers.
    pub fn add(&mut self, call: Call) {
        let (asked, answered) = call.into_shapes();
        for (name, shape) in asked {
            self.insert(&name, json!(shape));
        }
        for (name, shape) in answered {
            let mut shape = json!(shape);
            say_all(&mut shape);
            self.insert(&name, shape);
        }
    }

    pub fn insert(&mut self, name: &str, shape: Value) {
        self.0.insert(name.to_owned(), shape);
    }

    pub fn into_value(self) -> Value {
        json!(self.0)
    }
}

/// Requires what may be `null`, here and below.
fn say_all(shape: &mut Value) {
    if let Some(parts) = shape.get_mut("allOf").and_then(Value::as_array_mut) {
        parts.iter_mut().for_each(say_all);
    }
    let Some(properties) = shape.get("properties").and_then(Value::as_object) else {
        return;
    };
    let required = shape.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|known| known == name));
    let said: Vec<&String> = properties
        .iter()
        .filter(|(name, of)| is_required(name) || may_be_null(of))
        .map(|(name, _)| name)
        .collect();
    shape["required"] = json!(said);
}

fn may_be_null(shape: &Value) -> bool {
    let null = |one: &Value| one == "null" || one["type"] == "null";
    ["type", "oneOf"]
        .iter()
        .filter_map(|word| shape[*word].as_array())
        .any(|kinds| kinds.iter().any(null))
}
