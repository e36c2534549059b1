//! A platform said "unauthorized" to a call with a token that should work: the verify call, a harmless read, decides
//! whether the credential is dead or only lacks a right for that call.

use std::sync::Arc;

use super::{Loaded, gate, load, method_of, open, platform_app, refuse_unclaimed, spread, unavailable, unproven};
use crate::app::App;
use crate::app::token_gates::{Asker, Pass};
use crate::broker::verify::{self, Verified};
use crate::broker::{Error, shop_values};
use crate::db;
use crate::domain::breaker::Heard;
use crate::domain::credential::Generation;
use crate::domain::id::CredentialId;
use crate::domain::refresh::RefreshTrigger;
use crate::platform::descriptor::Renewal;
use crate::platform::{Method, Values};

/// What an unauthorized answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The credential is refused: its stores now need their merchants.
    Dead,
    /// The credential works; the answer is about that one call.
    Alive,
    /// Another generation is saved by now, or is to be had: try with that one.
    Renewed,
    /// Nobody can say at the moment: pass the answer on, and change nothing.
    Undecided,
}

/// Judges a 401 that came in spite of a refresh, or for a credential that cannot be refreshed. `generation`: what the
/// refused call was made with.
pub async fn judge_unauthorized(
    app: &Arc<App>,
    credential: CredentialId,
    generation: Generation,
) -> Result<Verdict, Error> {
    judge(app, credential, generation, RefreshTrigger::Unauthorized, true).await
}

/// The same; unless it is `last`, a refused credential that can be renewed is `Renewed`: to be tried with another token.
pub(crate) async fn judge(
    app: &Arc<App>,
    credential: CredentialId,
    generation: Generation,
    trigger: RefreshTrigger,
    last: bool,
) -> Result<Verdict, Error> {
    let loaded = load(app, credential).await?;
    if loaded.row.dead_at.is_some() {
        return Ok(Verdict::Dead);
    }
    if loaded.row.generation() != generation {
        return Ok(Verdict::Renewed);
    }
    let method = method_of(app, &loaded.row)?;
    let values = asked_with(app, &loaded, method).await?;
    let mut pass = match trigger {
        RefreshTrigger::Timer => Some(pass_by_timer(app, &loaded, method, &values).await?),
        _ => None,
    };
    let verified = verify::ask(app, loaded.route(), method, &values).await?;
    if let Some(pass) = &mut pass {
        let heard = match &verified {
            Verified::Alive(_) | Verified::Refused(_) => Some(Heard::Up),
            Verified::Undecided(failure) | Verified::Unproven(failure) => Some(gate::heard_in(failure)),
            Verified::Impossible => None,
        };
        gate::report(app, pass, heard);
    }
    // An access token that had ended before the verify call was answered is refused by every platform: that proves nothing
    // of the grant. So it may be where a call, or this process, took longer than the token lived.
    let ended = loaded.row.access_expires_at.is_some_and(|end| end <= app.now());
    let to_be_had = method.renewal != Renewal::Never && (ended || !last);
    match verified {
        Verified::Alive(_) => {
            platform_app::verified(app, &loaded, method).await;
            unproven::forget(app, &loaded.row, method).await;
            Ok(Verdict::Alive)
        }
        // In whatever words: another token is had without a merchant.
        Verified::Refused(_) | Verified::Unproven(_) if to_be_had => Ok(Verdict::Renewed),
        Verified::Unproven(failure) if method.renewal == Renewal::Never => {
            unproven::refused(app, &loaded.row, method, &failure).await
        }
        Verified::Undecided(_) | Verified::Unproven(_) | Verified::Impossible => Ok(Verdict::Undecided),
        Verified::Refused(failure) => {
            let dead = refuse_unclaimed(app, &loaded.row, &failure).await?;
            Ok(if dead { Verdict::Dead } else { Verdict::Undecided })
        }
    }
}

/// Nobody waits for a timer's verify call: it keeps to the bounds of token calls, and comes back later.
async fn pass_by_timer(app: &Arc<App>, loaded: &Loaded, method: &Method, values: &Values) -> Result<Pass, Error> {
    let host = verify::host(app, method, values).unwrap_or_default();
    let asker = Asker {
        caller: gate::caller(loaded),
        deadline: None,
        patience: None,
        hurries: false,
    };
    let entered = gate::pass(app, loaded, host, asker).await?;
    entered.map_err(|(_, wait)| {
        unavailable(
            "the platform's calls wait for an outage to end",
            Some(spread(app, wait, 1, None)),
        )
    })
}

/// What the verify call is made with: the credential, and the values of a shop where it is shared by several. Any of them
/// will do, for the question is whether the credential works.
pub(super) async fn asked_with(app: &App, loaded: &Loaded, method: &Method) -> Result<Values, Error> {
    let shared = open(app, loaded, method)?.values;
    if method.verify.shops.is_none() {
        return Ok(shared);
    }
    let id = loaded.row.id;
    let stores = app
        .db
        .run::<_, db::Error, _>(move |conn| db::stores::list_of_credential(conn, id))
        .await?;
    match stores.first() {
        Some(store) => shop_values::over(&app.sealer, store, shared),
        None => Ok(shared),
    }
}

/// Whether the platform accepts the access token, as its verify call tells: while a refresh is in doubt one refused call
/// does not make it used up. `None`: there is no such call.
pub(super) async fn accepts(app: &Arc<App>, loaded: &Loaded, method: &Method) -> Result<Option<bool>, Error> {
    let values = asked_with(app, loaded, method).await?;
    Ok(verify::accepts(app, loaded.route(), method, &values).await)
}
