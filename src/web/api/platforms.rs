//! `/v1/platforms`: the catalogue as partners need it: how each platform is connected, how long its tokens live, what has
//! to be registered there and with which addresses of ours. The shape, field by field, is `platform::facts`.

use actix_web::web::Path;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Answer, ok};
use crate::db;
use crate::domain::connect::Language;
use crate::platform::facts::{self, Addresses, PlatformFacts};
use crate::platform::{self, Platform};
use crate::web::Error;
use crate::web::extract::{AnyScope, PartnerKey};

// The API speaks English; the pages translate.
const LANGUAGE: Language = Language::En;

pub async fn list(by: PartnerKey<AnyScope>) -> Answer {
    let platforms = by.tools.catalogue.all_for(by.app.id).into_iter();
    let platforms: Vec<PlatformFacts> = platforms.map(|platform| facts_of(&by, platform)).collect();
    ok(&json!({ "data": platforms, "next_cursor": null }))
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
    let app = used.map_or(Value::Null, |used| {
        json!({
            "source": if used.app_id.is_some() { "own" } else { "installation" },
            "fields": used.public_values,
            "standby": used.standby_sealed.is_some(),
            "secrets_used": used.secrets_used.map(|used| used.as_str()),
            "secrets_used_since": used.secrets_used_since,
            "paused_at": used.paused_at,
            "pause_code": used.pause_code,
            "updated_at": used.updated_at,
        })
    });
    let facts = facts_of(&by, platform);
    ok(&Shown { facts, app })
}

/// One platform, and the client there that the app uses.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    facts: PlatformFacts,
    /// `source`: `own` or `installation`; its values that are no secret; whether a second set of secrets stands by, and
    /// which the platform took last meanwhile (`current`, `standby`, `null`: neither yet) since when; since when, and with
    /// which of its codes, the platform refuses it. `null`: there is none.
    app: Value,
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
