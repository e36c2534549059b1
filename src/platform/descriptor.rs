//! The vocabulary of a catalogue file, and what everybody else reads of a platform. One closed set of words: an unknown
//! key or value is refused when the catalogue is read, so that a typing error is never a silent default.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use url::Url;

use super::answer::AnswerRules;
use super::failure::BuildError;
use super::field::{Arriving, Field, Import, Pattern, Takes};
use super::hook::Hooks;
use super::nango::NangoConnection;
use super::obtain::Obtain;
use super::quirk::QuirkRef;
use super::revoke::Revoke;
use super::sign::Sign;
use super::template::{Scope, Template, UrlTemplate};
use super::values::Values;
use super::verify::Verify;
use crate::domain::connect::Language;
use crate::domain::id::AppId;

pub use super::follows::{Lookup, StandIn, Trimmed};
pub use super::lifetimes::Lifetimes;
pub use super::limits::{CountedBy, TokenLimit};
pub use super::reference::Reference;

/// A text in the languages that people are spoken to in. In a file, a plain string is the same in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub en: String,
    pub es: String,
    pub pt: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Translated {
    en: String,
    es: String,
    pt: String,
}

// By hand, so that a missing language is named; an untagged enum would only say that nothing fits.
impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or one in each of en, es and pt")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text::same(text))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
                let Translated { en, es, pt } = Deserialize::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Text { en, es, pt })
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

impl Text {
    /// One text for all languages.
    pub fn same(text: &str) -> Self {
        Self {
            en: text.to_owned(),
            es: text.to_owned(),
            pt: text.to_owned(),
        }
    }

    pub fn in_(&self, language: Language) -> &str {
        match language {
            Language::En => &self.en,
            Language::Es => &self.es,
            Language::Pt => &self.pt,
        }
    }
}

/// How sure we are of what the catalogue says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    Documented,
    Recalled,
    Undocumented,
}

/// Whose OAuth client is used; decides whether a refused client is the app's fault or the end of a store's credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientOwner {
    App,
    Store,
    None,
}

/// Where a store's identity comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentitySource {
    /// The platform states it, with the grant or in the verify call.
    Platform,
    /// It was typed: a host, a client id.
    Typed,
}

/// How a credential is renewed. Follows from how it is obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Renewal {
    #[default]
    Never,
    /// The same question again (client credentials).
    AskAgain,
    RefreshToken,
}

/// What a platform does with a refresh token that has been used once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grace {
    /// It is dead at once.
    None,
    /// For a time it gives the same pair again.
    SamePair(#[serde(deserialize_with = "duration")] Duration),
    /// For a time it gives another pair, and both work.
    AnotherPair(#[serde(deserialize_with = "duration")] Duration),
    /// For a time it gives another pair, which replaces the first.
    Replaces(#[serde(deserialize_with = "duration")] Duration),
    /// It works until its replacement is used, at most for a time.
    UntilFirstUse(#[serde(deserialize_with = "duration")] Duration),
    /// Refresh tokens are not rotated, or there are none.
    NotRotating,
}

/// A name and what it is set to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    pub name: String,
    pub value: Template,
    #[serde(default)]
    pub when: Option<When>,
    /// Left out where one of its values is not there.
    #[serde(default)]
    pub optional: bool,
    /// The value is a list, parted by this: the name comes once for each item.
    #[serde(default)]
    pub each: Option<String>,
}

/// Holds while a value is one of a few.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    pub value: String,
    pub is: Vec<String>,
}

/// One way in which a platform's stores are connected and called.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    pub id: String,
    pub name: Text,
    /// One sentence that helps to choose between methods.
    pub choose: Text,
    /// What is typed names a store and proves nothing: only the partner whose client it is may name one, never a page.
    #[serde(default)]
    pub for_partners: bool,
    /// How sure we are of it, where that differs from the platform's other methods.
    #[serde(default)]
    pub confidence: Option<Confidence>,
    /// What the partner has to register at the platform beforehand.
    #[serde(default)]
    pub register: Option<Text>,
    pub documentation: String,
    pub client: ClientOwner,
    pub identity: IdentitySource,
    #[serde(default)]
    pub identity_template: Option<Template>,
    /// Nothing proves whose store it is: an unsigned callback, or what was typed and no request carries (`claim`), tells.
    #[serde(default)]
    pub identity_unproven: bool,
    #[serde(default)]
    pub app_fields: Vec<Field>,
    #[serde(default)]
    pub fields: Vec<Field>,
    #[serde(default)]
    pub lookups: BTreeMap<String, Lookup>,
    /// Values of the platform app that differ between parts of the platform.
    #[serde(default)]
    pub instead: BTreeMap<String, StandIn>,
    /// Addresses that are a field's without its end.
    #[serde(default)]
    pub trimmed: BTreeMap<String, Trimmed>,
    /// Values that a callback or a token answer brings and that decide where a secret is sent.
    #[serde(default)]
    pub arriving: BTreeMap<String, Arriving>,
    /// Tokens can be brought along. Not where nothing would prove whose they are.
    #[serde(default = "yes")]
    pub importable: bool,
    pub obtain: Obtain,
    pub lifetimes: Lifetimes,
    #[serde(skip)]
    pub renewal: Renewal,
    pub grace: Grace,
    /// An answer without a refresh token leaves the old one in use.
    #[serde(default = "yes")]
    pub keeps_refresh_token: bool,
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The store's root: host and shop folder.
    pub base_url: UrlTemplate,
    /// The only part of that root that calls may go to, where one credential opens more than this store.
    #[serde(default)]
    pub within: Option<Template>,
    pub sign: Sign,
    /// Instead of `sign` where the store is reached over plain http.
    #[serde(default)]
    pub sign_plain_http: Option<Sign>,
    /// Signing needs the whole body.
    #[serde(default)]
    pub signs_body: bool,
    pub answer: AnswerRules,
    pub verify: Verify,
    #[serde(default)]
    pub revoke: Option<Revoke>,
    /// The limit of one token call.
    #[serde(default = "call_limit", deserialize_with = "duration")]
    pub call_limit: Duration,
    /// How long a code can be exchanged, where that is documented.
    #[serde(default, deserialize_with = "optional_duration")]
    pub code_lifetime: Option<Duration>,
    /// Calls that the token endpoint takes, of all processes together.
    #[serde(default)]
    pub token_limit: Option<TokenLimit>,
    /// The limits of calls, as the platform documents them.
    #[serde(default)]
    pub rate_limit: Option<Text>,
    /// What data cannot say.
    #[serde(default)]
    pub quirk: Option<QuirkRef>,
    /// Steps in a connection's life that this one cannot take, and why (`STEPS` of the check).
    #[serde(default)]
    pub cannot: BTreeMap<String, String>,
    /// What no documentation says.
    #[serde(default)]
    pub assumed: Vec<String>,
}

