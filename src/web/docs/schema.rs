//! JSON Schema as OpenAPI 3.1 uses it, told as rows of a table: name, kind, whether it must be there, and what it means.
//! Inline objects become rows of their own (`merchant.email`); named ones are links. Examples that a schema does not give
//! are made from its kinds, so that every sample can be sent as it stands.

use serde_json::{Map, Value, json};

use super::markdown;
use crate::web::urls;

/// How deep inline objects are told, and examples made.
const DEEPEST: usize = 5;

/// One member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub kind: String,
    /// The named schema, where the kind is one.
    pub href: String,
    pub required: bool,
    pub html: String,
}

/// What `$ref` points to, or the value itself.
pub(super) fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointed = value["$ref"].as_str().and_then(|place| place.strip_prefix('#'));
    pointed.and_then(|place| document.pointer(place)).unwrap_or(value)
}

/// Name of the schema that a reference names.
fn named(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

/// Where the schema, or what a list or a choice holds, is described; empty without a name.
pub(super) fn href(schema: &Value) -> String {
    let inner = [
        schema,
        &schema["items"],
        &schema["allOf"][0],
        &schema["anyOf"][0],
        &schema["oneOf"][0],
    ];
    let name = inner.into_iter().find_map(named);
    name.map(|name| format!("{}#{name}", urls::docs_tag("schemas")))
        .unwrap_or_default()
}

/// A schema in a few words, such as `list of Store` or `string (date-time) or null`.
pub(super) fn kind(schema: &Value) -> String {
    if let Some(name) = named(schema) {
        return name.to_owned();
    }
    for (choice, word) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " and ")] {
        if let Some(parts) = schema[choice].as_array() {
            return parts.iter().map(kind).collect::<Vec<_>>().join(word);
        }
    }
    if let Some(value) = schema.get("const") {
        return value.to_string();
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
    }
    let one = |name: &str| match (name, schema["format"].as_str()) {
        ("array", _) => format!("list of {}", kind(&schema["items"])),
        ("object", _) if schema["additionalProperties"].is_object() => {
            format!("object of {}", kind(&schema["additionalProperties"]))
        }
        ("string" | "integer" | "number", Some(format)) => format!("{name} ({format})"),
        _ => name.to_owned(),
    };
    match &schema["type"] {
        Value::String(name) => one(name),
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .map(one)
            .collect::<Vec<_>>()
            .join(" or "),
        _ => "any".to_owned(),
    }
}

/// The members of an object schema, inline objects with theirs.
pub(super) fn rows(document: &Value, schema: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    add_rows(document, resolved(document, schema), "", 0, &mut rows);
    rows
}

fn add_rows(document: &Value, schema: &Value, before: &str, depth: usize, rows: &mut Vec<Row>) {
    if depth > DEEPEST {
        return;
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        add_rows(document, resolved(document, part), before, depth + 1, rows);
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{before}{name}");
        rows.push(Row {
            kind: kind(member),
            href: href(member),
            required: is_required(schema, name),
            html: markdown::fragment(member["description"].as_str().unwrap_or_default()),
            name: path.clone(),
        });
        if member["properties"].is_object() {
            add_rows(document, member, &format!("{path}."), depth + 1, rows);
        } else if member["items"]["properties"].is_object() {
            add_rows(document, &member["items"], &format!("{path}[]."), depth + 1, rows);
        }
    }
}

fn is_required(schema: &Value, name: &str) -> bool {
    let required = schema["required"].as_array();
    required.is_some_and(|names| names.iter().any(|one| one == name))
}

/// The example of a media type, or one made from its schema.
pub(super) fn example_of_media(document: &Value, media: &Value) -> Value {
    if let Some(example) = media.get("example") {
        return example.clone();
    }
    let first = media["examples"]
        .as_object()
        .and_then(|examples| examples.values().next());
    match first.map(|first| resolved(document, first)) {
        Some(first) if first.get("value").is_some() => first["value"].clone(),
        _ => example(document, &media["schema"], 0),
    }
}

/// A value that the schema allows.
pub(super) fn example(document: &Value, schema: &Value, depth: usize) -> Value {
    let schema = resolved(document, schema);
    let given = [
        schema.get("example"),
        schema["examples"].get(0),
        schema.get("default"),
        schema.get("const"),
    ];
    let given = given.into_iter().flatten().chain(schema["enum"].get(0)).next();
    if let Some(given) = given {
        return given.clone();
    }
    if depth > DEEPEST {
        return Value::Null;
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let mut whole = Map::new();
        for part in parts {
            if let Value::Object(members) = example(document, part, depth + 1) {
                whole.extend(members);
            }
        }
        return Value::Object(whole);
    }
    for choice in ["oneOf", "anyOf"] {
        let parts = schema[choice].as_array().into_iter().flatten();
        let mut parts = parts.filter(|part| part["type"] != "null");
        if let Some(first) = parts.next() {
            return example(document, first, depth + 1);
        }
    }
    let name = match &schema["type"] {
        Value::Array(names) => names.first().and_then(Value::as_str),
        other => other.as_str(),
    };
    match name {
        Some("object") => {
            let members = schema["properties"].as_object().into_iter().flatten();
            let members = members.map(|(name, member)| (name.clone(), example(document, member, depth + 1)));
            Value::Object(members.collect())
        }
        Some("array") => json!([example(document, &schema["items"], depth + 1)]),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(true),
        Some("string") => json!(match schema["format"].as_str() {
            Some("date-time") => "2026-03-02T09:00:00Z",
            Some("uri" | "url") => "https://partner.example/",
            Some("email") => "merchant@example.com",
            _ => "text",
        }),
        _ => Value::Null,
    }
}
