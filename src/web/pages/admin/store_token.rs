//! A new access token for a store, shown once. The one before goes on for the overlap chosen, so that the partner can
//! change over without a gap.

use std::time::Duration;

use actix_web::web;
use askama::Template;

use super::moments;
use super::once::Once;
use super::{Answer, find_store, frame_of, shown, store};
use crate::broker::access_token;
use crate::web::extract::{Admin, Operator};
use crate::web::form::{Choice, Form, Input, Submitted};
use crate::web::parts::Crumb;
use crate::web::{Frame, urls};

#[derive(Template)]
#[template(path = "pages/admin/store_token.html")]
pub struct StoreToken {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub name: String,
    pub action: String,
    pub cancel: String,
    pub form: Form,
}

const OVERLAPS: [u64; 4] = [0, 3600, 24 * 3600, 7 * 24 * 3600];

pub(super) fn form(page: &Frame) -> Form {
    let choices = OVERLAPS.map(|seconds| Choice {
        value: seconds.to_string(),
        label: match seconds {
            0 => page.say("admin-overlap-none"),
            _ => moments::length(page, Duration::from_secs(seconds)),
        },
    });
    let overlap = Input::select("overlap", page.say("admin-overlap"), choices.into());
    Form::new(vec![overlap.help(page.say("admin-overlap-help")).value("86400")])
}

pub async fn show(by: Admin<Operator>, id: web::Path<String>) -> Answer {
    let (store, app) = find_store(&by, &id).await?;
    shown(StoreToken {
        crumbs: store::crumbs_to(&by, &store, "admin-do-rotate"),
        action: urls::admin_store_token(store.id),
        cancel: urls::admin_store(store.id),
        form: form(&by.page),
        name: store.name,
        page: frame_of(&by, app.mode),
    })
}

pub async fn submit(by: Admin<Operator>, id: web::Path<String>, submitted: Submitted) -> Answer {
    let (store, app) = find_store(&by, &id).await?;
    // What is not one of the choices is the safest of them.
    let overlap = submitted
        .text("overlap")
        .parse()
        .ok()
        .filter(|seconds| OVERLAPS.contains(seconds))
        .unwrap_or(0);
    let made = access_token::rotate(&by.tools, &by.asker(), store.id, Duration::from_secs(overlap)).await?;
    let before = match made.others_end_at {
        Some(ends_at) => by
            .page
            .say_with("admin-rotated-overlap", [("when", &*moments::full(&by.page, ends_at))]),
        None => by.say("admin-rotated-at-once"),
    };
    shown(Once {
        page: frame_of(&by, app.mode),
        crumbs: store::crumbs_to(&by, &store, "admin-do-rotate"),
        title: by.say("admin-rotated-title"),
        label: by.say("admin-access-token"),
        secret: Once::secret(&made.secret),
        texts: vec![by.say("admin-rotated-text"), before],
        facts: Vec::new(),
        back_label: by.say("admin-to-store"),
        back: urls::admin_store(store.id),
    })
}
