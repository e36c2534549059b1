//! Tokens that a partner got by itself. An access token that is over, by what the partner says of it or by the platform's
//! word, is renewed once before it is tried; a long import outlives tokens of an hour.
//!
//! Where renewing uses the refresh token up, the new pair must not be lost before a store has it. So the platform is asked
//! under a session that only this refresh token leads to. Its answer is kept there, sealed, before anything else happens:
//! while the database is away it waits in memory, and what fails afterwards (the verify call, the choice of shops, another
//! customer's store) leaves it there for a week. The same tokens brought again go on from it, without asking the platform.
//! What still loses it is a process that is killed between answer and commit: then the platform's own grace decides.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::attempt::place;
use super::held::{DECISION_TIME, TokenAnswer};
use super::obtain::{self, Target, Verified};
use super::{Stop, sessions};
use crate::app::App;
use crate::broker::{Error, FieldError};
use crate::db;
use crate::db::connect_session_tokens as kept_tokens;
use crate::db::connect_sessions::{ConnectSession, NewConnectSession};
use crate::domain::access_token::TokenHash;
use crate::domain::connect::SessionStatus;
use crate::domain::id::{AppId, ConnectSessionId};
use crate::domain::secret::{Secret, SecretBytes};
use crate::platform::Values;
use crate::platform::descriptor::{Grace, Renewal};
use crate::platform::obtain::Grant;

/// Seconds: a century. What claims to live longer is a mistake, or a number that no calendar holds.
const LONGEST_LIFE: u64 = 100 * 365 * 24 * 60 * 60;
/// Who has asked the platform for longer than its call may take, and this, has given up.
const GIVEN_UP: Duration = Duration::from_secs(60);

/// Tokens of a grant to the same client that this app uses.
#[derive(Debug)]
pub struct BroughtTokens {
    pub access_token: Secret,
    pub refresh_token: Option<Secret>,
    pub expires_in: Option<Duration>,
    pub refresh_expires_in: Option<Duration>,
    pub scopes: Option<Vec<String>>,
    /// When the life times were read; now unless told.
    pub as_of: Option<DateTime<Utc>>,
}

/// For whom the store is made.
pub(super) struct Whom<'a> {
    pub app: AppId,
    pub customer: &'a str,
    /// Of the session.
    pub options: serde_json::Value,
}

/// A grant and when it was asked for.
struct Dated {
    grant: Grant,
    asked_at: DateTime<Utc>,
}

impl Dated {
    fn is_over(&self, now: DateTime<Utc>) -> bool {
        let life = self.grant.access_expires_in.map(TimeDelta::from_std);
        matches!(life, Some(Ok(life)) if self.asked_at + life <= now)
    }
}

#[derive(Serialize, Deserialize)]
struct Written {
    asked_at: DateTime<Utc>,
    token_answer: TokenAnswer,
}

/// Proves tokens, renewed first where the access token is over. The session that holds them where they were.
pub(super) async fn prove(
    app: &App,
    target: &Target<'_>,
    fields: &Values,
    tokens: BroughtTokens,
    whom: &Whom<'_>,
) -> Result<(Verified, Option<ConnectSessionId>), Stop> {
    check_lives(&tokens)?;
    let of_unknown_age = tokens.refresh_expires_in.is_none();
    let method = target.method;
    let refresh_token = tokens.refresh_token.clone();
    let hash = refresh_token
        .filter(|_| method.renewal == Renewal::RefreshToken)
        .map(|token| found_by(whom.app, target, &token));
    let mut dated = given(app, target, fields, tokens);
    let mut kept = None;
    if let Some(hash) = hash
        && let Some(session) = app
            .db
            .run(move |conn| db::connect_sessions::find_by_link(conn, hash))
            .await?
    {
        if ![SessionStatus::Open, SessionStatus::Expired].contains(&session.status) {
            let why = "These tokens were renewed here when they were brought before, and are used up";
            return Err(Error::Conflict(why.to_owned()).into());
        }
        if let Some(found) = open(app, &session)? {
            (dated, kept) = (found, Some(session.id));
        }
    }
    let first = match hash {
        Some(_) if dated.is_over(app.now()) => None,
        _ => match obtain::prove(app, target, fields, dated.asked_at, Some(dated.grant.clone())).await {
            Err(Stop::Refused(refused)) if refused.unaccepted && hash.is_some() => None,
            other => Some(other?),
        },
    };
    let verified = match (first, hash) {
        (None, Some(hash)) => {
            let renewed = renew(app, target, fields, dated, hash, whom).await?;
            kept = renewed.1.or(kept);
            let Dated { grant, asked_at } = renewed.0;
            obtain::prove(app, target, fields, asked_at, Some(grant)).await?
        }
        (Some(verified), _) => verified,
        (None, None) => return Err(Error::Internal("nothing to renew".to_owned()).into()),
    };
    let verified = Verified {
        of_unknown_age,
        ..verified
    };
    Ok((verified, kept))
}

