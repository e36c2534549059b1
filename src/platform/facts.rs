//! What the catalogue says of a platform, for people and programs outside: one shape for the partner API, the commands and
//! the documentation, so that they cannot disagree. Field names are part of the public contract: they are added to, and
//! none is renamed. Lengths are whole seconds; `null` is "none" or "does not apply".

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::custom;
use super::descriptor::{ClientOwner, Confidence, Grace, IdentitySource, Method, NotOffered, Platform, Renewal};
use super::field::Field;
use super::field_facts::{field, import};
use super::obtain::{self, Obtain};
use super::register;
use crate::domain::connect::Language;

pub use super::field_facts::{ChoiceFacts, FieldFacts};

/// Our own addresses at a platform, for one app; `None` where our public address is not known.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    pub redirect_uri: Option<String>,
    pub install_url: Option<String>,
    pub webhook_url: Option<String>,
    /// The client is the installation's: several apps may inherit it.
    pub inherited: bool,
}

impl Addresses {
    /// The redirect URI of a method: a platform that knows one address only is given that of installations.
    pub fn redirect_of(&self, method: &Method) -> Option<&String> {
        match obtain::knows_one_address(method) && !self.inherited {
            true => self.install_url.as_ref(),
            false => self.redirect_uri.as_ref(),
        }
    }
}

/// A platform.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PlatformFacts {
    pub slug: String,
    pub name: String,
    /// Its row in the reference table; `null` for a platform that an owner of this installation defined.
    pub number: Option<u16>,
    /// An owner of this installation defined it.
    pub custom: bool,
    /// What the reference table says; `null` where it says nothing.
    pub reference: ReferenceFacts,
    pub documentation: String,
    /// `documented`, `recalled` (parts from experience) or `undocumented` (no public documentation).
    pub confidence: &'static str,
    /// Nobody has confirmed these facts: try one store first.
    pub unconfirmed: bool,
    /// To be registered at the platform, exactly; `null` where no method redirects.
    pub redirect_uri: Option<String>,
    /// To be registered at the platform, where connections can start there.
    pub install_url: Option<String>,
    /// Webhooks that the platform sends; `null` where it sends none that matter here.
    pub webhooks: Option<WebhookFacts>,
    /// What the partner gives us, of all methods together.
    pub app_fields: Vec<FieldFacts>,
    /// The first is offered first.
    pub methods: Vec<MethodFacts>,
    /// Documented ways to connect that are left out, and why.
    pub not_offered: Vec<NotOfferedFacts>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NotOfferedFacts {
    pub way: String,
    pub because: String,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReferenceFacts {
    pub auth: Option<String>,
    pub access: Option<String>,
    pub refresh: Option<String>,
}

/// Webhooks to subscribe to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WebhookFacts {
    pub url: Option<String>,
    /// A merchant has removed the app. Empty: as the platform's own settings name it.
    pub uninstalled: Vec<String>,
    /// Privacy requests that platforms demand an answer to, the end of an account included.
    pub privacy: Vec<String>,
}

