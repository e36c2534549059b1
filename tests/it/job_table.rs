//! The job table against a real database: claims, ends, twins and turns.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use llavero::crypto::Random;
use llavero::db::jobs::{self, Claimed, End};
use llavero::db::{self, Conn};
use llavero::domain::id::{AppId, CredentialId};
use llavero::domain::job::{Job, JobStatus, NewJob};
use llavero::domain::store::Mode;

use crate::support::database::TestDatabase;

const LENGTH: Duration = Duration::from_secs(60);

struct Fixture {
    _database: TestDatabase,
    conn: Conn,
    random: Random,
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000, 0).unwrap()
}

impl Fixture {
    fn new() -> Self {
        let database = TestDatabase::migrated();
        let mut it = Self {
            conn: database.connect(),
            _database: database,
            random: Random::seeded(1),
        };
        it.set_now(now());
        it
    }

    fn set_now(&mut self, at: DateTime<Utc>) {
        use diesel::connection::SimpleConnection;
        self.conn
            .batch_execute(&format!("SET llavero.now = '{}'", at.to_rfc3339()))
            .unwrap();
    }

    fn app(&mut self) -> AppId {
        let (partner, app) = (self.random.id(now()), self.random.id(now()));
        db::partners::insert(&mut self.conn, partner, "Partner").unwrap();
        let new = db::apps::NewApp {
            id: app,
            partner_id: partner,
            name: "App",
            mode: Mode::Sandbox,
            return_urls: db::types::Texts::default(),
            signing_secret_sealed: b"sealed",
        };
        db::apps::insert(&mut self.conn, &new).unwrap();
        app
    }

    fn enqueue(&mut self, credential: CredentialId, app: Option<AppId>, due_at: DateTime<Utc>) {
        let new = NewJob {
            job: Job::VerifyCredential { credential },
            app,
            platform: None,
            due_at,
        };
        let id = self.random.id(now());
        jobs::insert(&mut self.conn, id, &new).unwrap();
    }

    fn claim(&mut self, limit: i64) -> Vec<Claimed> {
        let claim = uuid::Builder::from_random_bytes(self.random.bytes()).into_uuid();
        jobs::claim(&mut self.conn, claim, limit, LENGTH).unwrap()
    }

    fn finish(&mut self, job: &Claimed, end: &End) -> bool {
        jobs::finish(&mut self.conn, job.id, job.claim, job.attempts, job.max_attempts, end).unwrap()
    }

    fn statuses(&mut self) -> Vec<JobStatus> {
        jobs::list(&mut self.conn, None, None, 50)
            .unwrap()
            .into_iter()
            .map(|job| job.status)
            .collect()
    }
}

fn retry(after: u64) -> End {
    End::Retry {
        after: Duration::from_secs(after),
        error: "down".to_owned(),
    }
}

#[test]
fn a_job_is_claimed_once_and_only_when_due() {
    let mut it = Fixture::new();
    let (due, later) = (it.random.id(now()), it.random.id(now()));
    it.enqueue(due, None, now());
    it.enqueue(later, None, now() + TimeDelta::seconds(1));
    let claimed = it.claim(10);
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].job, Some(Job::VerifyCredential { credential: due }));
    assert!(it.claim(10).is_empty());
    it.set_now(now() + TimeDelta::seconds(1));
    assert_eq!(it.claim(10).len(), 1);
}

#[test]
fn a_waiting_twin_only_gets_the_new_time() {
    let mut it = Fixture::new();
    let credential = it.random.id(now());
    it.enqueue(credential, None, now() + TimeDelta::hours(1));
    it.enqueue(credential, None, now());
    assert_eq!(it.statuses(), [JobStatus::Ready]);
    assert_eq!(it.claim(10).len(), 1);
}

#[test]
fn a_job_whose_worker_died_comes_back_and_the_old_claim_ends_nothing() {
    let mut it = Fixture::new();
    let credential = it.random.id(now());
    it.enqueue(credential, None, now());
    let dead = it.claim(1).remove(0);
    it.set_now(now() + TimeDelta::seconds(61));
    let living = it.claim(1).remove(0);
    assert_eq!((living.id, living.attempts), (dead.id, 2));
    assert!(!it.finish(&dead, &End::Done));
    assert!(it.finish(&living, &End::Done));
    assert_eq!(it.statuses(), [JobStatus::Done]);
}