/// The session of [`prove`], for whom it is now.
pub(super) async fn retake(app: &App, id: ConnectSessionId, whom: &Whom<'_>) -> Result<sessions::Visit, Error> {
    let (customer, options) = (whom.customer.to_owned(), whom.options.clone());
    let session = app
        .db
        .run(move |conn| kept_tokens::retake(conn, id, &customer, &options))
        .await?;
    sessions::revisit(app, session.ok_or(Error::LinkExpired)?, Secret::default()).await
}

fn check_lives(tokens: &BroughtTokens) -> Result<(), Error> {
    let lives = [
        ("tokens.expires_in", tokens.expires_in),
        ("tokens.refresh_expires_in", tokens.refresh_expires_in),
    ];
    let wrong: Vec<FieldError> = lives
        .iter()
        .filter(|(_, life)| life.is_some_and(|life| life.as_secs() > LONGEST_LIFE))
        .map(|(field, _)| FieldError::new(*field, format!("at most {LONGEST_LIFE} seconds (100 years)")))
        .collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(wrong))
    }
}

fn given(app: &App, target: &Target<'_>, fields: &Values, tokens: BroughtTokens) -> Dated {
    let mut values = Values::new().with("access_token", tokens.access_token);
    if let Some(refresh_token) = tokens.refresh_token {
        values.set("refresh_token", refresh_token);
    }
    let mut told = target.method.imports().filter(|(.., import)| import.identity);
    let platform_store_id = told.next().and_then(|(name, ..)| fields.get(name)).map(str::to_owned);
    Dated {
        grant: Grant {
            values,
            access_expires_in: tokens.expires_in,
            refresh_expires_in: tokens.refresh_expires_in,
            scopes: tokens.scopes,
            platform_store_id,
            authorization_expires_in: None,
        },
        asked_at: tokens.as_of.unwrap_or_else(|| app.now()),
    }
}

/// The refresh token is a secret of the platform's and long enough not to be guessed from its hash.
fn found_by(app: AppId, target: &Target<'_>, refresh_token: &Secret) -> TokenHash {
    let slug = &target.platform.slug;
    TokenHash::of(&format!("brought {app} {slug} {}", refresh_token.expose()))
}

/// Asks the platform once; the new grant, and the session that keeps it where the old one is used up.
async fn renew(
    app: &App,
    target: &Target<'_>,
    fields: &Values,
    held: Dated,
    hash: TokenHash,
    whom: &Whom<'_>,
) -> Result<(Dated, Option<ConnectSessionId>), Stop> {
    let session = match target.method.grace {
        Grace::NotRotating => None,
        _ => Some(claim(app, target, hash, whom).await?),
    };
    let renewed = obtain::renew(app, target, fields, &held.grant.values).await;
    let renewed = renewed.map(|(answered, asked_at)| Dated {
        grant: over(answered, &held.grant, target.method.keeps_refresh_token),
        asked_at,
    });
    let Some(id) = session else {
        return Ok((renewed?, None));
    };
    match renewed {
        Ok(renewed) => {
            keep(app, id, &renewed).await?;
            Ok((renewed, Some(id)))
        }
        Err(stop) => {
            app.db.run(move |conn| kept_tokens::release(conn, id)).await?;
            Err(stop)
        }
    }
}

