//! The fields of a method as facts: what a merchant, or a partner, is asked for, in the reader's language. Values that a
//! partner brings along with tokens look the same from outside.

use serde::Serialize;
use utoipa::ToSchema;

use super::field::{Arriving, Field, Import, Takes};
use crate::domain::connect::Language;

/// A value that somebody gives.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldFacts {
    pub name: String,
    pub label: String,
    /// Where to find it.
    pub help: String,
    pub example: String,
    /// A regular expression that the whole value meets.
    pub pattern: String,
    /// `text`, `host`, `label` (of a host name), `url` or `path`.
    pub takes: &'static str,
    pub secret: bool,
    pub required: bool,
    /// Stands in where nothing is given.
    pub default: Option<String>,
    /// Another field whose value stands in instead.
    pub default_from: Option<String>,
    /// All that can be chosen; empty: anything that meets the pattern.
    pub choices: Vec<ChoiceFacts>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChoiceFacts {
    pub value: String,
    pub label: String,
}

pub(super) fn field(field: &Field, language: Language) -> FieldFacts {
    FieldFacts {
        name: field.name.clone(),
        label: field.label.in_(language).to_owned(),
        help: field.help.in_(language).to_owned(),
        example: field.example.clone(),
        pattern: field.pattern.as_str().to_owned(),
        takes: takes(field.takes),
        secret: field.secret,
        required: field.required,
        default: field.default.clone(),
        default_from: field.default_from.clone(),
        choices: field
            .choices
            .iter()
            .map(|choice| ChoiceFacts {
                value: choice.value.clone(),
                label: choice.label.in_(language).to_owned(),
            })
            .collect(),
    }
}

pub(super) fn import((name, value, import): (&str, &Arriving, &Import), language: Language) -> FieldFacts {
    FieldFacts {
        name: name.to_owned(),
        label: import.label.in_(language).to_owned(),
        help: import.help.in_(language).to_owned(),
        example: import.example.clone(),
        pattern: value.pattern.as_str().to_owned(),
        takes: takes(value.takes),
        secret: false,
        required: import.required,
        default: None,
        default_from: None,
        choices: Vec::new(),
    }
}

fn takes(takes: Takes) -> &'static str {
    match takes {
        Takes::Text => "text",
        Takes::Host => "host",
        Takes::Label => "label",
        Takes::Url => "url",
        Takes::Path => "path",
    }
}
