//! A definition made from the answers of a form: three kinds of platforms, each with what nearly all of its sort need. The
//! text that comes of it is the definition; whoever needs more words goes on from there by hand.

use serde::{Deserialize, Serialize};

use super::strict::{is_link, is_slug};
use super::{PREFIX, write};
use crate::platform::template::UrlTemplate;
use crate::platform::transport::is_of_connection;

/// What sort of platform is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// OAuth 2: the merchant approves at the platform.
    Code,
    /// OAuth 2: the store's own client asks for tokens.
    Credentials,
    /// A key that is sent with each call.
    Key,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Code, Self::Credentials, Self::Key];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Credentials => "credentials",
            Self::Key => "key",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The names of the answers that this kind has, in the order of the form.
    pub fn answers(self) -> &'static [&'static str] {
        match self {
            Self::Code => &[
                "slug",
                "name",
                "documentation",
                "base_url",
                "authorize_url",
                "token_url",
                "client_auth",
                "pkce",
                "scopes",
                "place",
                "place_name",
                "access_life",
                "renewal",
                "refresh_life",
                "verify_path",
                "store_id",
                "dead_words",
            ],
            Self::Credentials => &[
                "slug",
                "name",
                "documentation",
                "base_url",
                "token_url",
                "client_auth",
                "scopes",
                "place",
                "place_name",
                "access_life",
                "verify_path",
                "dead_words",
            ],
            Self::Key => &[
                "slug",
                "name",
                "documentation",
                "base_url",
                "place",
                "place_name",
                "key_label",
                "key_help",
                "user_label",
                "verify_path",
                "store_id",
                "dead_words",
            ],
        }
    }
}

/// What was answered, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub kind: Kind,
    #[serde(flatten)]
    pub given: std::collections::BTreeMap<String, String>,
}

/// What is wrong with one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    Missing,
    Slug,
    Link,
    /// Neither an address with https://, nor a path, nor one with a part that the merchant types.
    Address,
    Path,
    HeaderName,
    /// A header that the HTTP client alone writes.
    ConnectionHeader,
    Pointer,
    Life,
    Choice,
    /// A client of the app's cannot be sent to a host that each merchant types.
    AnyHost,
}

impl Draft {
    pub fn new(kind: Kind) -> Self {
        let mut draft = Self {
            kind,
            given: std::collections::BTreeMap::new(),
        };
        let defaults: &[(&str, &str)] = match kind {
            Kind::Code => &[
                ("slug", PREFIX),
                ("client_auth", "body"),
                ("pkce", "true"),
                ("place", "bearer"),
                ("access_life", "1h"),
                ("renewal", "rotating"),
                ("refresh_life", "unknown"),
            ],
            Kind::Credentials => &[
                ("slug", PREFIX),
                ("client_auth", "basic"),
                ("place", "bearer"),
                ("access_life", "1h"),
            ],
            Kind::Key => &[("slug", PREFIX), ("place", "header"), ("place_name", "x-api-key")],
        };
        for (name, value) in defaults {
            draft.set(name, value);
        }
        draft
    }

    pub fn get(&self, name: &str) -> &str {
        self.given.get(name).map_or("", |value| value.trim())
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.given.insert(name.to_owned(), value.trim().to_owned());
    }

    /// Where the API is: one host for all, or with a part that each merchant types, or all of it typed.
    pub(super) fn place_of_shop(&self) -> Shop {
        let base = self.get("base_url");
        if base.is_empty() {
            Shop::Typed
        } else if base.contains("{shop}") {
            Shop::Labelled
        } else {
            Shop::Fixed
        }
    }

    /// The root that paths are put below.
    pub(super) fn root(&self) -> &str {
        match self.get("base_url") {
            "" => "{store_url}",
            base => base.trim_end_matches('/'),
        }
    }

    /// An address: whole, or a path below the root.
    pub(super) fn address(&self, name: &str) -> String {
        let given = self.get(name);
        match given.starts_with('/') {
            true => format!("{}{given}", self.root()),
            false => given.to_owned(),
        }
    }

