//! After the storm: nothing fails any more, and every store must be renewed once. What takes minutes by rule (a lease that
//! nobody may take over yet, a wait after failures) passes on the database's and the platforms' clocks, unless the run has
//! the time; but first everything that a platform forgives for a minute only gets that minute.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use super::callers::{Got, LONG, call};
use super::installation::Installation;

/// Rounds of calls, with a step of the clocks before each.
const ROUNDS: usize = 10;
/// Less than a lease and the wait after it: a step must not end the lease of one who is at it.
const STEP_SECONDS: i64 = 60;

/// A store that could not be called to the last.
#[derive(Debug, Clone)]
pub struct Lost {
    pub store: usize,
    pub got: Got,
}

impl Lost {
    /// Its merchant is asked for; only he could change that.
    fn is_final(&self) -> bool {
        matches!(&self.got, Got::Refusal(401, code) if code == "store_needs_reauthorization")
    }
}

/// The stores that did not come back.
pub async fn wait_for_all(installation: &Arc<Installation>) -> Vec<Lost> {
    let forgiven = "SELECT count(*) AS n FROM credentials WHERE platform = 'allegro' AND lease_attempt IS NOT NULL";
    until_none(installation, forgiven, Duration::from_secs(150)).await;
    for _ in 0..2 {
        pass_time(installation, true).await;
    }
    let mut left: Vec<usize> = (0..installation.stores.len()).collect();
    let (mut asked, mut lost) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        pass_time(installation, round == 0).await;
        let refused: Vec<Lost>;
        (refused, lost) = call_all(installation, &left)
            .await
            .into_iter()
            .partition(Lost::is_final);
        asked.extend(refused);
        left = lost.iter().map(|lost| lost.store).collect();
        if left.is_empty() {
            break;
        }
    }
    asked.extend(lost);
    asked
}

/// Returns when the query's `n` is 0, or when patience ends.
async fn until_none(installation: &Installation, query: &str, patience: Duration) {
    let end = installation.clock.monotonic() + patience;
    while installation.clock.monotonic() < end {
        if installation.database.count(query) == Ok(0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// `first`: so that all tokens have expired; later it is for waits.
async fn pass_time(installation: &Installation, first: bool) {
    if installation.size.real_time {
        tokio::time::sleep(Duration::from_secs(if first { 10 } else { 120 })).await;
        return;
    }
    let under_way =
        "SELECT count(*) AS n FROM credentials WHERE lease_owner IS NOT NULL AND lease_until > llavero_now()";
    until_none(installation, under_way, Duration::from_secs(60)).await;
    let step = format!("UPDATE clock_shift SET ahead = ahead + interval '{STEP_SECONDS} s'");
    installation.database.execute(&step).unwrap();
    installation.order("advance", json!({ "seconds": STEP_SECONDS })).await;
    // Each process asks the database for the time at least once a second.
    tokio::time::sleep(Duration::from_secs(2)).await;
}

/// Those that did not answer. Nobody has a valid token any more, so an answer means that a renewal went well.
async fn call_all(installation: &Arc<Installation>, stores: &[usize]) -> Vec<Lost> {
    let web: Vec<String> = installation
        .slots
        .iter()
        .filter(|slot| slot.serves())
        .map(|slot| slot.url())
        .collect();
    let mut calling = JoinSet::new();
    for (start, url) in web.iter().enumerate() {
        let mine: Vec<usize> = stores.iter().copied().skip(start).step_by(web.len()).collect();
        let (installation, url) = (installation.clone(), url.clone());
        calling.spawn(async move {
            let mut lost = Vec::new();
            for store in mine {
                let got = call(&installation.client, &url, &installation.stores[store], LONG).await;
                if got != Got::Answer {
                    lost.push(Lost { store, got });
                }
            }
            lost
        });
    }
    calling.join_all().await.into_iter().flatten().collect()
}
