//! What is known of the stores of a run, from the database, the platforms' log and the kills: rows, renewals, doubts.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::database::AHEAD;
use super::installation::Installation;
use super::platforms::TokenCall;
use super::size::ACCESS_SECONDS;

/// What the database tells of a store.
pub struct Row {
    pub credential: String,
    pub attempts: i64,
    pub needs_reauthorization: bool,
    pub in_doubt: bool,
    pub shown: String,
}

/// What the refresh log tells of a credential.
#[derive(Default)]
pub struct Refreshed {
    /// From when until when each new access token was there.
    pub valid: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    pub answers_lost: usize,
    /// A line an attempt; those of attempts whose end nobody could write down are missing.
    pub lines: Vec<String>,
}

impl Refreshed {
    /// Whether there was a valid token all the while, one after the other. `slack`: nearer than this is the same moment.
    pub fn had_token(&self, from: DateTime<Utc>, until: DateTime<Utc>, slack: TimeDelta) -> bool {
        let mut covered = from;
        for (saved, ends) in &self.valid {
            if *saved + slack <= covered {
                covered = covered.max(*ends - slack);
            }
        }
        covered > from && covered >= until
    }
}

/// When a refresh token was sent again after the platform had answered it with a pair. What the platform did not look at
/// (it was down, or busy) leaves the doubt as it was, and is no further try. Once a pair was refused, those kept beside it
/// are asked, which is no repetition: a store is dead only when all were refused.
pub fn repeats(calls: &[&TokenCall]) -> Vec<DateTime<Utc>> {
    let (mut answered, mut repeats) = (HashSet::new(), Vec::new());
    let mut refused: Option<&String> = None;
    for call in calls {
        let kept_beside = refused.is_some_and(|refused| *refused != call.sent);
        if answered.contains(&call.sent) && call.processed && !kept_beside {
            repeats.push(call.at);
        }
        match call.status {
            Some(200) if call.processed => {
                answered.insert(&call.sent);
                refused = None;
            }
            // It came back to be refused: from now on everybody knows, and asking once more is another matter.
            Some(400 | 401) => {
                answered.remove(&call.sent);
                refused = Some(&call.sent);
            }
            _ => {}
        }
    }
    repeats
}

/// How many attempts of each credential were under way in a process that was killed.
pub fn killed(installation: &Installation) -> HashMap<String, usize> {
    let mut killed: HashMap<String, HashSet<i64>> = HashMap::new();
    for (credential, attempt) in installation.slots.iter().flat_map(|slot| slot.doubts()) {
        killed.entry(credential).or_default().insert(attempt);
    }
    killed
        .into_iter()
        .map(|(credential, attempts)| (credential, attempts.len()))
        .collect()
}

pub fn rows(installation: &Installation) -> HashMap<usize, Row> {
    let query = "SELECT s.platform, s.platform_store_id, s.status, s.status_reason, s.health, c.id, c.next_attempt - 1 AS \
                 attempts, c.saved_attempt, c.in_doubt_since, c.lease_attempt, c.lease_owner, c.retry_at, c.dead_at, \
                 c.held_verdict_at, llavero_now() AS now FROM stores s JOIN credentials c ON c.id = s.credential_id";
    let numbers = installation.numbers();
    let read = |row: &Value| {
        let key = (
            row["platform"].as_str()?.to_owned(),
            row["platform_store_id"].as_str()?.to_owned(),
        );
        let read = Row {
            credential: row["id"].as_str()?.to_owned(),
            attempts: row["attempts"].as_i64()?,
            needs_reauthorization: row["status"] == "needs_reauthorization",
            in_doubt: !row["in_doubt_since"].is_null(),
            shown: row.to_string(),
        };
        Some((*numbers.get(&key)?, read))
    };
    installation
        .database
        .rows(query)
        .unwrap()
        .iter()
        .filter_map(read)
        .collect()
}

pub fn refreshed(installation: &Installation) -> HashMap<String, Refreshed> {
    let query = "SELECT credential_id, outcome, trigger, attempt, saved_before, saved_after, http_status, detail, \
                 started_at, duration_ms FROM refresh_logs ORDER BY started_at";
    let mut refreshed: HashMap<String, Refreshed> = HashMap::new();
    for row in installation.database.rows(query).unwrap() {
        let log = refreshed
            .entry(row["credential_id"].as_str().unwrap().to_owned())
            .or_default();
        let started: DateTime<Utc> = row["started_at"].as_str().unwrap().parse().unwrap();
        let started = started - TimeDelta::seconds(AHEAD);
        match row["outcome"].as_str().unwrap() {
            "renewed" => {
                let saved = started + TimeDelta::milliseconds(row["duration_ms"].as_i64().unwrap());
                let ends = started + TimeDelta::seconds(ACCESS_SECONDS.cast_signed());
                log.valid.push((saved, ends));
            }
            "answer_lost" => log.answers_lost += 1,
            _ => {}
        }
        log.lines.push(format!("{started} {row}"));
    }
    refreshed
}