impl Method {
    /// A connect field or a platform app's field.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields
            .iter()
            .chain(&self.app_fields)
            .find(|field| field.name == name)
    }

    /// Values that tokens do not tell, and that a partner who brings some has to name.
    pub fn imports(&self) -> impl Iterator<Item = (&str, &Arriving, &Import)> {
        let all = self.arriving.iter();
        all.filter_map(|(name, value)| Some((name.as_str(), value, value.import.as_ref()?)))
    }

    /// The check of a value that may stand in a host's place: a field's, or an arriving value's.
    pub(super) fn check_of(&self, name: &str) -> Option<(Takes, &Pattern)> {
        let name = self.whole(name);
        let field = self.field(name).map(|field| (field.takes, &field.pattern));
        field.or_else(|| self.arriving.get(name).map(|value| (value.takes, &value.pattern)))
    }

    /// The field that a trimmed value is of, or the name itself.
    pub(super) fn whole<'a>(&'a self, name: &'a str) -> &'a str {
        self.trimmed.get(name).map_or(name, |trimmed| trimmed.from.as_str())
    }

    /// The store's root, below which the platform documents its paths.
    pub fn root(&self, values: &Values) -> Result<Url, BuildError> {
        self.base_url.fill(&Scope::timeless(self, values))
    }

    /// Whether an address below the root is this store's own.
    pub fn is_within(&self, values: &Values, url: &Url) -> Result<bool, BuildError> {
        let Some(within) = &self.within else { return Ok(true) };
        let within = within.fill_path(&Scope::timeless(self, values))?;
        let rest = url.path().strip_prefix(within.as_str());
        Ok(rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }

    /// The identity of a store whose identity is typed.
    pub fn typed_identity(&self, values: &Values) -> Result<Option<String>, BuildError> {
        let scope = Scope::timeless(self, values);
        self.identity_template
            .as_ref()
            .map(|template| template.fill(&scope))
            .transpose()
    }
}

/// A documented way to connect that is left out, and why.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotOffered {
    pub way: String,
    pub because: String,
}

/// A platform as the catalogue describes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    pub slug: String,
    pub name: String,
    /// Other names that merchants know it by.
    #[serde(default)]
    pub also: Vec<String>,
    /// Its row in the reference table.
    pub number: u16,
    pub reference: Reference,
    pub documentation: String,
    pub confidence: Confidence,
    /// The hosts that its API is documented at.
    #[serde(default)]
    pub api_hosts: Vec<UrlTemplate>,
    #[serde(default)]
    pub hooks: Option<Hooks>,
    /// The first is the default.
    pub methods: Vec<Method>,
    /// Ways that are documented and not offered.
    #[serde(default)]
    pub not_offered: Vec<NotOffered>,
    /// What its connections are at Nango.
    #[serde(default)]
    pub nango: Vec<NangoConnection>,
    /// The only app that may use it; `None`: all may.
    #[serde(skip)]
    pub owner: Option<AppId>,
}

impl Platform {
    pub fn is_for(&self, app: AppId) -> bool {
        self.owner.is_none_or(|owner| owner == app)
    }

    pub fn method(&self, id: &str) -> Option<&Method> {
        self.methods.iter().find(|method| method.id == id)
    }

    /// The method offered first.
    pub fn default_method(&self) -> &Method {
        // The catalogue refuses a platform without methods.
        &self.methods[0]
    }
}

pub(super) fn yes() -> bool {
    true
}

fn call_limit() -> Duration {
    Duration::from_secs(30)
}

/// `90s`, `15m`, `6h` or `180d`.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    digits
        .parse::<u32>()
        .ok()
        .map(|n| Duration::from_secs(u64::from(n) * seconds))
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text)
        .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not of the form 90s, 15m, 6h or 180d")))
}

pub(super) fn optional_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}
