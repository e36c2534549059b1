//! The form that a platform is defined with: one for each kind, asking only what that kind needs, and one for the whole
//! vocabulary. What an answer means is decided in `platform::custom`; here it gets its words.

use askama::Template;

use super::{Answer, refused, shown};
use crate::broker;
use crate::broker::custom_platforms::{Definition, TAKEN};
use crate::platform::custom::draft::{Draft, Kind, Wrong};
use crate::web::form::{Choice, Form, Input, Submitted};
use crate::web::parts::Crumb;
use crate::web::{Error, Frame};

/// Written by hand, with the whole vocabulary.
pub(super) const TEXT: &str = "text";

#[derive(Template)]
#[template(path = "pages/admin/custom_platform.html")]
pub struct CustomPlatformPage {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub title: String,
    pub intro: String,
    pub action: String,
    pub cancel: String,
    /// Empty: it cannot be removed from here.
    pub delete: String,
    /// A kind, or `text`.
    pub kind: &'static str,
    pub form: Form,
    /// What is wrong with the definition itself, in English: key and message.
    pub faults: Vec<(String, String)>,
    /// The definition that the answers make; empty: not asked for.
    pub preview: String,
}

/// What is being defined: by answers or by hand.
#[derive(Debug, Clone)]
pub(super) enum Defining {
    Form(Draft),
    Text(String),
}

impl Defining {
    /// As it was posted; `slug` is fixed where the platform is there already.
    pub fn submitted(submitted: &Submitted, slug: Option<&str>) -> Self {
        let Some(kind) = Kind::parse(submitted.text("kind")) else {
            return Self::Text(submitted.text("definition").replace("\r\n", "\n"));
        };
        let mut draft = Draft::new(kind);
        for name in kind.answers() {
            draft.set(name, submitted.text(name));
        }
        if let Some(slug) = slug {
            draft.set("slug", slug);
        }
        Self::Form(draft)
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Self::Form(draft) => draft.kind.as_str(),
            Self::Text(_) => TEXT,
        }
    }

    /// The inputs with what was answered; `owners`: whose it may be, where that can still be chosen.
    pub fn form(&self, page: &Frame, owners: Option<Vec<Choice>>, owner: &str) -> Form {
        let fixed = owners.is_none();
        let mut inputs = Vec::new();
        if let Some(mut owners) = owners {
            let everybody = Choice {
                value: "all".to_owned(),
                label: page.say("admin-custom-everybody"),
            };
            owners.insert(0, everybody);
            let choice = Input::select("owner", page.say("admin-custom-owner"), owners)
                .help(page.say("admin-custom-owner-help"))
                .value(if owner.is_empty() { "all" } else { owner });
            inputs.push(choice);
        }
        match self {
            Self::Text(text) => inputs.push(
                Input::source("definition", page.say("admin-custom-definition"))
                    .help(page.say("admin-custom-definition-help"))
                    .value(text),
            ),
            Self::Form(draft) => {
                let names = draft.kind.answers().iter().filter(|name| !(fixed && **name == "slug"));
                inputs.extend(names.map(|name| input(page, draft, name)));
            }
        }
        Form::new(inputs)
    }

    /// The definition, or false with the wrong answers marked.
    pub fn definition(&self, page: &Frame, form: &mut Form) -> Option<Definition> {
        match self {
            Self::Text(text) if text.trim().is_empty() => {
                form.refuse("definition", page.say("form-missing"));
                None
            }
            Self::Text(text) => Some(Definition {
                text: text.clone(),
                answers: None,
            }),
            Self::Form(draft) => match draft.definition() {
                Ok(text) => Some(Definition {
                    text,
                    answers: serde_json::to_value(draft).ok(),
                }),
                Err(wrong) => {
                    for (name, why) in wrong {
                        form.refuse(name, said(page, why));
                    }
                    None
                }
            },
        }
    }
}

fn said(page: &Frame, why: Wrong) -> String {
    page.say(match why {
        Wrong::Missing => "form-missing",
        Wrong::Slug => "admin-custom-wrong-slug",
        Wrong::Link => "admin-custom-wrong-link",
        Wrong::Address => "admin-custom-wrong-address",
        Wrong::Path => "admin-custom-wrong-path",
        Wrong::HeaderName => "admin-custom-wrong-place-name",
        Wrong::ConnectionHeader => "admin-custom-wrong-connection-header",
        Wrong::Pointer => "admin-custom-wrong-pointer",
        Wrong::Life => "admin-custom-wrong-life",
        Wrong::Choice => "form-choose",
        Wrong::AnyHost => "admin-custom-wrong-any-host",
    })
}

