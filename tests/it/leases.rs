//! The statements of the lease protocol against a real database: of two processes only one finds its row, and what is
//! late changes nothing.

use std::time::Duration;

use chrono::{DateTime, Utc};
use llavero::crypto::Random;
use llavero::db::credentials::{Credential, Granted, NewCredential};
use llavero::db::leases::{self, Failed, Saving};
use llavero::db::{self, Conn};
use llavero::domain::id::{AppId, CredentialId, JournalId};
use llavero::domain::lease::Grounds;
use llavero::domain::refresh::FailureKind;
use llavero::domain::store::Mode;

use crate::support::database::TestDatabase;

const LENGTH: Duration = Duration::from_secs(45);
const CLEAR: Grounds = Grounds {
    doubt: false,
    unsettled: false,
    send_before: None,
};

struct Fixture {
    _database: TestDatabase,
    conn: Conn,
    random: Random,
    id: CredentialId,
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000, 0).unwrap()
}

impl Fixture {
    fn new() -> Self {
        let database = TestDatabase::migrated();
        let mut conn = database.connect();
        let random = Random::seeded(1);
        let (partner, app, id) = (random.id(start()), random.id::<AppId>(start()), random.id(start()));
        db::partners::insert(&mut conn, partner, "Partner").unwrap();
        let new = db::apps::NewApp {
            id: app,
            partner_id: partner,
            name: "App",
            mode: Mode::Sandbox,
            return_urls: db::types::Texts::default(),
            signing_secret_sealed: b"sealed",
        };
        db::apps::insert(&mut conn, &new).unwrap();
        let new = NewCredential {
            id,
            app_id: app,
            platform: "plaza".to_owned(),
            method: "oauth".to_owned(),
            platform_app_id: None,
            granted: granted(b"first"),
        };
        db::credentials::insert(&mut conn, &new).unwrap();
        Self {
            _database: database,
            conn,
            random,
            id,
        }
    }

    fn row(&mut self) -> Credential {
        leases::find(&mut self.conn, self.id).unwrap().unwrap().0
    }

    fn journal(&self) -> JournalId {
        self.random.id(start())
    }

    fn claim(&mut self, seen: &Credential, grounds: Grounds) -> Option<Credential> {
        let owner = self.journal();
        leases::claim(&mut self.conn, seen, owner, LENGTH, &grounds).unwrap()
    }

    fn save(&mut self, attempt: i64, grant_no: i64, value: &[u8]) -> bool {
        let saving = Saving {
            grant_no,
            attempt,
            ends_doubt: true,
            clears_lease: true,
            spares_sealed: None,
            retry_at: None,
        };
        leases::save(&mut self.conn, self.id, &saving, &granted(value)).unwrap()
    }
}

fn granted(value: &[u8]) -> Granted {
    Granted {
        values_sealed: Some(value.to_vec()),
        access_issued_at: None,
        access_expires_at: None,
        refresh_expires_at: None,
        reauthorize_by: None,
        refresh_at: None,
        scopes: None,
    }
}

#[test]
fn of_two_claims_on_the_same_sight_one_gets_the_lease() {
    let mut it = Fixture::new();
    let seen = it.row();
    let claimed = it.claim(&seen, CLEAR).unwrap();
    assert_eq!(
        (claimed.lease_attempt, claimed.next_attempt, claimed.saved_attempt),
        (Some(1), 2, 0)
    );
    assert!(it.claim(&seen, CLEAR).is_none());
    let held = claimed.lease().held.unwrap();
    assert_eq!((held.until - held.since).num_seconds(), 45);
    assert!(!held.settled);
}

#[test]
fn a_claim_rests_on_all_it_has_seen() {
    let mut it = Fixture::new();
    let seen = it.row();
    let owner = it.journal();
    let claimed = leases::claim(&mut it.conn, &seen, owner, LENGTH, &CLEAR)
        .unwrap()
        .unwrap();
    assert!(leases::settle(&mut it.conn, it.id, 1, owner).unwrap());
    assert!(it.claim(&claimed, CLEAR).is_none(), "it was settled since");
    let settled = it.row();
    assert!(leases::set_dead(&mut it.conn, it.id, settled.generation(), 2).unwrap());
    let dead = it.row();
    assert!(it.claim(&dead, CLEAR).is_none(), "a dead grant is not asked for again");
}

#[test]
fn a_takeover_sets_the_doubt_and_dates_it_from_the_first_claim() {
    let mut it = Fixture::new();
    let seen = it.row();
    let first = it.claim(&seen, CLEAR).unwrap();
    let grounds = Grounds {
        doubt: true,
        unsettled: true,
        send_before: None,
    };
    let second = it.claim(&first, grounds).unwrap();
    assert!(second.in_doubt_since.is_some() && second.unsettled_at.is_some());
    assert_eq!(second.doubt_sent_at, first.lease_since);
    let third = it
        .claim(
            &second,
            Grounds {
                unsettled: false,
                ..grounds
            },
        )
        .unwrap();
    assert_eq!(third.doubt_sent_at, first.lease_since);
    assert_eq!(
        (third.in_doubt_since, third.unsettled_at),
        (second.in_doubt_since, second.unsettled_at)
    );
    assert!(it.save(3, 1, b"third"));
    let saved = it.row();
    assert_eq!(
        (saved.in_doubt_since, saved.doubt_sent_at, saved.unsettled_at),
        (None, None, None)
    );
}

