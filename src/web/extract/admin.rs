//! The right to see or do something on the admin pages, as a type: a handler that takes `Admin<Operator>` cannot be reached
//! by a viewer. Account and role are read for each request, so that a change of role or the end of an account holds at
//! once.

use std::marker::PhantomData;
use std::sync::Arc;

use actix_session::{Session, SessionExt};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use futures_util::future::LocalBoxFuture;

use super::{request_id, tools};
use crate::app::App;
use crate::broker::asker::Asker;
use crate::db;
use crate::domain::admin::{Actor, Role};
use crate::domain::problem::Problem;
use crate::web::page::{AdminBar, see_other};
use crate::web::parts::{Crumb, Flash, Tone};
use crate::web::{Error, Frame, session, urls};

/// Which role a handler asks for; those above it do as well.
pub trait NeedsRole: 'static {
    const ROLE: Role;
}

macro_rules! roles {
    ($($name:ident)*) => {$(
        #[doc = concat!("The role `", stringify!($name), "` or one above it.")]
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
        impl NeedsRole for $name {
            const ROLE: Role = Role::$name;
        }
    )*};
}

roles! { Viewer Operator Owner }

/// A signed-in admin who has at least the role `R`.
pub struct Admin<R> {
    pub tools: Arc<App>,
    pub admin: db::admins::Admin,
    /// The frame of the page that answers, with the admin's name on it.
    pub page: Frame,
    pub session: Session,
    request_id: Option<String>,
    role: PhantomData<R>,
}

impl<R> Admin<R> {
    pub fn actor(&self) -> Actor {
        Actor::admin(self.admin.id).within(self.request_id.clone())
    }

    /// The admin, as use cases know it: not confined to an app.
    pub fn asker(&self) -> Asker {
        Asker {
            actor: self.actor(),
            app: None,
            request_id: self.request_id.clone(),
        }
    }

    /// Whether pages offer what needs `role`.
    pub fn may(&self, role: Role) -> bool {
        self.admin.role >= role
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.tools.now()
    }

    pub fn say(&self, key: &str) -> String {
        self.page.say(key)
    }

    /// The way from the overview to the page.
    pub fn crumbs(&self, below: impl IntoIterator<Item = Crumb>) -> Vec<Crumb> {
        let mut crumbs = vec![Crumb::link(self.say("admin-overview"), urls::ADMIN)];
        crumbs.extend(below);
        crumbs
    }

    /// One read of the database.
    pub async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: FnOnce(&mut db::Conn) -> db::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        Ok(self.tools.db.run(work).await?)
    }

    /// After a POST: goes to `href` and says there what was done.
    pub fn done(&self, text: impl Into<String>, href: &str) -> HttpResponse {
        self.told(Tone::Good, text, href)
    }

    /// As `done`, for outcomes of any kind.
    pub fn told(&self, tone: Tone, text: impl Into<String>, href: &str) -> HttpResponse {
        let text = text.into();
        session::flash(&self.session, &Flash { tone, text });
        see_other(href)
    }
}

impl<R: NeedsRole> FromRequest for Admin<R> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (session, tools, request_id) = (request.get_session(), tools(request), request_id(request));
        let page = Frame::from_request(request, payload);
        Box::pin(async move {
            let (tools, mut page) = (tools?, page.await?);
            let id = session::admin_id(&session).ok_or_else(|| Error::of(Problem::Unauthenticated))?;
            let found = tools
                .db
                .run::<_, db::Error, _>(move |conn| db::admins::find(conn, id))
                .await?;
            let Some(admin) = found.filter(|admin| admin.disabled_at.is_none()) else {
                session::sign_out(&session);
                return Err(Error::of(Problem::Unauthenticated));
            };
            if admin.role < R::ROLE {
                return Err(Error::of(Problem::Forbidden));
            }
            page.admin = Some(AdminBar {
                email: admin.email.clone(),
                role: page.say(&format!("admin-role-{}", admin.role)),
            });
            Ok(Self {
                tools,
                admin,
                page,
                session,
                request_id,
                role: PhantomData,
            })
        })
    }
}