/// What an answer does not tell is as it was.
fn over(answered: Grant, held: &Grant, keeps_refresh_token: bool) -> Grant {
    let mut before = held.values.clone();
    if !keeps_refresh_token {
        before.remove("refresh_token");
    }
    Grant {
        values: answered.values.over(&before),
        scopes: answered.scopes.or_else(|| held.scopes.clone()),
        platform_store_id: answered.platform_store_id.or_else(|| held.platform_store_id.clone()),
        ..answered
    }
}

async fn claim(app: &App, target: &Target<'_>, hash: TokenHash, whom: &Whom<'_>) -> Result<ConnectSessionId, Error> {
    let busy = TimeDelta::from_std(target.method.call_limit + GIVEN_UP).unwrap_or_default();
    let (id, now) = (app.id::<ConnectSessionId>(), app.now());
    let (app_id, options, customer) = (whom.app, whom.options.clone(), whom.customer.to_owned());
    let claimed = app
        .db
        .transaction::<_, Error, _>(move |conn| {
            let new = NewConnectSession {
                id,
                app_id,
                store_id: None,
                link_hash: hash,
                options,
                return_url: "",
                partner_state: None,
                customer_id: Some(&customer),
                expires_at: now + DECISION_TIME,
            };
            Ok(kept_tokens::claim(conn, &new, now - busy)?)
        })
        .await?;
    let busy = "These tokens are being renewed right now, or wait for a decision; try again in a minute";
    claimed
        .map(|session| session.id)
        .ok_or_else(|| Error::Conflict(busy.to_owned()))
}

/// Returns once the pair is kept, however long the database is away: this task alone holds it.
async fn keep(app: &App, id: ConnectSessionId, renewed: &Dated) -> Result<(), Error> {
    let written = Written {
        asked_at: renewed.asked_at,
        token_answer: TokenAnswer::of(&renewed.grant),
    };
    let bytes = serde_json::to_vec(&written).map_err(|error| Error::Internal(error.to_string()))?;
    let bytes = SecretBytes::new(bytes);
    loop {
        let sealed = app.sealer.seal(place(id, "delivered_sealed"), bytes.expose());
        let until = app.now() + DECISION_TIME;
        match app
            .db
            .run(move |conn| kept_tokens::keep(conn, id, &sealed, until))
            .await
        {
            Ok(true) => return Ok(()),
            // Whoever deleted the customer wants nothing kept.
            Ok(false) => return Err(Error::LinkExpired),
            Err(error @ db::Error::Unavailable(_)) => {
                tracing::error!(session.id = %id, %error, "renewed tokens wait in memory to be kept");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(error) => {
                tracing::error!(session.id = %id, %error, "renewed tokens could not be kept: the store alone will have them");
                return Ok(());
            }
        }
    }
}

fn open(app: &App, session: &ConnectSession) -> Result<Option<Dated>, Error> {
    let Some(sealed) = &session.delivered_sealed else {
        return Ok(None);
    };
    let unreadable = |why: String| Error::Internal(format!("the tokens of {} cannot be opened: {why}", session.id));
    let bytes = app
        .sealer
        .open(place(session.id, "delivered_sealed"), sealed)
        .map_err(|error| unreadable(error.to_string()))?;
    let written: Written = serde_json::from_slice(bytes.expose()).map_err(|_| unreadable("not tokens".to_owned()))?;
    Ok(Some(Dated {
        grant: written.token_answer.open(),
        asked_at: written.asked_at,
    }))
}