/// One way to connect.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MethodFacts {
    pub id: String,
    pub name: String,
    /// One sentence that helps to choose.
    pub choose: String,
    /// Not on merchants' pages: with `POST /v1/stores` alone, by an app with a client of its own at the platform.
    pub for_partners: bool,
    /// Nobody has confirmed this method's facts: try one store first.
    pub unconfirmed: bool,
    /// What the partner has to register at the platform beforehand.
    pub register: Option<String>,
    pub documentation: String,
    /// `redirect` (the merchant approves at the platform), `keys` (typed), `delivered_keys` (the store's server hands them
    /// over) or `ask` (credentials that tokens are asked for with).
    pub obtain: &'static str,
    /// The redirect URI to register for this method; `null` where nothing is redirected.
    pub redirect_uri: Option<String>,
    /// The redirect URI is called with one more path segment.
    pub redirect_uri_is_prefix: bool,
    /// Connections may begin at the platform, its app store for instance.
    pub starts_at_platform: bool,
    /// Where these arrive.
    pub install_url: Option<String>,
    /// Whose OAuth client is used: `app` (the partner's), `store` or `none`.
    pub client: &'static str,
    /// Where a store's identity comes from: `platform` (it states it) or `typed`.
    pub identity: &'static str,
    /// What the merchant gives.
    pub fields: Vec<FieldFacts>,
    /// Tokens that the partner holds can be brought along (`POST /v1/stores` with `tokens`).
    pub importable: bool,
    /// What has to be said beside them in `fields`, since the platform tells it in the browser or with its tokens only.
    pub import_fields: Vec<FieldFacts>,
    /// What the partner gives us.
    pub app_fields: Vec<FieldFacts>,
    pub scopes: Vec<String>,
    pub pkce: bool,
    /// Forwarded calls are signed with their body, so that it is held (16 MiB at most).
    pub signs_body: bool,
    pub lifetimes: LifetimeFacts,
    /// `never`, `ask_again` or `refresh_token`.
    pub renewal: &'static str,
    /// How refresh tokens behave; `null` where there are none.
    pub refreshing: Option<RefreshFacts>,
    /// The merchant has to authorize again after this, whatever is refreshed.
    pub reauthorize_after_seconds: Option<u64>,
    /// How long a code can be exchanged, where that is documented.
    pub code_lifetime_seconds: Option<u64>,
    /// What the token endpoint takes.
    pub token_limit: Option<TokenLimitFacts>,
    /// The limits of calls, as the platform documents them.
    pub rate_limit: Option<String>,
    /// Columns of the reference table that this method differs in: `auth`, `access`, `refresh`.
    pub differs_from_reference: Vec<&'static str>,
    /// Code of its own beside the catalogue's words.
    pub quirk: bool,
    /// What no documentation says.
    pub assumed: Vec<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LifetimeFacts {
    /// `null`: no expiry.
    pub access_seconds: Option<u64>,
    /// `false`: a careful guess.
    pub access_documented: bool,
    pub refresh_seconds: Option<u64>,
    pub refresh_documented: bool,
    /// A refresh moves the refresh token's deadline.
    pub refreshing_extends: bool,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RefreshFacts {
    /// Each refresh brings another refresh token.
    pub rotates: bool,
    /// What a used refresh token does: `none` (dead at once), `same_pair`, `another_pair`, `replaces`, `until_first_use`
    /// or `not_rotating`.
    pub grace: &'static str,
    /// For how long.
    pub grace_seconds: Option<u64>,
    /// An answer without a refresh token leaves the old one in use.
    pub keeps_without_answer: bool,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TokenLimitFacts {
    pub calls: u32,
    pub within_seconds: u64,
    /// Whose calls count together: those from one network `address`, of one `client`, or of one `grant`.
    pub per: &'static str,
    /// Exchanges of codes in the same time, where they are counted apart.
    pub exchanges: Option<u32>,
}

/// The facts of a platform, its texts in `language`.
pub fn of(platform: &Platform, language: Language, addresses: &Addresses) -> PlatformFacts {
    let methods: Vec<MethodFacts> = platform
        .methods
        .iter()
        .map(|one| method(platform, one, language, addresses))
        .collect();
    let mut app_fields: Vec<FieldFacts> = Vec::new();
    for field in methods.iter().flat_map(|method| &method.app_fields) {
        if !app_fields.iter().any(|known| known.name == field.name) {
            app_fields.push(field.clone());
        }
    }
    let said = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    PlatformFacts {
        slug: platform.slug.clone(),
        name: platform.name.clone(),
        number: (!custom::is_custom(&platform.slug)).then_some(platform.number),
        custom: custom::is_custom(&platform.slug),
        reference: ReferenceFacts {
            auth: said(&platform.reference.auth),
            access: said(&platform.reference.access),
            refresh: said(&platform.reference.refresh),
        },
        documentation: platform.documentation.clone(),
        confidence: match platform.confidence {
            Confidence::Documented => "documented",
            Confidence::Recalled => "recalled",
            Confidence::Undocumented => "undocumented",
        },
        unconfirmed: platform.confidence == Confidence::Undocumented,
        redirect_uri: methods.iter().find_map(|method| method.redirect_uri.clone()),
        install_url: methods.iter().find_map(|method| method.install_url.clone()),
        webhooks: platform.hooks.as_ref().map(|hooks| WebhookFacts {
            url: addresses.webhook_url.clone(),
            uninstalled: hooks.uninstalled.clone(),
            privacy: {
                let all = hooks.buyers.iter().chain(&hooks.privacy).chain(&hooks.closed);
                all.cloned().collect()
            },
        }),
        app_fields,
        methods,
        not_offered: platform.not_offered.iter().map(not_offered).collect(),
    }
}

fn not_offered(left_out: &NotOffered) -> NotOfferedFacts {
    NotOfferedFacts {
        way: left_out.way.clone(),
        because: left_out.because.clone(),
    }
}

fn method(platform: &Platform, method: &Method, language: Language, addresses: &Addresses) -> MethodFacts {
    let fields = |fields: &[Field]| fields.iter().map(|one| field(one, language)).collect();
    let redirects = obtain::is_approved_there(method);
    let starts = obtain::starts_at_platform(method);
    MethodFacts {
        id: method.id.clone(),
        name: method.name.in_(language).to_owned(),
        choose: method.choose.in_(language).to_owned(),
        for_partners: method.for_partners,
        unconfirmed: method.confidence.unwrap_or(platform.confidence) == Confidence::Undocumented,
        register: method
            .register
            .as_ref()
            .map(|text| register::fill(text.in_(language), platform, method, addresses)),
        documentation: method.documentation.clone(),
        obtain: match &method.obtain {
            Obtain::Code(_) | Obtain::Oauth1(_) => "redirect",
            Obtain::Ask(_) => "ask",
            Obtain::Given(_) if obtain::is_delivered(method) => "delivered_keys",
            Obtain::Given(_) => "keys",
        },
        redirect_uri: addresses.redirect_of(method).cloned().filter(|_| redirects),
        redirect_uri_is_prefix: obtain::state_in_path(method),
        starts_at_platform: starts,
        install_url: addresses.install_url.clone().filter(|_| starts),
        client: match method.client {
            ClientOwner::App => "app",
            ClientOwner::Store => "store",
            ClientOwner::None => "none",
        },
        identity: match method.identity {
            IdentitySource::Platform => "platform",
            IdentitySource::Typed => "typed",
        },
        fields: fields(&method.fields),
        importable: method.importable && matches!(method.obtain, Obtain::Code(_)),
        import_fields: method.imports().map(|one| import(one, language)).collect(),
        app_fields: fields(&method.app_fields),
        scopes: method.scopes.clone(),
        pkce: obtain::uses_pkce(method),
        signs_body: method.signs_body,
        lifetimes: LifetimeFacts {
            access_seconds: seconds(method.lifetimes.access),
            access_documented: !method.lifetimes.access_unknown,
            refresh_seconds: seconds(method.lifetimes.refresh),
            refresh_documented: !method.lifetimes.refresh_unknown,
            refreshing_extends: method.lifetimes.refresh_moves,
        },
        renewal: match method.renewal {
            Renewal::Never => "never",
            Renewal::AskAgain => "ask_again",
            Renewal::RefreshToken => "refresh_token",
        },
        refreshing: (method.renewal == Renewal::RefreshToken).then(|| refreshing(method)),
        reauthorize_after_seconds: seconds(reauthorize_after(method)),
        code_lifetime_seconds: seconds(method.code_lifetime),
        token_limit: method.token_limit.map(|limit| TokenLimitFacts {
            calls: limit.calls,
            within_seconds: limit.within.as_secs(),
            per: limit.per.as_str(),
            exchanges: limit.exchanges,
        }),
        rate_limit: method.rate_limit.as_ref().map(|text| text.in_(language).to_owned()),
        differs_from_reference: platform.reference.differs(method),
        quirk: method.quirk.is_some(),
        assumed: method.assumed.clone(),
    }
}

/// When the merchant has to authorize again although nothing failed.
pub fn reauthorize_after(method: &Method) -> Option<Duration> {
    match method.renewal {
        Renewal::AskAgain => None,
        Renewal::RefreshToken if method.lifetimes.refresh_moves => method.lifetimes.authorization,
        Renewal::RefreshToken => method.lifetimes.refresh,
        Renewal::Never => method.lifetimes.access,
    }
}

fn refreshing(method: &Method) -> RefreshFacts {
    let (grace, time) = match method.grace {
        Grace::None => ("none", None),
        Grace::SamePair(time) => ("same_pair", Some(time)),
        Grace::AnotherPair(time) => ("another_pair", Some(time)),
        Grace::Replaces(time) => ("replaces", Some(time)),
        Grace::UntilFirstUse(time) => ("until_first_use", Some(time)),
        Grace::NotRotating => ("not_rotating", None),
    };
    RefreshFacts {
        rotates: method.grace != Grace::NotRotating,
        grace,
        grace_seconds: seconds(time),
        keeps_without_answer: method.keeps_refresh_token,
    }
}

fn seconds(length: Option<Duration>) -> Option<u64> {
    length.map(|length| length.as_secs())
}