#[test]
fn only_the_own_lease_is_cleared() {
    let mut it = Fixture::new();
    let seen = it.row();
    let first = it.claim(&seen, CLEAR).unwrap();
    it.claim(&first, Grounds { doubt: true, ..CLEAR }).unwrap();
    let failed = Failed {
        kind: FailureKind::Down,
        retry_at: start(),
    };
    assert!(!leases::clear(&mut it.conn, it.id, 1, 1, Some(failed)).unwrap());
    assert_eq!((it.row().lease_attempt, it.row().failures), (Some(2), 0));
    assert!(leases::clear(&mut it.conn, it.id, 1, 2, Some(failed)).unwrap());
    let row = it.row();
    assert_eq!((row.lease_attempt, row.lease_until, row.failures), (None, None, 1));
    assert!(row.in_doubt_since.is_some(), "a failure does not end the doubt");
}

#[test]
fn a_lost_answer_leaves_the_lease_uncleared_and_settled() {
    let mut it = Fixture::new();
    let seen = it.row();
    it.claim(&seen, CLEAR).unwrap();
    let failed = Failed {
        kind: FailureKind::Down,
        retry_at: start(),
    };
    assert!(leases::leave(&mut it.conn, it.id, 1, 1, failed).unwrap());
    let held = it.row().lease().held.unwrap();
    assert!(held.settled && held.attempt == 1);
}

#[test]
fn a_stale_save_is_refused_and_a_late_one_is_not() {
    let mut it = Fixture::new();
    let seen = it.row();
    let first = it.claim(&seen, CLEAR).unwrap();
    it.claim(&first, Grounds { doubt: true, ..CLEAR }).unwrap();
    assert!(it.save(1, 1, b"late"), "nothing newer is saved");
    assert!(it.save(2, 1, b"newer"));
    assert!(!it.save(1, 1, b"stale"));
    assert!(!it.save(2, 1, b"twice"));
    assert_eq!(it.row().values_sealed.unwrap(), b"newer");
}

#[test]
fn a_verdict_falls_only_on_what_was_seen_and_a_save_lifts_it() {
    let mut it = Fixture::new();
    let seen = it.row();
    let first = it.claim(&seen, CLEAR).unwrap();
    let second = it.claim(&first, Grounds { doubt: true, ..CLEAR }).unwrap();
    assert!(
        !leases::set_dead(&mut it.conn, it.id, first.generation(), first.next_attempt).unwrap(),
        "claimed since"
    );
    assert!(leases::set_dead(&mut it.conn, it.id, second.generation(), second.next_attempt).unwrap());
    assert_eq!(
        (it.row().saved_attempt, it.row().lease_attempt),
        (0, None),
        "a verdict saves nothing"
    );
    assert!(it.save(1, 1, b"late"));
    assert!(it.row().dead_at.is_none());
    assert!(
        !leases::set_dead(&mut it.conn, it.id, second.generation(), second.next_attempt).unwrap(),
        "saved since"
    );
}

#[test]
fn a_new_grant_wins_over_all_that_is_under_way() {
    let mut it = Fixture::new();
    let seen = it.row();
    let old = it.claim(&seen, CLEAR).unwrap();
    db::credentials::grant_again(&mut it.conn, it.id, "oauth", None, &granted(b"granted")).unwrap();
    assert!(!it.save(1, 1, b"old"));
    assert!(!leases::set_dead(&mut it.conn, it.id, old.generation(), old.next_attempt).unwrap());
    assert!(!leases::clear(&mut it.conn, it.id, 1, 1, None).unwrap());
    let row = it.row();
    assert_eq!(
        (row.grant_no, row.lease_attempt, row.values_sealed.as_deref()),
        (2, None, Some(&b"granted"[..]))
    );
    assert!(row.next_attempt > old.next_attempt, "attempt numbers go on");
    let fresh = it.claim(&row, CLEAR).unwrap();
    assert!(it.save(fresh.lease_attempt.unwrap(), 2, b"new"));
}

#[test]
fn an_erased_credential_is_never_written_again() {
    let mut it = Fixture::new();
    let seen = it.row();
    it.claim(&seen, CLEAR).unwrap();
    db::credentials::erase(&mut it.conn, it.id).unwrap();
    assert!(!it.save(1, 1, b"late"));
    let row = it.row();
    assert!(it.claim(&row, CLEAR).is_none());
    assert_eq!(row.values_sealed, None);
}

#[test]
fn an_adopted_journal_settles_every_attempt_of_its_owner() {
    let mut it = Fixture::new();
    let seen = it.row();
    let owner = it.journal();
    leases::claim(&mut it.conn, &seen, owner, LENGTH, &CLEAR)
        .unwrap()
        .unwrap();
    assert_eq!(leases::list_of_owner(&mut it.conn, owner).unwrap(), [(it.id, 1)]);
    assert_eq!(leases::settle_all(&mut it.conn, owner).unwrap(), 1);
    assert!(it.row().lease().held.unwrap().settled);
    assert!(leases::list_of_owner(&mut it.conn, owner).unwrap().is_empty());
}
