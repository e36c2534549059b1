//! A store's own token: the right to call for that store, and to hear about nothing else.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use super::{bearer, budget, tools};
use crate::app::App;
use crate::broker::access_token::{self, Admitted};
use crate::web::Error;

/// A living token with its store, whatever state that is in.
pub struct StoreToken {
    pub tools: Arc<App>,
    pub admitted: Admitted,
}

impl FromRequest for StoreToken {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (tools, bearer, request) = (tools(request), bearer(request), request.clone());
        Box::pin(async move {
            let (tools, bearer) = (tools?, bearer?);
            let admitted = access_token::admit(&tools, &bearer).await?;
            budget(&request, tools.rates.count_store(admitted.store.id))?;
            Ok(Self { tools, admitted })
        })
    }
}
