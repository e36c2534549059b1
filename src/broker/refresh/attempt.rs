//! One attempt, from the claim to the row: build, send once, and then journal and save, or clear, or leave in doubt. Only
//! what the claim returned is sent, and only while the lease still covers the whole call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::pairs::{Pairs, token};
use super::save::{Answered, Saved, save};
use super::{Loaded, gate, grant, method_of, platform_app, record, verdict};
use crate::app::App;
use crate::app::token_gates::Pass;
use crate::broker::moment::{heard, moment_at};
use crate::broker::{Error, token_limit};
use crate::db;
use crate::db::credentials::Credential;
use crate::db::leases;
use crate::domain::credential::Generation;
use crate::domain::lease::{self, Grounds, LEASE_MARGIN, Reuse};
use crate::domain::refresh::{Attempt, FailureKind, RefreshOutcome, RefreshTrigger, SecretSet};
use crate::domain::store::StoreHealth;
use crate::platform::descriptor::{Grace, Renewal};
use crate::platform::transport::{NotSent, SendError, SendOptions};
use crate::platform::{Failure, Method, PlatformAnswer, Transport, Values, answer, obtain};

/// Which values of the platform app are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    First,
    /// The second set, while secrets roll over.
    Standby,
}

impl Client {
    fn secrets(self) -> SecretSet {
        match self {
            Self::First => SecretSet::Current,
            Self::Standby => SecretSet::Standby,
        }
    }
}

/// What follows.
pub(super) enum Next {
    Ended(Attempt),
    /// Once more, with the second set of the platform app's values.
    Standby(Attempt),
    /// Once more: another pair is left, or the platform forgives a lost answer.
    Another(Attempt),
}

/// An attempt under way.
pub(super) struct Try<'a> {
    pub app: &'a Arc<App>,
    pub loaded: &'a Loaded,
    pub method: &'a Method,
    /// The row as the claim returned it.
    pub row: Credential,
    pub attempt: i64,
    /// The pair that is sent.
    pub pair: Values,
    pub trigger: RefreshTrigger,
    pub begun: Instant,
    pub started_at: DateTime<Utc>,
}

/// A lease that was claimed just now.
pub(super) struct Claimed {
    pub row: Credential,
    pub grounds: Grounds,
    pub begun: Instant,
}

/// Makes the attempt that `claimed` stands for.
pub(super) async fn make(
    app: &Arc<App>,
    loaded: &Loaded,
    claimed: Claimed,
    trigger: RefreshTrigger,
    client: Client,
    pass: &mut Pass,
) -> Result<Next, Error> {
    let method = method_of(app, &loaded.row)?;
    let Claimed {
        row: mut claimed,
        mut grounds,
        mut begun,
    } = claimed;
    // The owner of a lost answer may ask again twice where the platform forgives it.
    for again in 0..3 {
        let attempt = claimed.lease_attempt.unwrap_or_default();
        let opened = Pairs::open(&app.sealer, &claimed);
        let pair = opened.as_ref().map(|pairs| pairs.next().clone()).unwrap_or_default();
        let trigger = if again > 0 { RefreshTrigger::Doubt } else { trigger };
        let started_at = app.now();
        let this = Try {
            app,
            loaded,
            method,
            row: claimed,
            attempt,
            pair,
            trigger,
            begun,
            started_at,
        };
        if let Err(error) = opened {
            this.clear(None).await?;
            return Err(error);
        }
        let sent = this.send(grounds, client).await;
        let sent = sent.map(|(answer, sent_at)| {
            let read = obtain::read_grant(this.method, &this.pair, &answer, sent_at);
            (answer, sent_at, read)
        });
        gate::report(
            app,
            pass,
            gate::heard(sent.as_ref().map(|(_, _, read)| read.as_ref().err())),
        );
        let failure = match sent {
            Ok((answer, sent_at, read)) => match read {
                Ok(grant) => {
                    let ended = this.renewed(grant, sent_at, &answer).await?;
                    platform_app::took(app, loaded.platform_app.as_ref(), client.secrets()).await;
                    return Ok(Next::Ended(ended));
                }
                Err(failure) if this.rotates() && answer::may_hide_a_grant(this.method, &answer) => Failure {
                    kind: FailureKind::Down,
                    ..failure
                },
                Err(failure) => return this.refused(failure, client).await,
            },
            Err(SendError::NotSent { why }) => return this.not_sent(&why.to_string(), why == NotSent::TooLate).await,
            Err(SendError::AnswerLost { why }) => down(&why),
        };
        begun = app.clock.monotonic();
        // Whoever answers for a platform that is down is not asked as often as a connection that broke.
        let most = if failure.status.is_some() { 1 } else { 2 };
        // If the database is away, so is the right to ask again.
        let next = if again < most && this.may_repeat().await {
            this.again().await.unwrap_or_default()
        } else {
            None
        };
        let Some((row, next)) = next else {
            return this.lost(&failure).await;
        };
        this.log(RefreshOutcome::AnswerLost, Some(&failure), None, row.saved_attempt)
            .await;
        (claimed, grounds) = (row, next);
    }
    // The loop's last round always returns.
    Err(Error::Internal("a refresh went round in circles".to_owned()))
}

