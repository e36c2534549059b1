//! The verify call as a use case: does the platform still take this credential? Only a documented refusal counts as one;
//! a platform that is down, or answers strangely, leaves the question open.

use std::sync::Arc;
use std::time::Duration;

use super::Error;
use super::moment::{heard, host_of, moment, moment_at};
use super::refresh::{Need, Verdict, judge, usable};
use crate::app::App;
use crate::domain::id::CredentialId;
use crate::domain::refresh::{FailureKind, RefreshTrigger};
use crate::platform::answer::{self, CallAnswer};
use crate::platform::transport::{Route, SendOptions};
use crate::platform::verify::StoreFacts;
use crate::platform::{self, Failure, Method, PlatformAnswer, Transport, Values};

/// What the platform said.
#[derive(Debug, Clone)]
pub enum Verified {
    Alive(StoreFacts),
    /// Refused in words that the platform documents.
    Refused(Failure),
    /// Refused as unauthorized, in no words that the platform documents: a sign, and no proof.
    Unproven(Failure),
    /// No answer, or one that decides nothing.
    Undecided(Failure),
    /// This connect method has no such call.
    Impossible,
}

/// Asks with these values, which hold the platform app's too.
pub async fn ask(app: &App, route: Route, method: &Method, values: &Values) -> Result<Verified, Error> {
    Ok(match call(app, route, method, values).await {
        Ok(answer) => match crate::platform::verify::read(method, &answer, values) {
            Ok(facts) => Verified::Alive(facts),
            Err(failure) if failure.kind == FailureKind::Dead => Verified::Refused(failure),
            Err(failure) if failure.kind == FailureKind::Unknown && is_unauthorized(method, &answer) => {
                Verified::Unproven(failure)
            }
            Err(failure) => Verified::Undecided(failure),
        },
        Err(unanswered) => unanswered,
    })
}

/// Whether the platform accepts the access token, whatever that says about the grant: a refusal is also what it answers to
/// a forwarded call with an expired token. `None`: there is no such call. Without an answer the token counts as accepted.
pub async fn accepts(app: &App, route: Route, method: &Method, values: &Values) -> Option<bool> {
    match call(app, route, method, values).await {
        Ok(answer) => {
            let refused = crate::platform::verify::read(method, &answer, values)
                .is_err_and(|failure| failure.kind == FailureKind::Dead);
            Some(!is_unauthorized(method, &answer) && !refused)
        }
        Err(Verified::Impossible) => None,
        Err(_) => Some(true),
    }
}

/// Whether an answer says, or may say, what a forwarded call with an expired token is answered.
pub(super) fn is_unauthorized(method: &Method, answer: &PlatformAnswer) -> bool {
    answer::judge_call(method, answer.status, &answer.headers, &answer.body) != CallAnswer::Passed
}

/// The answer to the verify call, or what its absence means.
async fn call(app: &App, route: Route, method: &Method, values: &Values) -> Result<PlatformAnswer, Verified> {
    let host = host(app, method, values).unwrap_or_default();
    let moment = moment_at(app, route, &host);
    let request = match platform::verify::request(method, values, &moment) {
        Ok(Some(request)) => request,
        Ok(None) => return Err(Verified::Impossible),
        Err(error) => return Err(Verified::Undecided(Failure::unknown(error.to_string()))),
    };
    let options = SendOptions::new(route, Duration::from_secs(30));
    let mut answer = app.outbound.send(request, &options).await;
    if let Ok(first) = &answer {
        heard(app, route, &host, &first.headers);
    }
    if let Ok(first) = &answer
        && let Ok(Some(other)) = platform::verify::otherwise(method, values, &moment, first)
    {
        answer = app.outbound.send(other, &options).await;
    }
    answer.map_err(|error| {
        Verified::Undecided(Failure {
            kind: FailureKind::Down,
            ..Failure::unknown(error.to_string())
        })
    })
}

/// Where the verify call goes, as `host` or `host:port`; `None`: there is no such call.
pub fn host(app: &App, method: &Method, values: &Values) -> Option<String> {
    let request = platform::verify::request(method, values, &moment(app)).ok()??;
    Some(host_of(&request.url).to_owned())
}

/// Asks about a connected credential, refreshed first if need be, and acts on a refusal as on a refused call. By timer it
/// keeps to the bounds of token calls.
///
/// Errors: as `refresh::usable`.
pub async fn check(app: &Arc<App>, credential: CredentialId, trigger: RefreshTrigger) -> Result<Verdict, Error> {
    let mut need = Need {
        trigger,
        ..Need::call()
    };
    for last in [false, true] {
        let usable = usable(app, credential, need).await?;
        match judge(app, credential, usable.generation, trigger, last).await? {
            Verdict::Renewed => need = Need::other_than(usable.generation),
            verdict => return Ok(verdict),
        }
    }
    Ok(Verdict::Undecided)
}
