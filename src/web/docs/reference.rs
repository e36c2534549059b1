//! The reference: any OpenAPI 3.1 description, ordered by tag. Tags come in the order in which the description lists them.

use serde_json::Value;

use super::markdown;
use super::operation::{METHODS, Operation};
use super::schema::{self, Row};
use crate::web::urls;

/// The API as its pages tell it.
pub struct Reference {
    pub title: String,
    pub html: String,
    pub tags: Vec<Tag>,
    /// What is sent to partners, under `webhooks`: operations whose path is the type of the event.
    pub webhooks: Vec<Operation>,
    pub schemas: Vec<SchemaPage>,
}

/// Operations that belong together: one page.
pub struct Tag {
    pub name: String,
    pub slug: String,
    pub html: String,
    pub operations: Vec<Operation>,
}

/// A named schema.
pub struct SchemaPage {
    pub name: String,
    pub kind: String,
    pub html: String,
    pub rows: Vec<Row>,
}

/// The pages of an OpenAPI 3.1 description. What it lacks is left out; nothing in it can fail.
pub fn reference(description: &Value) -> Reference {
    let mut tags: Vec<Tag> = Vec::new();
    for tag in description["tags"].as_array().into_iter().flatten() {
        let name = tag["name"].as_str().unwrap_or_default();
        tags.push(Tag::new(name, tag["description"].as_str().unwrap_or_default()));
    }
    for (path, item) in description["paths"].as_object().into_iter().flatten() {
        for method in METHODS.iter().filter(|method| item[**method].is_object()) {
            let operation = Operation::of(description, path, item, method);
            let name = item[*method]["tags"][0].as_str().unwrap_or("Other");
            match tags.iter_mut().find(|tag| tag.name == name) {
                Some(tag) => tag.operations.push(operation),
                None => {
                    let mut tag = Tag::new(name, "");
                    tag.operations.push(operation);
                    tags.push(tag);
                }
            }
        }
    }
    tags.retain(|tag| !tag.operations.is_empty());
    let webhooks = description["webhooks"].as_object().into_iter().flatten();
    let schemas = description["components"]["schemas"].as_object().into_iter().flatten();
    Reference {
        title: description["info"]["title"].as_str().unwrap_or("API").to_owned(),
        html: markdown::fragment(description["info"]["description"].as_str().unwrap_or_default()),
        tags,
        webhooks: webhooks
            .map(|(kind, item)| Operation::of(description, kind, item, "post"))
            .collect(),
        schemas: schemas
            .map(|(name, one)| SchemaPage {
                name: name.clone(),
                kind: schema::kind(one),
                html: markdown::fragment(one["description"].as_str().unwrap_or_default()),
                rows: schema::rows(description, one),
            })
            .collect(),
    }
}

impl Reference {
    pub fn tag(&self, slug: &str) -> Option<&Tag> {
        self.tags.iter().find(|tag| tag.slug == slug)
    }
}

impl Tag {
    /// Its page.
    pub fn href(&self) -> String {
        urls::docs_tag(&self.slug)
    }

    fn new(name: &str, about: &str) -> Self {
        let slug = name
            .to_lowercase()
            .replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        Self {
            name: name.to_owned(),
            slug,
            html: markdown::fragment(about),
            operations: Vec::new(),
        }
    }
}
