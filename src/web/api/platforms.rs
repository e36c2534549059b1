//! `/v1/platforms`: the catalogue as partners need it: how each platform is connected, how long its tokens live, what has
//! to be registered there and with which redirect URI.

use actix_web::web::Path;
use serde_json::{Value, json};

use super::{Answer, ok};
use crate::broker::platform_apps::app_fields;
use crate::db;
use crate::domain::connect::Language;
use crate::platform::descriptor::{ClientOwner, Confidence, Method, Platform, Renewal};
use crate::platform::{Field, redirect_uri};
use crate::web::Error;
use crate::web::extract::{AnyScope, PartnerKey};

// The API speaks English; the pages translate.
const LANGUAGE: Language = Language::En;

pub async fn list(by: PartnerKey<AnyScope>) -> Answer {
    let platforms: Vec<Value> = by
        .tools
        .catalogue
        .platforms()
        .iter()
        .map(|platform| brief(&by, platform))
        .collect();
    ok(&json!({ "data": platforms, "next_cursor": null }))
}

pub async fn show(by: PartnerKey<AnyScope>, slug: Path<String>) -> Answer {
    let platform = by.tools.catalogue.platform(&slug).ok_or_else(Error::not_found)?;
    let (app, mode, name) = (by.app.id, by.app.mode, slug.into_inner());
    let used = by
        .tools
        .db
        .run::<_, db::Error, _>(move |conn| db::platform_apps::find_for(conn, app, mode, &name))
        .await?;
    let mut shown = brief(&by, platform);
    shown["app"] = used.map_or(Value::Null, |used| {
        json!({
            "source": if used.app_id.is_some() { "own" } else { "installation" },
            "fields": used.public_values,
            "standby": used.standby_sealed.is_some(),
            "paused_at": used.paused_at,
            "pause_code": used.pause_code,
            "updated_at": used.updated_at,
        })
    });
    ok(&shown)
}

fn brief(by: &PartnerKey<AnyScope>, platform: &Platform) -> Value {
    let public_url = by.tools.config.public_url.as_ref();
    json!({
        "slug": platform.slug,
        "name": platform.name,
        "documentation": platform.documentation,
        "confidence": match platform.confidence {
            Confidence::Documented => "documented",
            Confidence::Recalled => "recalled",
            Confidence::Undocumented => "undocumented",
        },
        "redirect_uri": public_url.map(|url| redirect_uri(url, &platform.slug)),
        "app_fields": app_fields(platform).into_iter().map(field).collect::<Vec<_>>(),
        "methods": platform.methods.iter().map(method).collect::<Vec<_>>(),
    })
}

fn method(method: &Method) -> Value {
    json!({
        "id": method.id,
        "name": method.name.in_(LANGUAGE),
        "choose": method.choose.in_(LANGUAGE),
        "register": method.register.as_ref().map(|text| text.in_(LANGUAGE)),
        "documentation": method.documentation,
        "client": match method.client {
            ClientOwner::App => "app",
            ClientOwner::Store => "store",
            ClientOwner::None => "none",
        },
        "fields": method.fields.iter().map(field).collect::<Vec<_>>(),
        "app_fields": method.app_fields.iter().map(field).collect::<Vec<_>>(),
        "scopes": method.scopes,
        "lifetimes": {
            "access_seconds": method.lifetimes.access.map(|life| life.as_secs()),
            "refresh_seconds": method.lifetimes.refresh.map(|life| life.as_secs()),
            "refreshing_extends": method.lifetimes.refresh_moves,
        },
        "renewal": match method.renewal {
            Renewal::Never => "never",
            Renewal::AskAgain => "ask_again",
            Renewal::RefreshToken => "refresh_token",
        },
        "assumed": method.assumed,
    })
}

fn field(field: &Field) -> Value {
    json!({
        "name": field.name,
        "label": field.label.in_(LANGUAGE),
        "help": field.help.in_(LANGUAGE),
        "example": field.example,
        "pattern": field.pattern.as_str(),
        "secret": field.secret,
        "required": field.required,
        "choices": field.choices.iter().map(|choice| {
            json!({ "value": choice.value, "label": choice.label.in_(LANGUAGE) })
        }).collect::<Vec<_>>(),
    })
}
