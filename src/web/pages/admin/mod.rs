//! The admin pages. Everybody who is signed in sees everything; what changes something is offered by role, and refused by
//! the type of the handler's first argument. A change is a POST that ends in a redirect with a message; only a secret that
//! is shown once comes as the answer to its POST.

pub mod account;
pub mod account_disable;
pub mod account_link;
pub mod admins;
pub mod app;
pub mod app_delivery;
pub mod app_edit;
pub mod app_key_retire;
pub mod app_key_roll;
pub mod app_keys;
pub mod app_new;
pub mod app_platform;
pub mod app_platform_test;
pub mod app_secret;
pub mod app_secret_finish;
pub mod app_webhook_retry;
pub mod app_webhooks;
pub mod apps;
pub mod audit;
pub mod confirm;
pub mod custom_platform;
pub mod custom_platform_delete;
pub mod custom_platform_form;
pub mod custom_platform_new;
pub mod custom_platforms;
pub mod job_retry;
pub mod jobs;
pub mod keys;
pub mod moments;
pub mod notices;
pub mod once;
pub mod overview;
pub mod platform;
pub mod platform_app;
pub mod platform_app_test;
pub mod platform_facts;
pub mod platform_fields;
pub mod platforms;
#[cfg(test)]
mod samples;
pub mod session_end;
pub mod sessions;
pub mod sign_in;
pub mod sign_in_link;
pub mod sign_out;
pub mod store;
pub mod store_identity;
pub mod store_reauthorize;
pub mod store_refresh;
pub mod store_revoke;
pub mod store_timeline;
pub mod store_token;
pub mod store_verify;
pub mod stores;
pub mod words;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use crate::broker;
use crate::db;
use crate::domain::id::{AppId, StoreId};
use crate::domain::store::Mode;
use crate::web::extract::{Admin, path_id};
use crate::web::form::Form;
use crate::web::{Error, Frame, Page};

/// What every handler here answers.
pub type Answer = Result<HttpResponse, Error>;

fn shown<T: Template>(page: T) -> Answer {
    Page(page).with_status(StatusCode::OK)
}

/// A form that has to be corrected.
fn refused<T: Template>(page: T) -> Answer {
    Page(page).with_status(StatusCode::UNPROCESSABLE_ENTITY)
}

/// Marks what the broker refused, field by field, in the reader's language; any other failure stays one.
fn mark(page: &Frame, form: &mut Form, error: broker::Error) -> Result<(), Error> {
    let broker::Error::Invalid(wrong) = error else {
        return Err(error.into());
    };
    for wrong in wrong {
        // Fields of a platform are named `fields.client_id` there.
        let name = wrong.field.rsplit('.').next().unwrap_or_default();
        let text = match name {
            "name" | "partner" => page.say("admin-wrong-name"),
            "return_urls" => page.say("admin-wrong-return-urls"),
            "logo_url" => page.say("admin-wrong-logo"),
            "email" => page.say("admin-wrong-email"),
            "password" => page.say("admin-wrong-password"),
            "scopes" => page.say("admin-wrong-scopes"),
            _ => page.say("admin-wrong-form"),
        };
        match wrong.field.strip_prefix("standby.") {
            Some(name) => form.refuse(&platform_fields::standby(name), text),
            None => form.refuse(name, text),
        }
    }
    Ok(())
}

/// A store with its app, for the pages about it.
async fn find_store<R>(by: &Admin<R>, id: &str) -> Result<(db::stores::Store, db::apps::App), Error> {
    let id: StoreId = path_id(id)?;
    let found = by.read(move |conn| {
        let Some(store) = db::stores::find(conn, id)? else {
            return Ok(None);
        };
        let app = db::apps::find(conn, store.app_id)?;
        Ok(app.map(|app| (store, app)))
    });
    found.await?.ok_or_else(Error::not_found)
}

/// An app with its partner's name.
async fn find_app<R>(by: &Admin<R>, id: &str) -> Result<(db::apps::App, String), Error> {
    let id: AppId = path_id(id)?;
    let found = by.read(move |conn| db::app_list::find(conn, id)).await?;
    found.ok_or_else(Error::not_found)
}

/// The frame of a page about something of an app in `mode`, which it says.
fn frame_of<R>(by: &Admin<R>, mode: Mode) -> Frame {
    let mut page = by.page.clone();
    page.sandbox = mode == Mode::Sandbox;
    page
}

/// Notes who asked for `action`.
async fn note<R>(by: &Admin<R>, store: &db::stores::Store, action: &'static str) -> Result<(), Error> {
    Ok(broker::asked::note(&by.tools, &by.asker(), store.app_id, store.id, action).await?)
}
