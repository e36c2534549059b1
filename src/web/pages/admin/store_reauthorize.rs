//! A link with which the merchant authorizes exactly this store again. Shown once, to be handed on; the store's token
//! stays what it is.

use std::time::Duration;

use actix_web::web;
use askama::Template;

use super::once::Once;
use super::{Answer, find_store, frame_of, moments, refused, shown, store};
use crate::broker;
use crate::broker::connect::sessions::{self, NewSession};
use crate::web::extract::{Admin, Operator};
use crate::web::form::{Choice, Form, Input, Submitted};
use crate::web::parts::{Crumb, Fact};
use crate::web::{Frame, urls};

#[derive(Template)]
#[template(path = "pages/admin/store_reauthorize.html")]
pub struct StoreReauthorize {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub name: String,
    pub action: String,
    pub cancel: String,
    pub form: Form,
}

const LIVES: [u64; 4] = [3600, 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600];

pub(super) fn form(page: &Frame) -> Form {
    let choices = LIVES.map(|seconds| Choice {
        value: seconds.to_string(),
        label: moments::length(page, Duration::from_secs(seconds)),
    });
    let life = Input::select("expires_in", page.say("admin-link-life"), choices.into()).value("604800");
    let accepts = Input::check("accept_identity_change", page.say("admin-accept-change"));
    Form::new(vec![life, accepts.help(page.say("admin-accept-change-help"))])
}

pub async fn show(by: Admin<Operator>, id: web::Path<String>) -> Answer {
    let (store, app) = find_store(&by, &id).await?;
    shown(StoreReauthorize {
        crumbs: store::crumbs_to(&by, &store, "admin-do-reauthorize"),
        action: urls::admin_store_reauthorize(store.id),
        cancel: urls::admin_store(store.id),
        form: form(&by.page),
        name: store.name,
        page: frame_of(&by, app.mode),
    })
}

pub async fn submit(by: Admin<Operator>, id: web::Path<String>, submitted: Submitted) -> Answer {
    let (store, app) = find_store(&by, &id).await?;
    let page = frame_of(&by, app.mode);
    let crumbs = store::crumbs_to(&by, &store, "admin-do-reauthorize");
    let new = NewSession {
        expires_in: submitted
            .text("expires_in")
            .parse()
            .ok()
            .filter(|seconds| LIVES.contains(seconds)),
        accept_identity_change: submitted.is_checked("accept_identity_change"),
        ..NewSession::default()
    };
    match sessions::reauthorize(&by.tools, &app, store.id, &by.asker(), new).await {
        Ok(made) => {
            let ends = moments::full(&page, made.expires_at);
            shown(Once {
                crumbs,
                title: by.say("admin-link-title"),
                label: by.say("admin-link-label"),
                secret: made.url,
                texts: vec![by.say("admin-link-text")],
                facts: vec![Fact::text(by.say("admin-link-ends"), ends)],
                back_label: by.say("admin-to-store"),
                back: urls::admin_store(store.id),
                page,
            })
        }
        // Only the app can be to blame: it has no return URL, or no sandbox.
        Err(broker::Error::Conflict(_) | broker::Error::Invalid(_)) => {
            let mut form = form(&page).filled(&submitted);
            form.message = by.say("admin-link-refused");
            refused(StoreReauthorize {
                crumbs,
                action: urls::admin_store_reauthorize(store.id),
                cancel: urls::admin_store(store.id),
                form,
                name: store.name,
                page,
            })
        }
        Err(error) => Err(error.into()),
    }
}