#[test]
fn a_claim_that_is_kept_alive_is_not_taken() {
    let mut it = Fixture::new();
    let credential = it.random.id(now());
    it.enqueue(credential, None, now());
    let job = it.claim(1).remove(0);
    it.set_now(now() + TimeDelta::seconds(50));
    assert!(jobs::prolong(&mut it.conn, job.id, job.claim, LENGTH).unwrap());
    it.set_now(now() + TimeDelta::seconds(61));
    assert!(it.claim(1).is_empty());
}

#[test]
fn a_retry_waits_and_the_last_one_is_a_dead_letter_that_can_be_given_another_run() {
    let mut it = Fixture::new();
    let notice = it.random.id(now());
    let new = NewJob {
        job: Job::SendNotice { notice },
        app: None,
        platform: None,
        due_at: now(),
    };
    let id = it.random.id(now());
    jobs::insert(&mut it.conn, id, &new).unwrap();
    for attempt in 1..=new.job.max_attempts() {
        let at = now() + TimeDelta::minutes(i64::from(attempt));
        it.set_now(at);
        let job = it.claim(1).remove(0);
        assert_eq!(job.attempts, attempt);
        assert!(it.finish(&job, &retry(30)));
        assert!(it.claim(1).is_empty(), "not before its time");
    }
    assert_eq!(it.statuses(), [JobStatus::Failed]);
    assert!(jobs::retry(&mut it.conn, id).unwrap());
    assert_eq!(it.claim(1).remove(0).attempts, 1);
}

#[test]
fn a_retry_gives_way_to_a_twin_enqueued_meanwhile() {
    let mut it = Fixture::new();
    let credential = it.random.id(now());
    it.enqueue(credential, None, now());
    let job = it.claim(1).remove(0);
    it.enqueue(credential, None, now() + TimeDelta::hours(1));
    assert!(it.finish(&job, &retry(1)));
    let mut statuses = it.statuses();
    statuses.sort();
    assert_eq!(statuses, [JobStatus::Ready, JobStatus::Done]);
}

#[test]
fn apps_take_turns() {
    let mut it = Fixture::new();
    let (busy, quiet) = (it.app(), it.app());
    for _ in 0..20 {
        let credential = it.random.id(now());
        it.enqueue(credential, Some(busy), now() - TimeDelta::hours(1));
    }
    let credential = it.random.id(now());
    it.enqueue(credential, Some(quiet), now());
    let claimed = it.claim(2);
    assert!(
        claimed
            .iter()
            .any(|job| job.job == Some(Job::VerifyCredential { credential }))
    );
}

#[test]
fn a_flood_of_one_app_does_not_keep_anothers_few_jobs_waiting() {
    let mut it = Fixture::new();
    let (busy, quiet) = (it.app(), it.app());
    for _ in 0..5000 {
        let credential = it.random.id(now());
        it.enqueue(credential, Some(busy), now() - TimeDelta::hours(1));
    }
    let mut few: Vec<CredentialId> = Vec::new();
    for _ in 0..10 {
        let credential = it.random.id(now());
        it.enqueue(credential, Some(quiet), now() - TimeDelta::minutes(1));
        few.push(credential);
    }
    // As a runner does: eight at a time, until sixteen run.
    for _ in 0..3 {
        for job in it.claim(8) {
            if let Some(Job::VerifyCredential { credential }) = job.job {
                few.retain(|waiting| *waiting != credential);
            }
            assert!(it.finish(&job, &End::Done));
        }
    }
    assert!(few.is_empty(), "{} of ten still wait", few.len());
}

#[test]
fn an_app_whose_jobs_take_long_does_not_get_every_place_that_becomes_free() {
    let mut it = Fixture::new();
    let (slow, quick) = (it.app(), it.app());
    for app in [slow, quick] {
        for _ in 0..20 {
            let credential = it.random.id(now());
            let due_at = now() - TimeDelta::minutes(if app == slow { 60 } else { 1 });
            it.enqueue(credential, Some(app), due_at);
        }
    }
    // Half of the places are taken by jobs that wait for a platform that is down.
    let under_way = it.claim(16);
    assert_eq!(under_way.len(), 16);
    let of = |it: &mut Fixture, job: &Claimed| jobs::find(&mut it.conn, job.id).unwrap().unwrap().app_id;
    let mut held = 0;
    for job in &under_way {
        if of(&mut it, job) == Some(slow) {
            held += 1;
        } else {
            assert!(it.finish(job, &End::Done));
        }
    }
    assert_eq!(held, 8);
    // One place at a time: all are the quick one's until it has as many under way.
    for _ in 0..8 {
        let job = it.claim(1).remove(0);
        assert_eq!(of(&mut it, &job), Some(quick));
    }
}
