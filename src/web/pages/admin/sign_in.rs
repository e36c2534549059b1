//! Sign-in by password. The answer to a wrong one does not tell whether the account exists; both limits, by account and by
//! address, are kept by the broker.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{Answer, refused, shown};
use crate::app::App;
use crate::broker::{self, admins};
use crate::db::admins::Admin;
use crate::domain::problem::Problem;
use crate::web::extract::ClientAddress;
use crate::web::form::{Form, Input, Submitted};
use crate::web::page::see_other;
use crate::web::{Error, Frame, Site, session, urls};

#[derive(Template)]
#[template(path = "pages/admin/sign_in.html")]
pub struct SignIn {
    pub page: Frame,
    pub action: &'static str,
    pub form: Form,
    /// Where to go afterwards; empty: the overview.
    pub next: String,
}

#[derive(Debug, serde::Deserialize)]
pub struct Query {
    #[serde(default)]
    next: String,
}

fn form(page: &Frame) -> Form {
    Form::new(vec![
        Input::email("email", page.say("admin-email")).autocomplete("username"),
        Input::secret("password", page.say("admin-password")).autocomplete("current-password"),
    ])
}

pub async fn show(page: Frame, session: Session, query: web::Query<Query>) -> Answer {
    let next = inside(&query.next);
    if session::admin_id(&session).is_some() {
        return Ok(see_other(if next.is_empty() { urls::ADMIN } else { next }));
    }
    let (form, next) = (form(&page), next.to_owned());
    shown(SignIn {
        page,
        action: urls::ADMIN_SIGN_IN,
        form,
        next,
    })
}

pub async fn submit(
    (page, session, request): (Frame, Session, HttpRequest),
    tools: web::Data<App>,
    site: web::Data<Site>,
    address: ClientAddress,
    submitted: Submitted,
) -> Answer {
    let next = inside(submitted.text("next"));
    let mut form = form(&page).filled(&submitted);
    form.require(&submitted, &page.say("form-missing"));
    if !form.is_refused() {
        let password = submitted.secret("password");
        match admins::sign_in(&tools, submitted.text("email"), password, &address.0).await {
            Ok(admin) => return enter(&session, &site, &tools, &admin, &request, &address, next),
            Err(broker::Error::Unauthenticated) => form.message = page.say("admin-sign-in-refused"),
            Err(error) => return Err(error.into()),
        }
    }
    let next = next.to_owned();
    refused(SignIn {
        page,
        action: urls::ADMIN_SIGN_IN,
        form,
        next,
    })
}

/// Begins the session of somebody who has proved to be `admin`.
pub(super) fn enter(
    session: &Session,
    site: &Site,
    tools: &App,
    admin: &Admin,
    request: &HttpRequest,
    address: &ClientAddress,
    next: &str,
) -> Result<HttpResponse, Error> {
    let agent = request
        .headers()
        .get("user-agent")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let agent: String = agent.chars().take(200).collect();
    let row = uuid::Builder::from_random_bytes(tools.random.bytes()).into_uuid();
    let kept = session::sign_in(session, site, admin.id) && session::note_origin(session, row, &address.0, &agent);
    if !kept {
        return Err(Error::of(Problem::Internal).caused_by("the session can't hold the admin"));
    }
    Ok(see_other(if next.is_empty() { urls::ADMIN } else { next }))
}

/// `next` if it is one of the admin pages, else nothing: nobody may be sent elsewhere from here.
fn inside(next: &str) -> &str {
    urls::admin_next(next)
        .filter(|next| !next.starts_with(urls::ADMIN_SIGN_IN))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_in_leads_to_admin_pages_only() {
        for (next, expected) in [
            ("/admin/stores?q=a", "/admin/stores?q=a"),
            ("/admin", "/admin"),
            ("/administrator", ""),
            ("//evil.example/admin", ""),
            ("https://evil.example/admin", ""),
            ("/admin/sign-in", ""),
            ("/admin\\@evil.example", ""),
        ] {
            assert_eq!(inside(next), expected, "{next}");
        }
    }
}
