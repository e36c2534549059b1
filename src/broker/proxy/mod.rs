//! A forwarded call, phase by phase: admit, resolve, credential, sign, send, inspect, relay, record. The caller's token
//! stands for the store; where the call goes is fixed by the catalogue and the store, and what goes there is the caller's
//! own request with the platform's authentication. A call that the platform refuses as unauthorized is sent once more with
//! a renewed credential, if that is safe.

pub mod body;
mod credential;
pub mod headers;
pub mod path;
mod send;
mod shown;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};

use super::access_token::Admitted;
use super::{Error, access_token, custom_platforms, last_used, refresh};
use crate::app::App;
use crate::domain::problem::Problem;
use crate::domain::store::StoreHealth;
use crate::outbound::AnswerStream;
use crate::platform::answer::{self as answers, CallAnswer};
use crate::platform::descriptor::Renewal;
use crate::platform::{Method, Platform};
use body::{IncomingBody, Unkept};
pub use credential::{Usable, usable, usable_for};
use path::Target;
pub use shown::{ShownCredential, shown_credential};

/// Longer than this for a credential, and the token is looked at again.
const WAITED: Duration = Duration::from_millis(500);

/// A call as it came in.
pub struct ProxyRequest {
    pub method: http::Method,
    pub target: Target,
    pub headers: HeaderMap,
    pub body: IncomingBody,
}

/// The platform's answer, its headers as the caller may see them.
pub struct ProxyAnswer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: AnswerStream,
}

/// What one call carries from phase to phase.
struct Call<'a> {
    app: &'a Arc<App>,
    admitted: &'a Admitted,
    platform: &'a Platform,
    method: &'a Method,
    request: ProxyRequest,
    /// Another API host that the caller asked for.
    host: Option<String>,
}

/// Forwards a call for the store that `admitted` stands for.
pub async fn forward(app: &Arc<App>, admitted: &Admitted, request: ProxyRequest) -> Result<ProxyAnswer, Error> {
    let begun = app.clock.monotonic();
    let answered = answer(app, admitted, request).await;
    let took = app.clock.monotonic().saturating_duration_since(begun);
    let told = answered.as_ref().map(|answer| answer.status.as_u16());
    app.metrics
        .forwarded(&admitted.store.platform, told.map_err(Error::problem), took);
    answered
}

async fn answer(app: &Arc<App>, admitted: &Admitted, request: ProxyRequest) -> Result<ProxyAnswer, Error> {
    admitted.check_connected()?;
    let call = Call::resolve(app, admitted, request)?;
    let answered = call.run().await;
    call.record(&answered);
    answered
}

impl<'a> Call<'a> {
    fn resolve(app: &'a Arc<App>, admitted: &'a Admitted, request: ProxyRequest) -> Result<Self, Error> {
        request.target.check()?;
        let store = &admitted.store;
        let platform = app.catalogue.platform(&store.platform);
        let method = platform.and_then(|platform| platform.method(&store.method));
        let (Some(platform), Some(method)) = (platform, method) else {
            return Err(custom_platforms::missing(&store.platform, &store.method));
        };
        let host = match request.headers.get(headers::HOST) {
            None => None,
            Some(host) => Some(host.to_str().map(str::to_owned).map_err(|_| send::unknown_host())?),
        };
        Ok(Self {
            app,
            admitted,
            platform,
            method,
            request,
            host,
        })
    }

    /// The credential was erased during the call: what became of the store is what its caller is told.
    async fn gone(&self) -> Error {
        match access_token::admit_again(self.app, self.admitted).await {
            Err(error) => error,
            Ok(_) => Error::NotFound,
        }
    }