impl Try<'_> {
    pub fn seen(&self) -> Generation {
        self.row.generation()
    }

    async fn send(&self, grounds: Grounds, client: Client) -> Result<(PlatformAnswer, DateTime<Utc>), SendError> {
        let app = self.app;
        let refused = |why: String| SendError::NotSent {
            why: NotSent::Refused(why),
        };
        let own = platform_app::values(app, self.loaded.platform_app.as_ref(), self.method, client)
            .map_err(|error| refused(error.to_string()))?;
        let values = self.pair.over(&own);
        let (route, host) = (
            self.loaded.route(),
            obtain::refresh_host(self.method, &values).unwrap_or_default(),
        );
        let moment = moment_at(app, route, &host);
        let request = obtain::refresh(self.method, &values, &moment).map_err(|error| refused(error.to_string()))?;
        let mut send_before = self.begun + LEASE_MARGIN;
        if let Some(end) = grounds.send_before {
            let left = (end - app.now()).to_std().unwrap_or_default();
            send_before = send_before.min(app.clock.monotonic() + left);
        }
        let mut options = SendOptions::new(route, self.method.call_limit);
        options.send_before = Some(send_before);
        let sent_at = app.now();
        let answer = app.outbound.send(request, &options).await?;
        heard(app, route, &host, &answer.headers);
        Ok((answer, sent_at))
    }

    /// Whether an answer that nobody has read may have used up the token that was sent.
    fn rotates(&self) -> bool {
        self.method.renewal == Renewal::RefreshToken && self.method.grace != Grace::NotRotating
    }

    async fn renewed(
        self,
        mut grant: obtain::Grant,
        sent_at: DateTime<Utc>,
        answer: &PlatformAnswer,
    ) -> Result<Attempt, Error> {
        let app = self.app;
        let status = Some(answer.status.as_u16());
        let unchanged = grant.values.get("access_token") == self.pair.get("access_token");
        let mut values = grant.values.over(&self.pair);
        if grant.values.get("refresh_token").is_none() {
            if self.method.keeps_refresh_token {
                if let Some(kept) = token(&self.pair) {
                    grant.values.set("refresh_token", kept);
                }
            } else {
                values.remove("refresh_token");
            }
        }
        let answered = Arc::new(Answered {
            credential: self.row.id,
            grant_no: self.row.grant_no,
            attempt: self.attempt,
            sent: token(&self.pair).map(str::to_owned),
            granted: grant::renewed(&grant, self.method, &self.row, sent_at, app.now(), &app.random),
            values,
            unchanged,
        });
        let journaled = app.journal.append(answered.entry(app)).await;
        if let Err(error) = &journaled {
            tracing::error!(credential.id = %self.row.id, %error, "an answer could not be kept in the journal");
        }
        let saved = loop {
            match save(app, answered.clone()).await {
                Ok(saved) => break saved,
                // In the journal it is safe, and will be saved from there.
                Err(error) if journaled.is_ok() => return Err(error),
                // Only this task still holds it.
                Err(error) => {
                    tracing::error!(credential.id = %self.row.id, %error, "an answer waits in memory to be saved");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        };
        if let Ok(key) = journaled
            && let Err(error) = app.journal.remove(key).await
        {
            tracing::warn!(credential.id = %self.row.id, %error, "a saved answer stays in the journal");
        }
        let outcome = match saved {
            Saved::Superseded => RefreshOutcome::Superseded,
            Saved::Written if unchanged => RefreshOutcome::Unchanged,
            Saved::Written => RefreshOutcome::Renewed,
        };
        let saved_after = if saved == Saved::Written {
            self.attempt
        } else {
            self.row.saved_attempt
        };
        self.log(outcome, None, status, saved_after).await;
        if let Some(platform_app) = self.row.platform_app_id {
            platform_app::succeeded(app, platform_app).await;
        }
        Ok(Attempt {
            outcome,
            code: None,
            status,
            detail: None,
            retry_after: None,
            generation: Generation {
                attempt: saved_after,
                ..self.seen()
            },
        })
    }

    async fn refused(self, failure: Failure, client: Client) -> Result<Next, Error> {
        let unknown = self.row.last_failure == Some(FailureKind::Unknown);
        let failing_since = self.row.failing_since.filter(|_| unknown);
        let (outcome, next) = match failure.kind {
            FailureKind::Dead => verdict::refused(&self, &failure).await?,
            FailureKind::AppBroken => {
                let standby = client == Client::First
                    && self
                        .loaded
                        .platform_app
                        .as_ref()
                        .is_some_and(|own| own.standby_sealed.is_some());
                if !standby {
                    platform_app::broken(self.app, &self.row, failure.code.as_deref()).await?;
                }
                self.clear(Some(&failure)).await?;
                (
                    RefreshOutcome::AppBroken,
                    if standby {
                        verdict::Then::Standby
                    } else {
                        verdict::Then::End
                    },
                )
            }
            kind => {
                self.clear(Some(&failure)).await?;
                let lost =
                    kind == FailureKind::Unknown && verdict::unknown_for_long(&self, failing_since, &failure).await?;
                (
                    if lost { RefreshOutcome::Dead } else { kind.into() },
                    verdict::Then::End,
                )
            }
        };
        self.log(outcome, Some(&failure), None, self.row.saved_attempt).await;
        let attempt = self.ended(outcome, Some(&failure), failure.detail.clone());
        Ok(match next {
            verdict::Then::End => Next::Ended(attempt),
            verdict::Then::Standby => Next::Standby(attempt),
            verdict::Then::NextPair => Next::Another(attempt),
        })
    }

    /// Surely nothing was sent.
    async fn not_sent(self, why: &str, too_late: bool) -> Result<Next, Error> {
        let failure = down(why);
        self.clear(Some(&failure).filter(|_| !too_late)).await?;
        self.log(RefreshOutcome::NotSent, Some(&failure), None, self.row.saved_attempt)
            .await;
        Ok(Next::Ended(self.ended(RefreshOutcome::NotSent, None, why.to_owned())))
    }

    /// Whether the platform's limit of token calls has room for one more. A grace outlasts a window, mostly: whoever takes
    /// the lease over asks then.
    async fn may_repeat(&self) -> bool {
        // Where the platform forgives nothing, a call would be counted and never made.
        if !matches!(grant::terms(self.method, Duration::ZERO).reuse, Reuse::Within(_)) {
            return false;
        }
        let (platform, mode) = (&self.row.platform, self.loaded.mode);
        let (caller, wanted) = (gate::counted_for(self.loaded), token_limit::For::Refreshing);
        let room = token_limit::take(self.app, platform, mode, self.method, caller, wanted);
        matches!(room.await, Ok(None))
    }

    /// The next attempt of an owner whose answer was lost and whose call is closed, where the platform forgives it.
    async fn again(&self) -> Result<Option<(Credential, Grounds)>, Error> {
        let app = self.app;
        let terms = grant::terms(self.method, app.config.journal_wait);
        let length = terms.call_limit + LEASE_MARGIN;
        let (id, attempt, seen) = (self.row.id, self.attempt, self.seen());
        let sent_saved = !self.row.asks_spare;
        let owner = app.journal.id();
        app.db
            .run(move |conn| {
                let Some((row, now)) = leases::find(conn, id)? else {
                    return Ok(None);
                };
                if row.generation() != seen {
                    return Ok(None);
                }
                let Some(grounds) = lease::claim_again(&row.lease(), &terms, attempt, sent_saved, now) else {
                    return Ok(None);
                };
                Ok(leases::claim(conn, &row, owner, length, &grounds)?.map(|row| (row, grounds)))
            })
            .await
    }

    /// Sent, and no answer came that tells what the platform did.
    async fn lost(self, failure: &Failure) -> Result<Next, Error> {
        if self.method.renewal == Renewal::AskAgain {
            // No token was used up: there is nothing to be in doubt about.
            self.clear(Some(failure)).await?;
        } else {
            let (id, grant_no, attempt) = (self.row.id, self.row.grant_no, self.attempt);
            let failed = self.failed_in_doubt(failure);
            record::write_end(self.app, id, move |conn| {
                if leases::leave(conn, id, grant_no, attempt, failed)? {
                    db::stores::set_health(conn, id, StoreHealth::RefreshInDoubt)?;
                }
                Ok(db::listen::notify_credential(conn, id)?)
            })
            .await?;
        }
        self.log(RefreshOutcome::AnswerLost, Some(failure), None, self.row.saved_attempt)
            .await;
        let told = Some(failure).filter(|failure| failure.status.is_some());
        Ok(Next::Ended(self.ended(
            RefreshOutcome::AnswerLost,
            told,
            failure.detail.clone(),
        )))
    }
}

fn down(why: &str) -> Failure {
    Failure {
        kind: FailureKind::Down,
        ..Failure::unknown(why)
    }
}
