//! A platform said "unauthorized" to a call with a token that should work: the verify call, a harmless read, decides
//! whether the credential is dead or only lacks a right for that call.

use std::sync::Arc;

use super::{Loaded, load, method_of, open, platform_app, refuse_unclaimed};
use crate::app::App;
use crate::broker::Error;
use crate::broker::verify::{self, Verified};
use crate::domain::credential::Generation;
use crate::domain::id::CredentialId;
use crate::platform::Method;
use crate::platform::descriptor::Renewal;

/// What an unauthorized answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The credential is refused: its stores now need their merchants.
    Dead,
    /// The credential works; the answer is about that one call.
    Alive,
    /// Another generation is saved by now: try with that one.
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
    judge(app, credential, generation, true).await
}

/// The same; unless it is `last`, a refused credential that can be renewed is `Renewed`: to be tried with another token.
pub(crate) async fn judge(
    app: &Arc<App>,
    credential: CredentialId,
    generation: Generation,
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
    let values = open(app, &loaded, method)?.values;
    match verify::ask(app, loaded.route(), method, &values).await? {
        Verified::Alive(_) => {
            platform_app::verified(app, &loaded, method).await;
            Ok(Verdict::Alive)
        }
        Verified::Undecided(_) | Verified::Impossible => Ok(Verdict::Undecided),
        Verified::Refused(_) if !last && method.renewal != Renewal::Never => Ok(Verdict::Renewed),
        Verified::Refused(failure) => {
            let dead = refuse_unclaimed(app, &loaded.row, &failure).await?;
            Ok(if dead { Verdict::Dead } else { Verdict::Undecided })
        }
    }
}

/// Whether the platform accepts the access token, as its verify call tells: while a refresh is in doubt one refused call
/// does not make it used up. `None`: there is no such call.
pub(super) async fn accepts(app: &Arc<App>, loaded: &Loaded, method: &Method) -> Result<Option<bool>, Error> {
    let values = open(app, loaded, method)?.values;
    Ok(verify::accepts(app, loaded.route(), method, &values).await)
}
