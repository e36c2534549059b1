//! The real side: one credential in a real database, the tools that its statements are handed, and the row read back in
//! the model's words.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection as _;
use llavero::app::App;
use llavero::broker::refresh::{self, Answered, Evidence, Saved as Written};
use llavero::clock::Clock;
use llavero::crypto::Place;
use llavero::db::credentials::{Credential, Granted, NewCredential};
use llavero::db::leases::{self, Failed};
use llavero::db::{self, Conn};
use llavero::domain::credential::Generation;
use llavero::domain::id::{AppId, CredentialId, Id, JournalId};
use llavero::domain::lease::{self, Claim, Grounds, Terms};
use llavero::domain::refresh::{FailureKind, RefreshOutcome};
use llavero::domain::store::{Mode, StatusReason};
use llavero::platform::Values;

use super::row::{Answer, Refused, Row};
use crate::support::database::TestDatabase;
use crate::support::test_app::{Wishes, assemble, beginning, config};

pub const LEASE_SECONDS: i64 = 45;
pub const ACCESS_SECONDS: i64 = 600;

/// The moments in the row, in seconds since the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dates {
    pub now: i64,
    pub access_until: i64,
    pub lease_since: Option<i64>,
    pub lease_until: Option<i64>,
    pub in_doubt_since: Option<i64>,
    pub doubt_sent_at: Option<i64>,
    pub unsettled_at: Option<i64>,
}

pub struct Real {
    app: App,
    pub conn: Conn,
    pub id: CredentialId,
    pub owners: [JournalId; 2],
    /// Savepoints that are open.
    open: usize,
    _runtime: tokio::runtime::Runtime,
    _data: tempfile::TempDir,
    _database: TestDatabase,
}

pub fn moment(seconds: i64) -> DateTime<Utc> {
    beginning() + TimeDelta::seconds(seconds)
}

pub fn seconds(moment: DateTime<Utc>) -> i64 {
    (moment - beginning()).num_seconds()
}

fn pair(token: u8) -> Values {
    Values::new()
        .with("refresh_token", format!("refresh-{token}"))
        .with("access_token", format!("access-{token}"))
}

fn number(values: &Values) -> u8 {
    let name = values.get("refresh_token").unwrap();
    name.strip_prefix("refresh-").unwrap().parse().unwrap()
}

fn small(number: i64) -> u8 {
    u8::try_from(number).unwrap()
}

impl Real {
    pub fn start() -> Self {
        let database = TestDatabase::migrated();
        let data = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let nowhere = "http://127.0.0.1:9";
        let config = config(&database.url(), nowhere, nowhere, data.path(), &Wishes::default());
        let app = assemble(config, Clock::frozen(beginning()), runtime.handle().clone());
        let mut conn = database.connect();
        let (partner, owner, id) = (app.id(), app.id::<AppId>(), app.id());
        db::partners::insert(&mut conn, partner, "Partner").unwrap();
        let new = db::apps::NewApp {
            id: owner,
            partner_id: partner,
            name: "App",
            mode: Mode::Sandbox,
            return_urls: db::types::Texts::default(),
            signing_secret_sealed: b"sealed",
        };
        db::apps::insert(&mut conn, &new).unwrap();
        let owners = [app.id(), app.id()];
        let mut real = Self {
            app,
            conn,
            id,
            owners,
            open: 0,
            _runtime: runtime,
            _data: data,
            _database: database,
        };
        let new = NewCredential {
            id,
            app_id: owner,
            platform: "plaza".to_owned(),
            method: "oauth".to_owned(),
            platform_app_id: None,
            granted: real.granted(0, 0),
        };
        db::credentials::insert(&mut real.conn, &new).unwrap();
        real.conn.batch_execute("BEGIN").unwrap();
        real.set_now(0);
        real
    }

