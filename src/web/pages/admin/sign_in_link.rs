//! A one-time sign-in link. Opening it changes nothing (mail scanners open links); the button spends it. Whoever has no
//! password yet chooses one; others may choose a new one, which ends their other sessions.

use actix_session::Session;
use actix_web::{HttpRequest, web};
use askama::Template;

use super::{Answer, refused, shown, sign_in};
use crate::app::App;
use crate::broker::{self, admins};
use crate::web::extract::ClientAddress;
use crate::web::form::{Form, Input, Submitted};
use crate::web::{Frame, Site, urls};

#[derive(Template)]
#[template(path = "pages/admin/sign_in_link.html")]
pub struct SignInLink {
    pub page: Frame,
    pub action: String,
    pub form: Form,
    pub email: String,
    pub is_first: bool,
}

fn form(page: &Frame, is_first: bool) -> Form {
    let label = if is_first {
        page.say("admin-new-password")
    } else {
        page.say("admin-other-password")
    };
    let input = Input::secret("password", label)
        .help(page.say("admin-password-help"))
        .autocomplete("new-password");
    Form::new(vec![if is_first { input } else { input.optional() }])
}

pub async fn show(page: Frame, tools: web::Data<App>, token: web::Path<String>) -> Answer {
    let admin = admins::find_link(&tools, &token).await?;
    let is_first = admin.password_hash.is_none();
    let (action, form) = (urls::admin_sign_in_link(&*token), form(&page, is_first));
    shown(SignInLink {
        page,
        action,
        form,
        email: admin.email,
        is_first,
    })
}

pub async fn submit(
    (page, session, request): (Frame, Session, HttpRequest),
    (tools, site): (web::Data<App>, web::Data<Site>),
    token: web::Path<String>,
    address: ClientAddress,
    submitted: Submitted,
) -> Answer {
    let password = Some(submitted.secret("password")).filter(|password| !password.is_empty());
    match admins::spend_link(&tools, &token, password, &address.0).await {
        Ok(admin) => sign_in::enter(&session, &site, &tools, &admin, &request, &address, ""),
        Err(broker::Error::Invalid(_)) => {
            let admin = admins::find_link(&tools, &token).await?;
            let is_first = admin.password_hash.is_none();
            let mut form = form(&page, is_first);
            form.refuse("password", page.say("admin-wrong-password"));
            let action = urls::admin_sign_in_link(&*token);
            refused(SignInLink {
                page,
                action,
                form,
                email: admin.email,
                is_first,
            })
        }
        Err(error) => Err(error.into()),
    }
}