    async fn run(&self) -> Result<ProxyAnswer, Error> {
        let begun = self.app.clock.monotonic();
        let usable = match usable(self.app, &self.admitted.store, self.admitted.app.mode).await {
            Err(Error::NotFound) => return Err(self.gone().await),
            found => found?,
        };
        // A refresh takes its time; a revocation in between must not be outrun.
        if self.app.clock.monotonic().saturating_duration_since(begun) > WAITED {
            access_token::admit_again(self.app, self.admitted).await?;
        }
        let mut first = self.send(&usable, true).await?;
        let judged = self.judge(&mut first).await?;
        if judged == CallAnswer::Passed {
            return Ok(relay(first));
        }
        if self.method.renewal == Renewal::Never {
            return self.decide(&usable, first, false).await;
        }
        if usable.is_accepted(self.app, self.admitted).await? {
            return Ok(relay(first));
        }
        if judged == CallAnswer::Unclear && usable.may_work(self.app, self.admitted, self.method).await {
            return Ok(relay(first));
        }
        let renewed = match usable.renewed(self.app, self.admitted).await {
            Err(Error::NotFound) => return Err(self.gone().await),
            renewed => renewed?,
        };
        if !renewed.differs_from(&usable) {
            let tried = renewed.generation() != usable.generation();
            return self.decide(&renewed, first, tried).await;
        }
        match self.request.body.whole(self.keeps()).await {
            Ok(_) => {}
            Err(Unkept::TooLarge) => {
                let told = "The credential was renewed during the call, whose body is too large to be kept";
                return Err(credential::credential_renewed(told));
            }
            Err(Unkept::Broken) => return Err(send::broken_off()),
        }
        drop(first);
        let mut second = self.send(&renewed, false).await?;
        match self.judge(&mut second).await? {
            CallAnswer::Passed => Ok(relay(second)),
            CallAnswer::Unauthorized | CallAnswer::Unclear => self.decide(&renewed, second, true).await,
        }
    }

    /// Bodies up to this can be sent again.
    fn keeps(&self) -> usize {
        if self.method.signs_body {
            body::SIGNED
        } else {
            body::KEPT
        }
    }

    /// Whether the platform accepts the credential, as far as this answer tells.
    async fn judge(&self, answer: &mut http::Response<AnswerStream>) -> Result<CallAnswer, Error> {
        let wanted = answers::peeks_body(self.method, answer.status());
        // Nothing is decompressed; no compression was asked for where bodies are looked at.
        let readable = !answer.headers().contains_key(header::CONTENT_ENCODING);
        let (status, headers) = (answer.status(), answer.headers().clone());
        let start = if wanted > 0 && readable && self.request.method != http::Method::HEAD {
            let peeked = answer.body_mut().peek(wanted).await;
            peeked.map_err(|error| send::lost(Problem::PlatformUnavailable, error.to_string()))?
        } else {
            &[]
        };
        Ok(answers::judge_call(self.method, status, &headers, start))
    }

    /// A refusal that renewing did not cure: the platform's verify call decides. A credential that works was refused for
    /// this call only, and the caller gets to see that.
    async fn decide(
        &self,
        usable: &Usable,
        refusal: http::Response<AnswerStream>,
        tried: bool,
    ) -> Result<ProxyAnswer, Error> {
        usable.judge_unauthorized(self.app, self.admitted, tried).await?;
        Ok(relay(refusal))
    }

    /// A key that is taken for refused, and works: only this tells where the verify call lacks a right.
    fn note_success(&self, answered: &Result<ProxyAnswer, Error>) {
        let store = &self.admitted.store;
        let doubted = self.method.renewal == Renewal::Never && store.health == StoreHealth::RefreshFailing;
        if doubted && answered.as_ref().is_ok_and(|answer| answer.status.is_success()) {
            let (app, credential) = (self.app.clone(), store.credential_id);
            self.app
                .detached
                .spawn(async move { refresh::worked(&app, credential).await });
        }
    }

    fn record(&self, answered: &Result<ProxyAnswer, Error>) {
        last_used::note_store(self.app, self.admitted.store.id);
        self.note_success(answered);
        let (store, platform) = (self.admitted.store.id, self.platform.slug.as_str());
        match answered {
            Ok(answer) => tracing::debug!(
                store.id = %store, platform = platform, platform.status = answer.status.as_u16(),
                "call forwarded to {platform}"
            ),
            Err(error) => tracing::info!(store.id = %store, platform = platform, error = %error, "call not forwarded"),
        }
    }
}

fn relay(answer: http::Response<AnswerStream>) -> ProxyAnswer {
    let (parts, body) = answer.into_parts();
    ProxyAnswer {
        status: parts.status,
        headers: headers::returned(&parts.headers),
        body,
    }
}