    /// The definition; or every answer that cannot be meant, by name.
    pub fn definition(&self) -> Result<String, Vec<(&'static str, Wrong)>> {
        let wrong = self.wrong();
        if wrong.is_empty() {
            Ok(write::definition(self))
        } else {
            Err(wrong)
        }
    }

    /// Whether an answer may be left empty.
    pub fn is_optional(&self, name: &str) -> bool {
        match name {
            // Nothing else proves a key.
            "verify_path" => self.kind != Kind::Key,
            "place_name" => !matches!(self.get("place"), "header" | "query"),
            "user_label" => self.get("place") != "basic",
            // A client of the app's is not sent to hosts that merchants type.
            "base_url" => self.kind != Kind::Code,
            "scopes" | "pkce" | "store_id" | "dead_words" | "key_help" => true,
            _ => false,
        }
    }

    fn wrong(&self) -> Vec<(&'static str, Wrong)> {
        let mut wrong = Vec::new();
        for name in self.kind.answers() {
            let value = self.get(name);
            if !value.is_empty() {
                wrong.extend(self.refusal(name, value).map(|why| (*name, why)));
            } else if *name == "base_url" && !self.is_optional(name) {
                wrong.push((*name, Wrong::AnyHost));
            } else if !self.is_optional(name) {
                wrong.push((*name, Wrong::Missing));
            }
        }
        wrong
    }

    fn refusal(&self, name: &str, value: &str) -> Option<Wrong> {
        let address = |text: &str| {
            let host_only = !text.replace("{shop}", "shop").contains(['{', '}']);
            let fixed = text.starts_with("https://") && UrlTemplate::try_from(text.to_owned()).is_ok();
            let sane = url::Url::parse(&text.replace("{shop}", "shop")).is_ok_and(|url| url.host_str().is_some());
            host_only && fixed && sane
        };
        let path = |text: &str| text.starts_with('/') && !text.contains(['{', '}', '?', '#', '\\', ' ', '@']);
        let one_of = |all: &[&str]| all.contains(&value);
        let (good, why) = match name {
            "slug" => (is_slug(value), Wrong::Slug),
            "documentation" => (is_link(value), Wrong::Link),
            "base_url" => (address(value), Wrong::Address),
            "authorize_url" | "token_url" => (path(value) || address(value), Wrong::Address),
            "verify_path" => (path(value), Wrong::Path),
            "place_name" => {
                let known =
                    value.len() <= 100 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
                let is_header = self.get("place") == "header";
                let taken = is_header && value.parse().is_ok_and(|name| is_of_connection(&name));
                match taken {
                    true => (false, Wrong::ConnectionHeader),
                    false => (known, Wrong::HeaderName),
                }
            }
            "store_id" => (
                value.starts_with('/') && !value.contains(char::is_whitespace),
                Wrong::Pointer,
            ),
            "access_life" | "refresh_life" => (is_life(value), Wrong::Life),
            "client_auth" => match self.kind {
                Kind::Code => (one_of(&["body", "basic", "basic_encoded", "public"]), Wrong::Choice),
                _ => (one_of(&["body", "basic", "basic_encoded"]), Wrong::Choice),
            },
            "renewal" => (one_of(&["rotating", "lasting", "none"]), Wrong::Choice),
            "place" => match self.kind {
                Kind::Key => (one_of(&["bearer", "header", "query", "basic"]), Wrong::Choice),
                _ => (one_of(&["bearer", "header", "query"]), Wrong::Choice),
            },
            _ => (true, Wrong::Missing),
        };
        (!good).then_some(why)
    }
}

/// How a store's address comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shop {
    Fixed,
    Labelled,
    Typed,
}

fn is_life(text: &str) -> bool {
    matches!(text, "never" | "unknown") || crate::platform::descriptor::parse_duration(text).is_some()
}