    fn granted(&self, token: u8, now: i64) -> Granted {
        Granted {
            values_sealed: Some(refresh::seal_values(&self.app.sealer, self.id, &pair(token))),
            ..lifetimes(now)
        }
    }

    /// From here on everything can be taken back.
    pub fn begin(&mut self) {
        self.open += 1;
        self.conn.batch_execute(&format!("SAVEPOINT s{}", self.open)).unwrap();
    }

    pub fn take_back(&mut self) {
        let name = format!("s{}", self.open);
        self.conn
            .batch_execute(&format!("ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}"))
            .unwrap();
        self.open -= 1;
    }

    pub fn set_now(&mut self, now: i64) {
        let now = moment(now).to_rfc3339();
        self.conn.batch_execute(&format!("SET llavero.now = '{now}'")).unwrap();
    }

    pub fn find(&mut self) -> (Credential, DateTime<Utc>) {
        leases::find(&mut self.conn, self.id).unwrap().unwrap()
    }

    /// What the row allows, as a process that has long reached the database would judge it.
    pub fn look(&mut self, terms: &Terms) -> (Credential, Option<Grounds>) {
        let (row, now) = self.find();
        let decided = lease::claim(&row.lease(), terms, now, Some(moment(-1_000_000)), false);
        match decided {
            Claim::Now(grounds) => (row, Some(grounds)),
            Claim::NotBefore { .. } => (row, None),
        }
    }

    /// The number of the attempt.
    pub fn claim(&mut self, seen: &Credential, actor: usize, grounds: &Grounds) -> Option<i64> {
        let length = Duration::from_secs(LEASE_SECONDS.unsigned_abs());
        let owner = self.owners[actor];
        let claimed = leases::claim(&mut self.conn, seen, owner, length, grounds).unwrap();
        claimed.and_then(|row| row.lease_attempt)
    }

    /// As the owner of a lost answer does it: finds the row, compares, decides, claims.
    pub fn claim_again(
        &mut self,
        actor: usize,
        terms: &Terms,
        (grant_no, saved_attempt): (u8, u8),
        attempt: u8,
        sent_saved: bool,
    ) -> Option<i64> {
        let (row, now) = self.find();
        let seen = Generation {
            grant_no: i64::from(grant_no),
            attempt: i64::from(saved_attempt),
        };
        if row.generation() != seen {
            return None;
        }
        let grounds = lease::claim_again(&row.lease(), terms, i64::from(attempt), sent_saved, now)?;
        self.claim(&row, actor, &grounds)
    }

    pub fn save(&mut self, answer: &Answer, now: i64) -> Written {
        let answered = Answered {
            credential: self.id,
            grant_no: i64::from(answer.grant_no),
            attempt: i64::from(answer.attempt),
            values: pair(answer.token),
            sent: Some(format!("refresh-{}", answer.sent)),
            granted: lifetimes(now),
            unchanged: false,
        };
        refresh::save_in(&mut self.conn, &self.app, &answered).unwrap()
    }

    /// Whether it is dead by that.
    pub fn refused(&mut self, refused: &Refused) -> bool {
        let evidence = Evidence {
            reason: StatusReason::GrantRefused,
            class: FailureKind::Dead,
            code: None,
            status: None,
            detail: String::new(),
        };
        let refused = refresh::Refused {
            credential: self.id,
            platform_app: None,
            seen: Generation {
                grant_no: i64::from(refused.grant_no),
                attempt: i64::from(refused.seen),
            },
            attempt: i64::from(refused.attempt),
            sent: Some(format!("refresh-{}", refused.token)),
            alive: refused.alive,
            access_ends: None,
            failed: failed(),
            evidence,
        };
        let (outcome, _) = refresh::refused_in(&mut self.conn, &self.app, &refused).unwrap();
        outcome == RefreshOutcome::Dead
    }

    pub fn clear(&mut self, grant_no: u8, attempt: u8) -> bool {
        let (grant_no, attempt) = (i64::from(grant_no), i64::from(attempt));
        leases::clear(&mut self.conn, self.id, grant_no, attempt, Some(failed())).unwrap()
    }

