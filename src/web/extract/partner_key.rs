//! The right to call the partner API, as a type: a handler that takes `PartnerKey<StoresRead>` cannot be reached with a key
//! that lacks the scope. The app that the key belongs to comes with it, and every query is made in that app's name.

use std::marker::PhantomData;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use super::{bearer, count_app, request_id, tools};
use crate::app::App;
use crate::broker::api_key;
use crate::broker::asker::Asker;
use crate::db;
use crate::domain::admin::Actor;
use crate::domain::scope::Scope;
use crate::web::Error;

/// Which scope a handler asks for.
pub trait NeedsScope: 'static {
    /// `None`: any living key will do.
    const SCOPE: Option<Scope>;
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $scope:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
        impl NeedsScope for $name {
            const SCOPE: Option<Scope> = $scope;
        }
    )*};
}

scopes! {
    /// Any living key.
    AnyScope = None;
    ConnectWrite = Some(Scope::ConnectWrite);
    StoresRead = Some(Scope::StoresRead);
    StoresWrite = Some(Scope::StoresWrite);
    TokensWrite = Some(Scope::TokensWrite);
    PlatformsWrite = Some(Scope::PlatformsWrite);
    WebhooksWrite = Some(Scope::WebhooksWrite);
}

/// A living API key with the scope `S`.
pub struct PartnerKey<S> {
    pub tools: Arc<App>,
    pub key: db::api_keys::ApiKey,
    /// The app that the key belongs to.
    pub app: db::apps::App,
    request_id: Option<String>,
    scope: PhantomData<S>,
}

impl<S> PartnerKey<S> {
    /// The partner, as use cases know it: confined to its app.
    pub fn asker(&self) -> Asker {
        Asker {
            actor: self.actor(),
            app: Some(self.app.id),
            request_id: self.request_id.clone(),
        }
    }

    pub fn actor(&self) -> Actor {
        Actor::partner(self.key.id)
    }
}

impl<S: NeedsScope> FromRequest for PartnerKey<S> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (tools, bearer, request_id) = (tools(request), bearer(request), request_id(request));
        let request = request.clone();
        Box::pin(async move {
            let (tools, bearer) = (tools?, bearer?);
            let admitted = api_key::admit(&tools, &bearer).await?;
            count_app(&request, &tools, admitted.app.id)?;
            if let Some(scope) = S::SCOPE {
                admitted.needs(scope)?;
            }
            Ok(Self {
                tools,
                key: admitted.key,
                app: admitted.app,
                request_id,
                scope: PhantomData,
            })
        })
    }
}
