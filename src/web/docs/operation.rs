//! One operation of the description, told for its place in the reference: parameters, body, answers and samples.

use serde_json::Value;

use super::markdown;
use super::samples::{Call, Sample, Sent, pretty};
use super::schema::{self, Row, resolved};

/// Methods that an OpenAPI path may have, as its keys.
pub(super) const METHODS: &[&str] = &["get", "post", "put", "patch", "delete", "head", "options"];

/// One operation.
pub struct Operation {
    /// Its anchor.
    pub id: String,
    /// In capitals.
    pub method: String,
    pub path: String,
    pub summary: String,
    pub html: String,
    /// The description as it is written, for the search.
    pub(super) plain: String,
    /// What has to be sent to be let in; empty for what is public.
    pub access: String,
    pub parameters: Vec<Parameter>,
    pub body: Option<Body>,
    pub responses: Vec<Response>,
    pub samples: Vec<Sample>,
}

/// A value in path, query or header.
pub struct Parameter {
    pub name: String,
    /// `path`, `query`, `header`.
    pub place: String,
    pub kind: String,
    pub required: bool,
    pub html: String,
}

/// What is sent.
pub struct Body {
    pub media: String,
    pub kind: String,
    pub href: String,
    pub rows: Vec<Row>,
    /// As JSON.
    pub example: String,
}

/// One answer.
pub struct Response {
    pub status: String,
    pub html: String,
    pub media: String,
    pub kind: String,
    pub href: String,
    pub rows: Vec<Row>,
    /// As JSON; empty without one.
    pub example: String,
}

impl Operation {
    pub(super) fn of(document: &Value, path: &str, item: &Value, method: &str) -> Self {
        let operation = &item[method];
        let text = |name: &str| operation[name].as_str().unwrap_or_default().to_owned();
        let shared = item["parameters"].as_array().into_iter().flatten();
        let own = operation["parameters"].as_array().into_iter().flatten();
        let parameters: Vec<&Value> = shared.chain(own).map(|one| resolved(document, one)).collect();
        let body = resolved(document, &operation["requestBody"]);
        let media = preferred(body);
        let security = operation.get("security").unwrap_or(&document["security"]);
        let scheme = security[0].as_object().and_then(|scheme| scheme.keys().next());
        let call = Call {
            method: method.to_uppercase(),
            path: filled(document, path, &parameters),
            secret: scheme.map(|name| variable(name)),
            // Clients send none with the others, even where one may be sent.
            body: media
                .filter(|_| matches!(method, "post" | "put" | "patch"))
                .map(|(name, media)| sent(name, schema::example_of_media(document, media))),
        };
        let id = match operation["operationId"].as_str() {
            Some(id) => id.to_owned(),
            None => format!("{method}-{}", path.trim_matches('/').replace(['/', '{', '}'], "-")),
        };
        Self {
            id,
            summary: text("summary"),
            html: markdown::fragment(&text("description")),
            plain: text("description"),
            access: access(document, security),
            parameters: parameters.iter().map(|one| Parameter::of(one)).collect(),
            body: media.map(|(name, media)| Body {
                media: name.to_owned(),
                kind: schema::kind(&media["schema"]),
                href: schema::href(&media["schema"]),
                rows: schema::rows(document, &media["schema"]),
                example: pretty(&schema::example_of_media(document, media)),
            }),
            responses: responses(document, operation),
            samples: call.samples(),
            method: call.method,
            path: path.to_owned(),
        }
    }
}

impl Parameter {
    fn of(parameter: &Value) -> Self {
        let text = |name: &str| parameter[name].as_str().unwrap_or_default();
        Self {
            name: text("name").to_owned(),
            place: text("in").to_owned(),
            kind: schema::kind(&parameter["schema"]),
            required: parameter["required"] == true,
            html: markdown::fragment(text("description")),
        }
    }
}

fn responses(document: &Value, operation: &Value) -> Vec<Response> {
    let all = operation["responses"].as_object().into_iter().flatten();
    let told = all.map(|(status, response)| {
        let response = resolved(document, response);
        let (media, content) = preferred(response).unwrap_or(("", &Value::Null));
        let is_error = status.starts_with(['4', '5']) || status == "default";
        let example = match content {
            Value::Null => String::new(),
            // The same shape each time: an example only where somebody wrote one.
            content if is_error && content.get("example").is_none() && content.get("examples").is_none() => {
                String::new()
            }
            content if media.contains("json") => pretty(&schema::example_of_media(document, content)),
            _ => String::new(),
        };
        Response {
            status: status.clone(),
            html: markdown::fragment(response["description"].as_str().unwrap_or_default()),
            media: media.to_owned(),
            kind: if content.is_null() {
                String::new()
            } else {
                schema::kind(&content["schema"])
            },
            href: schema::href(&content["schema"]),
            // Named ones have a place of their own.
            rows: match content["schema"].get("$ref") {
                Some(_) => Vec::new(),
                None => schema::rows(document, &content["schema"]),
            },
            example,
        }
    });
    told.collect()
}

/// The JSON of a body or an answer, else its first media type.
fn preferred(of: &Value) -> Option<(&str, &Value)> {
    let content = of["content"].as_object()?;
    let json = content.iter().find(|(name, _)| name.as_str() == "application/json");
    let found = json.or_else(|| content.iter().next());
    found.map(|(name, media)| (name.as_str(), media))
}

fn sent(media: &str, example: Value) -> Sent {
    match example {
        Value::Object(members) if media == "application/x-www-form-urlencoded" => {
            let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Sent::Form(members.into_iter().map(|(name, value)| (name, text(value))).collect())
        }
        other => Sent::Json(other),
    }
}

/// The path with an example in each place, and the query that has to be there.
fn filled(document: &Value, path: &str, parameters: &[&Value]) -> String {
    let mut out = path.to_owned();
    let mut mark = '?';
    for parameter in parameters {
        let name = parameter["name"].as_str().unwrap_or_default();
        let example = match parameter.get("example") {
            Some(example) => example.clone(),
            None => schema::example(document, &parameter["schema"], 0),
        };
        let example = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
        match parameter["in"].as_str() {
            Some("path") => {
                let value = if example == "text" {
                    name.to_uppercase()
                } else {
                    example
                };
                out = out.replace(&format!("{{{name}}}"), &value);
            }
            Some("query") if parameter["required"] == true => {
                out.push_str(&format!("{mark}{name}={}", crate::web::urls::encode(&example)));
                mark = '&';
            }
            _ => {}
        }
    }
    out
}

/// The variable of samples that holds what this scheme wants.
fn variable(scheme: &str) -> &'static str {
    match scheme.to_lowercase().contains("store") {
        true => "LLAVERO_STORE_TOKEN",
        false => "LLAVERO_API_KEY",
    }
}

/// The schemes that let in, with the scopes they need.
fn access(document: &Value, security: &Value) -> String {
    let mut told = Vec::new();
    for (name, scopes) in security
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flatten()
    {
        let scheme = &document["components"]["securitySchemes"][name];
        let about = scheme["description"].as_str().unwrap_or(name);
        let scopes: Vec<&str> = scopes
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        match scopes.as_slice() {
            [] => told.push(markdown::fragment(about)),
            scopes => told.push(markdown::fragment(&format!("{about} Scope: `{}`", scopes.join("`, `")))),
        }
    }
    told.concat()
}