    pub fn leave(&mut self, grant_no: u8, attempt: u8) -> bool {
        let (grant_no, attempt) = (i64::from(grant_no), i64::from(attempt));
        leases::leave(&mut self.conn, self.id, grant_no, attempt, failed()).unwrap()
    }

    pub fn settle(&mut self, actor: usize) -> bool {
        leases::settle_all(&mut self.conn, self.owners[actor]).unwrap() == 1
    }

    pub fn grant_again(&mut self, token: u8, now: i64) {
        let granted = self.granted(token, now);
        db::credentials::grant_again(&mut self.conn, self.id, "oauth", None, &granted).unwrap();
    }

    pub fn erase(&mut self) {
        db::credentials::erase(&mut self.conn, self.id).unwrap();
    }

    /// The row in the model's words.
    pub fn read(&mut self) -> (Row, Dates) {
        let (found, now) = self.find();
        let owner = found
            .lease_owner
            .and_then(|owner| self.owners.iter().position(|own| *own == owner));
        let mut row = Row {
            grant_no: small(found.grant_no),
            saved_attempt: small(found.saved_attempt),
            next_attempt: small(found.next_attempt),
            lease: small(found.lease_attempt.unwrap_or_default()),
            owner: owner.map_or(0, |owner| small(owner as i64 + 1)),
            sends: found.lease_saved_attempt.map_or(0, |attempt| small(attempt) + 1),
            in_doubt: found.in_doubt_since.is_some(),
            unsettled: found.unsettled_at.is_some(),
            asks_spare: found.asks_spare,
            dead: found.dead_at.is_some(),
            erased: found.values_sealed.is_none(),
            ..Row::default()
        };
        if let Some(sealed) = &found.values_sealed {
            row.saved = number(&refresh::open_values(&self.app.sealer, self.id, sealed).unwrap());
        }
        if let Some(sealed) = &found.spares_sealed {
            self.read_spares(sealed, &mut row);
        }
        let dates = Dates {
            now: seconds(now),
            access_until: seconds(found.access_expires_at.unwrap()),
            lease_since: found.lease_since.map(seconds),
            lease_until: found.lease_until.map(seconds),
            in_doubt_since: found.in_doubt_since.map(seconds),
            doubt_sent_at: found.doubt_sent_at.map(seconds),
            unsettled_at: found.unsettled_at.map(seconds),
        };
        (row, dates)
    }

    fn read_spares(&self, sealed: &[u8], row: &mut Row) {
        let place = Place {
            table: "credentials",
            column: "spares_sealed",
            row: self.id.uuid(),
        };
        let opened = self.app.sealer.open(place, sealed).unwrap();
        let stored: serde_json::Value = serde_json::from_slice(opened.expose()).unwrap();
        if stored["saved_refused"] == true {
            row.refused |= 1 << row.saved;
        }
        for spare in stored["spares"].as_array().unwrap() {
            let values = Values::from_bytes(spare["values"].to_string().as_bytes()).unwrap();
            let token = number(&values);
            row.spares[token as usize] = small(spare["attempt"].as_i64().unwrap() + 1);
            if spare["refused"] == true {
                row.refused |= 1 << token;
            }
        }
    }

    pub fn dates(&mut self) -> Dates {
        self.read().1
    }
}

fn lifetimes(now: i64) -> Granted {
    Granted {
        values_sealed: None,
        access_issued_at: Some(moment(now)),
        access_expires_at: Some(moment(now + ACCESS_SECONDS)),
        refresh_expires_at: None,
        reauthorize_by: None,
        refresh_at: None,
        scopes: None,
    }
}

fn failed() -> Failed {
    Failed {
        kind: FailureKind::Down,
        retry_at: beginning(),
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        self.app.listener.stop();
    }
}
