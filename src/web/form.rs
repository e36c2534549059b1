//! Forms, the same everywhere: `Input`s make up a `Form`; `Submitted` is a posted body that has proved to come from our
//! own page (it can't be had otherwise). A refused form is shown again with the values and a message at the field; secrets
//! are never shown again.

use std::collections::BTreeMap;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;

use super::{Error, csrf};
use crate::domain::problem::Problem;
use crate::domain::secret::Secret;

/// The largest form body we read, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Code,
    Email,
    Area,
    Source,
    Select,
    Check,
}

/// A value that can be chosen.
#[derive(Debug, Clone)]
pub struct Choice {
    pub value: String,
    pub label: String,
}

/// One field: what is asked, what was answered, what is wrong with it. Texts are in the reader's language already.
#[derive(Debug, Clone)]
pub struct Input {
    pub name: String,
    pub label: String,
    pub help: String,
    pub example: String,
    pub value: String,
    pub error: String,
    pub secret: bool,
    pub required: bool,
    pub choices: Vec<Choice>,
    pub autocomplete: &'static str,
    /// The keyboard that a telephone offers, as in HTML; empty: the usual one.
    pub inputmode: &'static str,
    kind: Kind,
}

impl Input {
    fn new(kind: Kind, name: &str, label: impl Into<String>) -> Self {
        let (label, required) = (label.into(), kind != Kind::Check);
        Self {
            name: name.to_owned(),
            label,
            help: String::new(),
            example: String::new(),
            value: String::new(),
            error: String::new(),
            secret: false,
            required,
            choices: Vec::new(),
            autocomplete: "off",
            inputmode: "",
            kind,
        }
    }

    /// One line of words.
    pub fn text(name: &str, label: impl Into<String>) -> Self {
        Self::new(Kind::Text, name, label)
    }

    /// One line that is copied rather than written: addresses, ids, keys. No spelling help.
    pub fn code(name: &str, label: impl Into<String>) -> Self {
        Self::new(Kind::Code, name, label)
    }

    /// Like `code`, never shown again.
    pub fn secret(name: &str, label: impl Into<String>) -> Self {
        Self {
            secret: true,
            ..Self::new(Kind::Code, name, label)
        }
    }

    pub fn email(name: &str, label: impl Into<String>) -> Self {
        Self {
            autocomplete: "email",
            ..Self::new(Kind::Email, name, label)
        }
    }

    pub fn area(name: &str, label: impl Into<String>) -> Self {
        Self::new(Kind::Area, name, label)
    }

    /// Many lines in a language of programs: as wide as they are, without spelling help.
    pub fn source(name: &str, label: impl Into<String>) -> Self {
        Self::new(Kind::Source, name, label)
    }

    pub fn select(name: &str, label: impl Into<String>, choices: Vec<Choice>) -> Self {
        Self {
            choices,
            ..Self::new(Kind::Select, name, label)
        }
    }

    /// A box to tick; its value is `true` or empty.
    pub fn check(name: &str, label: impl Into<String>) -> Self {
        Self::new(Kind::Check, name, label)
    }

    pub fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: help.into(),
            ..self
        }
    }

    pub fn example(self, example: impl Into<String>) -> Self {
        Self {
            example: example.into(),
            ..self
        }
    }

    pub fn value(self, value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            ..self
        }
    }

    pub fn optional(self) -> Self {
        Self {
            required: false,
            ..self
        }
    }

    pub fn autocomplete(self, autocomplete: &'static str) -> Self {
        Self { autocomplete, ..self }
    }

    pub fn inputmode(self, inputmode: &'static str) -> Self {
        Self { inputmode, ..self }
    }

    pub fn is_wrong(&self) -> bool {
        !self.error.is_empty()
    }

    pub fn is_described(&self) -> bool {
        self.is_wrong() || !self.help.is_empty() || !self.example.is_empty()
    }

    pub fn is_check(&self) -> bool {
        self.kind == Kind::Check
    }

    pub fn is_select(&self) -> bool {
        self.kind == Kind::Select
    }

    pub fn is_area(&self) -> bool {
        matches!(self.kind, Kind::Area | Kind::Source)
    }

    pub fn is_source(&self) -> bool {
        self.kind == Kind::Source
    }

    pub fn is_code(&self) -> bool {
        self.kind == Kind::Code
    }

    pub fn html_type(&self) -> &'static str {
        match self.kind {
            _ if self.secret => "password",
            Kind::Email => "email",
            _ => "text",
        }
    }

    pub fn html_class(&self) -> &'static str {
        if self.kind == Kind::Code { "code-input" } else { "" }
    }
}

