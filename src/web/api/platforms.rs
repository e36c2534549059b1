//! `/v1/platforms`: the catalogue as partners need it: how each platform is connected, how long its tokens live, what has
//! to be registered there and with which addresses of ours. The shape, field by field, is `platform::facts`.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::page::Page;
use super::{Answer, ok};
use crate::db;
use crate::domain::connect::Language;
use crate::domain::refresh::SecretSet;
use crate::platform::facts::{self, Addresses, PlatformFacts};
use crate::platform::{self, Platform};
use crate::web::Error;
use crate::web::extract::{AnyScope, PartnerKey};

// The API speaks English; the pages translate.
const LANGUAGE: Language = Language::En;

pub async fn list(by: PartnerKey<AnyScope>) -> Answer {
    let platforms = by.tools.catalogue.all_for(by.app.id).into_iter();
    let platforms: Vec<PlatformFacts> = platforms.map(|platform| facts_of(&by, platform)).collect();
    ok(&Page {
        data: platforms,
        next_cursor: None,
    })
}

pub async fn show(by: PartnerKey<AnyScope>, slug: Path<String>) -> Answer {
    let platform = by
        .tools
        .catalogue
        .platform_for(by.app.id, &slug)
        .ok_or_else(Error::not_found)?;
    let (app, mode, name) = (by.app.id, by.app.mode, slug.into_inner());
    let used = by
        .tools
        .db
        .run::<_, db::Error, _>(move |conn| db::platform_apps::find_for(conn, app, mode, &name))
        .await?;
    let app = used.map(|used| UsedJson {
        source: if used.app_id.is_some() { "own" } else { "installation" },
        fields: used.public_values,
        standby: used.standby_sealed.is_some(),
        secrets_used: used.secrets_used,
        secrets_used_since: used.secrets_used_since,
        paused_at: used.paused_at,
        pause_code: used.pause_code,
        updated_at: used.updated_at,
    });
    let facts = facts_of(&by, platform);
    ok(&Shown { facts, app })
}

/// One platform, and the client there that the app uses.
#[derive(Serialize, ToSchema)]
#[schema(as = Platform)]
pub(super) struct Shown {
    #[serde(flatten)]
    facts: PlatformFacts,
    /// `null`: there is none.
    app: Option<UsedJson>,
}

/// The client at a platform that the app uses.
#[derive(Serialize, ToSchema)]
#[schema(as = PlatformApp)]
struct UsedJson {
    /// `own` or `installation`.
    source: &'static str,
    /// Its values that are no secret.
    #[schema(value_type = BTreeMap<String, String>)]
    fields: serde_json::Value,
    /// A second set of secrets stands by.
    standby: bool,
    /// Which of the two the platform took last meanwhile. `null`: neither yet.
    secrets_used: Option<SecretSet>,
    secrets_used_since: Option<DateTime<Utc>>,
    /// Since when the platform refuses it.
    paused_at: Option<DateTime<Utc>>,
    /// With which of the platform's codes.
    pause_code: Option<String>,
    updated_at: DateTime<Utc>,
}

fn facts_of(by: &PartnerKey<AnyScope>, platform: &Platform) -> PlatformFacts {
    let (app, slug) = (by.app.id.to_string(), platform.slug.as_str());
    let url = by.tools.config.public_url.as_ref();
    let addresses = Addresses {
        redirect_uri: url.map(|url| platform::redirect_uri(url, slug)),
        install_url: url.map(|url| platform::install_url(url, &app, slug)),
        webhook_url: url.map(|url| platform::webhook_url(url, &app, slug)),
        inherited: false,
    };
    facts::of(platform, LANGUAGE, &addresses)
}