/// One question, with its words and where it helps an example.
fn input(page: &Frame, draft: &Draft, name: &'static str) -> Input {
    let key = format!("admin-custom-{}", name.replace('_', "-"));
    let label = page.say(&key);
    let input = match name {
        "name" | "key_label" | "user_label" | "key_help" => Input::text(name, label),
        "pkce" => Input::check(name, label),
        "dead_words" => Input::area(name, label),
        "client_auth" => choice(page, name, label, &key, client_auths(draft.kind)),
        "renewal" => choice(page, name, label, &key, &["rotating", "lasting", "none"]),
        "place" => choice(page, name, label, &key, places(draft.kind)),
        _ => Input::code(name, label),
    };
    let help = page.say(&format!("{key}-help"));
    let input = input.help(help).example(example(name)).value(draft.get(name));
    match draft.is_optional(name) {
        true => input.optional(),
        false => input,
    }
}

fn client_auths(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Code => &["body", "basic", "basic_encoded", "public"],
        Kind::Credentials | Kind::Key => &["body", "basic", "basic_encoded"],
    }
}

fn places(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Key => &["bearer", "header", "query", "basic"],
        Kind::Code | Kind::Credentials => &["bearer", "header", "query"],
    }
}

fn choice(page: &Frame, name: &str, label: String, key: &str, values: &[&str]) -> Input {
    let choices = values.iter().map(|value| Choice {
        value: (*value).to_owned(),
        label: page.say(&format!("{key}-{}", value.replace('_', "-"))),
    });
    Input::select(name, label, choices.collect())
}

fn example(name: &str) -> &'static str {
    match name {
        "slug" => "x-acme-market",
        "documentation" => "https://acme.example/docs/api",
        "base_url" => "https://api.acme.example/v1",
        "authorize_url" => "https://acme.example/oauth/authorize",
        "token_url" => "/oauth/token",
        "scopes" => "orders:read products:write",
        "place_name" => "x-access-token",
        "access_life" => "1h",
        "refresh_life" => "30d",
        "verify_path" => "/me",
        "store_id" => "/data/account/id",
        "dead_words" => "invalid_token",
        _ => "",
    }
}

/// Marks what the broker refused; what is no field of the form stands in the list of faults. Any other failure stays one.
pub(super) fn mark(page: &Frame, form: &mut Form, error: broker::Error) -> Result<Vec<(String, String)>, Error> {
    let broker::Error::Invalid(wrong) = error else {
        return Err(error.into());
    };
    let mut faults = Vec::new();
    for wrong in wrong {
        let text = match wrong.message.as_str() {
            TAKEN => page.say("admin-custom-wrong-taken"),
            _ => page.say("admin-custom-wrong-here"),
        };
        let field = answer_of(&wrong.field);
        match form.inputs.iter().any(|input| input.name == field) {
            true => form.refuse(field, text),
            false => form.refuse("", page.say("admin-custom-wrong-definition")),
        }
        faults.push((wrong.field, wrong.message));
    }
    Ok(faults)
}

/// The answer that a key of the definition comes from.
fn answer_of(key: &str) -> &str {
    let below = key.strip_prefix("methods[0].").unwrap_or(key);
    let starts = [
        ("obtain.code.authorize", "authorize_url"),
        ("obtain.code.token", "token_url"),
        ("obtain.code.refresh", "token_url"),
        ("obtain.ask.token", "token_url"),
        ("obtain", "renewal"),
        ("sign", "place"),
        ("verify", "verify_path"),
        ("identity", "store_id"),
        ("lifetimes", "access_life"),
    ];
    let found = starts.into_iter().find(|(start, _)| below.starts_with(start));
    found.map_or(below, |(_, name)| name)
}

/// The page again, to be corrected or looked at.
pub(super) fn again(page: CustomPlatformPage) -> Answer {
    match page.form.is_refused() {
        true => refused(page),
        false => shown(page),
    }
}
