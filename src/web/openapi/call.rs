//! One call of the API as the table writes it, and the operation of the document that it becomes.

use serde_json::{Value, json};
use utoipa::ToSchema;

use super::components::{header, parameter};
use super::examples::Examples;
use super::problems;
use super::schemas::{Shapes, refer};
use crate::domain::problem::Problem;
use crate::web::extract::NeedsScope;

/// The methods of a call that takes any.
const ANY: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch"];

/// A call of the API.
pub struct Call {
    methods: &'static [&'static str],
    path: &'static str,
    tag: &'static str,
    id: &'static str,
    summary: &'static str,
    about: String,
    security: Value,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: Vec<(u16, Value)>,
    /// Of any other status.
    default: Option<Value>,
    problems: Vec<Problem>,
    /// A request can be told to be done once.
    once: bool,
    conditional: bool,
    asked: Shapes,
    answered: Shapes,
}

impl Call {
    fn new(methods: &'static [&'static str], path: &'static str) -> Self {
        Self {
            methods,
            path,
            tag: "",
            id: "",
            summary: "",
            about: String::new(),
            security: json!([]),
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            default: None,
            problems: vec![Problem::Internal],
            once: false,
            conditional: false,
            asked: Shapes::new(),
            answered: Shapes::new(),
        }
    }

    pub fn get(path: &'static str) -> Self {
        Self::new(&["get"], path)
    }

    pub fn post(path: &'static str) -> Self {
        let mut call = Self::new(&["post"], path);
        call.once = true;
        call
    }

    pub fn put(path: &'static str) -> Self {
        Self::new(&["put"], path)
    }

    pub fn patch(path: &'static str) -> Self {
        Self::new(&["patch"], path)
    }

    pub fn delete(path: &'static str) -> Self {
        Self::new(&["delete"], path)
    }

    pub fn any(path: &'static str) -> Self {
        Self::new(ANY, path)
    }

    /// Heading, operation id and summary.
    pub fn is(mut self, tag: &'static str, id: &'static str, summary: &'static str) -> Self {
        (self.tag, self.id, self.summary) = (tag, id, summary);
        self
    }

    /// What the summary does not say.
    pub fn about(mut self, text: &str) -> Self {
        self.about.push_str(text);
        self
    }

    /// With an API key that has the scope `S`.
    pub fn key<S: NeedsScope>(mut self) -> Self {
        self.security = json!([{ "apiKey": [] }]);
        if let Some(scope) = S::SCOPE {
            self.about.push_str(&format!("Scope: `{scope}`. "));
            self.problems.push(Problem::Forbidden);
        }
        self.bearer()
    }

    /// With a store's token.
    pub fn store_token(mut self) -> Self {
        self.security = json!([{ "storeToken": [] }]);
        self.problems.push(Problem::TokenRevoked);
        self.bearer()
    }

    fn bearer(self) -> Self {
        self.fails(&[Problem::Unauthenticated, Problem::RateLimited, Problem::Unavailable])
    }

    /// A value in the path; what it names may be absent.
    pub fn path_value(mut self, name: &str, schema: Value, description: &str, example: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "path", "required": true, "description": description, "schema": schema, "example": example,
        }));
        self.fails(&[Problem::NotFound])
    }

    /// An id in the path.
    pub fn path_id<T: ToSchema>(mut self, description: &str, example: &str) -> Self {
        let schema = refer::<T>(&mut self.asked);
        self.path_value("id", schema, description, example)
    }

    /// A value of the query, which may be left out.
    pub fn query(mut self, name: &str, schema: Value, description: &str) -> Self {
        self.parameters
            .push(json!({ "name": name, "in": "query", "description": description, "schema": schema }));
        self.fails(&[Problem::InvalidRequest])
    }

    /// A value of the query of a named shape.
    pub fn query_of<T: ToSchema>(mut self, name: &str, description: &str) -> Self {
        let schema = refer::<T>(&mut self.asked);
        self.query(name, schema, description)
    }

    /// A header of the request, which may be left out.
    pub fn header(mut self, name: &str, description: &str) -> Self {
        self.parameters
            .push(json!({ "name": name, "in": "header", "description": description, "schema": { "type": "string" } }));
        self
    }

    /// A JSON body; with `needed: false` none counts as `{}`.
    pub fn body<T: ToSchema>(mut self, needed: bool) -> Self {
        let schema = refer::<T>(&mut self.asked);
        self.body = Some(json!({ "required": needed, "content": { "application/json": { "schema": schema } } }));
        self.fails(&[Problem::InvalidRequest, Problem::TooLarge])
    }

    /// The same body as a form, too.
    pub fn or_form(mut self) -> Self {
        if let Some(body) = &mut self.body {
            body["content"]["application/x-www-form-urlencoded"] = body["content"]["application/json"].clone();
        }
        self
    }

    /// A body of any kind.
    pub fn any_body(mut self) -> Self {
        self.body = Some(json!({ "content": { "*/*": { "schema": {} } } }));
        self.fails(&[Problem::InvalidRequest, Problem::TooLarge])
    }

    /// Answers with JSON of the shape `T`.
    pub fn answers<T: ToSchema>(mut self, status: u16, description: &str) -> Self {
        let schema = refer::<T>(&mut self.answered);
        self.answers_as(status, description, "application/json", schema)
    }

    /// One or the other shape.
    pub fn answers_either<T: ToSchema, U: ToSchema>(mut self, status: u16, description: &str) -> Self {
        let schema = json!({ "anyOf": [refer::<T>(&mut self.answered), refer::<U>(&mut self.answered)] });
        self.answers_as(status, description, "application/json", schema)
    }

    /// Answers with a page of `T`.
    pub fn pages<T: ToSchema>(mut self, description: &str) -> Self {
        self.parameters.push(parameter("Limit"));
        self.parameters.push(parameter("Cursor"));
        self.lists::<T>(description).fails(&[Problem::InvalidRequest])
    }

    /// Answers with all of `T` on one page.
    pub fn lists<T: ToSchema>(mut self, description: &str) -> Self {
        let items = refer::<T>(&mut self.answered);
        let schema = json!({
            "type": "object",
            "required": ["data", "next_cursor"],
            "properties": {
                "data": { "type": "array", "items": items },
                "next_cursor": { "type": ["string", "null"], "description": "`null`: this is the last page." },
            },
        });
        self.answers_as(200, description, "application/json", schema)
    }

    pub fn answers_as(mut self, status: u16, description: &str, media_type: &str, schema: Value) -> Self {
        let content = json!({ media_type: { "schema": schema } });
        self.answers
            .push((status, json!({ "description": description, "content": content })));
        self
    }

    /// Answers whatever somebody else says.
    pub fn answers_default(mut self, description: &str) -> Self {
        self.default = Some(json!({ "description": description, "content": { "*/*": { "schema": {} } } }));
        self
    }

    /// Answers 204.
    pub fn done(mut self, description: &str) -> Self {
        self.answers.push((204, json!({ "description": description })));
        self
    }

    /// Has an ETag.
    pub fn conditional(mut self) -> Self {
        self.conditional = true;
        self
    }

    pub fn fails(mut self, problems: &[Problem]) -> Self {
        self.problems.extend(problems);
        self
    }

    /// As OpenAPI writes it: no pattern of the router behind a name.
    pub fn path(&self) -> String {
        self.path.replace(":.*}", "}")
    }

    pub(super) fn into_shapes(self) -> (Shapes, Shapes) {
        (self.asked, self.answered)
    }

    /// By method.
    pub(super) fn operations(&self, examples: &mut Examples) -> Result<Vec<(&'static str, Value)>, String> {
        let operation = self.operation(examples)?;
        Ok(self
            .methods
            .iter()
            .map(|method| {
                let mut operation = operation.clone();
                if self.methods.len() > 1 {
                    operation["operationId"] = json!(format!("{}_{method}", self.id));
                }
                (*method, operation)
            })
            .collect())
    }

    fn operation(&self, examples: &mut Examples) -> Result<Value, String> {
        let (mut parameters, mut failures) = (self.parameters.clone(), self.problems.clone());
        if self.once {
            parameters.push(parameter("IdempotencyKey"));
            failures.extend([
                Problem::InvalidRequest,
                Problem::Conflict,
                Problem::IdempotencyMismatch,
                Problem::TooLarge,
            ]);
        }
        if self.conditional {
            parameters.push(parameter("IfNoneMatch"));
        }
        parameters
            .iter_mut()
            .try_for_each(|parameter| examples.fill(parameter))?;
        let mut responses = problems::answers(&failures);
        if self.default.is_some() {
            // A platform may answer with the same status, and with anything.
            for answer in responses.values_mut() {
                answer["headers"] = relayed();
                answer["content"]["*/*"] = json!({ "schema": {} });
            }
        }
        for (status, answer) in &self.answers {
            let mut answer = answer.clone();
            self.add_headers(&mut answer);
            self.add_example(&mut answer, &status.to_string(), examples)?;
            responses.insert(status.to_string(), answer);
        }
        if let Some(answer) = &self.default {
            let mut answer = answer.clone();
            answer["headers"] = relayed();
            responses.insert("default".to_owned(), answer);
        }
        if self.conditional {
            let mut unchanged = json!({ "description": "Not modified." });
            self.add_headers(&mut unchanged);
            responses.insert("304".to_owned(), unchanged);
        }
        let mut operation = json!({
            "tags": [self.tag],
            "operationId": self.id,
            "summary": self.summary,
            "description": self.about.trim(),
            "security": self.security,
            "responses": responses,
        });
        if !parameters.is_empty() {
            operation["parameters"] = json!(parameters);
        }
        if let Some(body) = &self.body {
            let mut body = body.clone();
            self.add_example(&mut body, "request", examples)?;
            operation["requestBody"] = body;
        }
        Ok(operation)
    }

    fn add_headers(&self, answer: &mut Value) {
        let is_public = self.security == json!([]);
        let mut headers = json!({ "X-Request-Id": header("RequestId") });
        if !is_public {
            headers["RateLimit"] = header("RateLimit");
            headers["RateLimit-Policy"] = header("RateLimitPolicy");
        }
        if self.once {
            headers["Idempotency-Replayed"] = header("Replayed");
        }
        if self.conditional {
            headers["ETag"] = header("Tag");
        }
        answer["headers"] = headers;
    }

    fn add_example(&self, what: &mut Value, name: &str, examples: &mut Examples) -> Result<(), String> {
        let Some(content) = what.get_mut("content").and_then(Value::as_object_mut) else {
            return Ok(());
        };
        let example = examples.take(self.id, name)?;
        for media in content.values_mut() {
            media["example"] = example.clone();
        }
        Ok(())
    }
}

/// Headers of what is relayed, ours or not.
fn relayed() -> Value {
    json!({ "X-Request-Id": header("RequestId"), "Llavero-Source": header("Source") })
}