/// The fields of a page and a message about the whole.
#[derive(Debug, Clone, Default)]
pub struct Form {
    pub inputs: Vec<Input>,
    /// Stands above the message where it is not about what was entered; empty: the general words.
    pub title: String,
    pub message: String,
}

impl Form {
    pub fn new(inputs: Vec<Input>) -> Self {
        Self {
            inputs,
            title: String::new(),
            message: String::new(),
        }
    }

    /// With what was posted, except secrets.
    pub fn filled(mut self, submitted: &Submitted) -> Self {
        for input in self.inputs.iter_mut().filter(|input| !input.secret) {
            input.value = submitted.text(&input.name).to_owned();
        }
        self
    }

    /// Marks the field `name`; a name that is no field becomes the message about the whole.
    pub fn refuse(&mut self, name: &str, error: impl Into<String>) {
        match self.inputs.iter_mut().find(|input| input.name == name) {
            Some(input) => input.error = error.into(),
            None => self.message = error.into(),
        }
    }

    /// Marks each required field that was left empty.
    pub fn require(&mut self, submitted: &Submitted, message: &str) {
        for input in &mut self.inputs {
            if input.required && submitted.text(&input.name).trim().is_empty() {
                input.error = message.to_owned();
            }
        }
    }

    pub fn is_refused(&self) -> bool {
        !self.message.is_empty() || self.inputs.iter().any(Input::is_wrong)
    }
}

/// A posted form whose origin and form token were checked. All values are kept as secrets: nobody knows which are.
#[derive(Debug, Default)]
pub struct Submitted(BTreeMap<String, Secret>);

impl Submitted {
    pub fn of(values: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(
            values
                .into_iter()
                .map(|(name, value)| (name, Secret::new(value)))
                .collect(),
        )
    }

    /// The value of `name`, empty if absent.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", Secret::expose)
    }

    pub fn secret(&self, name: &str) -> Secret {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// Whether a box was ticked.
    pub fn is_checked(&self, name: &str) -> bool {
        self.text(name) == "true"
    }
}

impl FromRequest for Submitted {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let body = web::Bytes::from_request(&request, payload);
        Box::pin(async move {
            csrf::check_origin(&request)?;
            let body = body.await.map_err(|error| {
                let problem = match error.as_error() {
                    Some(PayloadError::Overflow) => Problem::TooLarge,
                    _ => Problem::InvalidRequest,
                };
                Error::of(problem).caused_by(error.to_string())
            })?;
            if body.len() > BODY_LIMIT {
                return Err(Error::of(Problem::TooLarge));
            }
            let values: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
            // No field of ours takes one, and the database does not.
            if values.iter().any(|(_, value)| value.contains('\0')) {
                return Err(Error::of(Problem::InvalidRequest));
            }
            let submitted = Self::of(values);
            csrf::check_token(&request, submitted.text(csrf::FIELD))?;
            Ok(submitted)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_form_keeps_values_but_never_secrets() {
        let submitted = Submitted::of([("shop".into(), "acme".into()), ("key".into(), "hunter2".into())]);
        let mut form = Form::new(vec![Input::code("shop", "Shop"), Input::secret("key", "Key")]).filled(&submitted);
        form.refuse("key", "Wrong");
        assert_eq!(
            (form.inputs[0].value.as_str(), form.inputs[1].value.as_str()),
            ("acme", "")
        );
        assert!(form.is_refused() && form.inputs[1].is_wrong());
    }

    #[test]
    fn an_empty_required_field_is_marked_and_an_optional_one_is_not() {
        let mut form = Form::new(vec![Input::text("a", "A"), Input::text("b", "B").optional()]);
        form.require(&Submitted::default(), "Needed");
        assert!(form.inputs[0].is_wrong() && !form.inputs[1].is_wrong());
    }
}
