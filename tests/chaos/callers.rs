//! Partners' back ends: they call stores through the proxy all the while and note what they get, without a second try.
//! Which stores are called at a time moves on, so that every store is called for a while and then left alone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use tokio::task::JoinSet;

use super::database::locked;
use super::installation::{Http, Installation};
use super::stores::Store;

/// Longer than anything that a caller should have to wait for, a platform that takes 30 s included.
const PATIENCE: Duration = Duration::from_secs(150);
/// The stores that are called change, a part at a time.
const MOVES_EVERY: Duration = Duration::from_secs(2);

/// One call that was made.
#[derive(Debug, Clone)]
pub struct Note {
    pub begun: DateTime<Utc>,
    pub ended: DateTime<Utc>,
    pub store: usize,
    pub slot: usize,
    pub got: Got,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got {
    Answer,
    /// Another store's answer.
    WrongStore(String),
    /// The platform's own refusal, passed on.
    Platform(u16),
    /// Llavero's refusal: status and code.
    Refusal(u16, String),
    /// The connection broke, or never stood.
    Cut(String),
    Nothing,
}

pub struct Callers {
    calling: JoinSet<()>,
    notes: Arc<Mutex<Vec<Note>>>,
}

impl Callers {
    pub fn start(installation: Arc<Installation>) -> Self {
        let (mut calling, notes) = (JoinSet::new(), Arc::new(Mutex::new(Vec::new())));
        for caller in 0..installation.size.callers {
            let (installation, notes) = (installation.clone(), notes.clone());
            calling.spawn(async move { call_for_ever(&installation, caller, &notes).await });
        }
        Self { calling, notes }
    }

    /// Whoever still waits hangs up.
    pub async fn stop(mut self) -> Vec<Note> {
        self.calling.shutdown().await;
        locked(&self.notes).clone()
    }
}

async fn call_for_ever(installation: &Installation, caller: usize, notes: &Mutex<Vec<Note>>) {
    let mut random = StdRng::seed_from_u64(installation.size.seed.wrapping_add(1 + caller as u64));
    let web: Vec<usize> = (0..installation.slots.len())
        .filter(|slot| installation.slots[*slot].serves())
        .collect();
    loop {
        let store = hot(installation, &mut random);
        let Some(slot) = pick(installation, &web, &mut random) else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let from = installation.clock.now();
        let got = call(
            &installation.client,
            &installation.slots[slot].url(),
            &installation.stores[store],
        )
        .await;
        let note = Note {
            begun: from,
            ended: installation.clock.now(),
            store,
            slot,
            got,
        };
        locked(notes).push(note);
        tokio::time::sleep(Duration::from_millis(random.random_range(5..40))).await;
    }
}

/// One of the stores that are called just now.
pub fn hot(installation: &Installation, random: &mut StdRng) -> usize {
    let (size, passed) = (
        installation.size,
        installation.clock.monotonic().duration_since(installation.begun),
    );
    let moves = usize::try_from(passed.as_secs() / MOVES_EVERY.as_secs()).unwrap();
    let place = moves * (size.hot / 4).max(1) + random.random_range(0..size.hot);
    // Neighbours are of one platform; a step that has no divisor in common with their number mixes them.
    (place * 7_919) % installation.stores.len()
}

/// A server as a load balancer picks it: it knows who is gone, though not at once. `None`: nobody is there.
fn pick(installation: &Installation, web: &[usize], random: &mut StdRng) -> Option<usize> {
    let up: Vec<usize> = web
        .iter()
        .copied()
        .filter(|slot| installation.slots[*slot].is_up())
        .collect();
    let among = if random.random_bool(0.02) { web } else { &up };
    (!up.is_empty()).then(|| among[random.random_range(0..among.len())])
}

/// One call of a store through a process.
pub async fn call(client: &Http, url: &str, store: &Store) -> Got {
    let request = client
        .get(format!("{url}/v1/proxy{}", store.platform.path))
        .bearer_auth(&store.access_token)
        .timeout(PATIENCE);
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) if error.is_timeout() => return Got::Nothing,
        Err(error) => return Got::Cut(error.to_string()),
    };
    let status = answer.status().as_u16();
    let ours = answer
        .headers()
        .get("llavero-source")
        .is_none_or(|source| source != "platform");
    let Ok(text) = answer.text().await else {
        return Got::Cut("the answer broke off".to_owned());
    };
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    if ours {
        return Got::Refusal(status, body["code"].as_str().unwrap_or(&text).to_owned());
    }
    if status != 200 {
        return Got::Platform(status);
    }
    let named = match body.pointer(store.platform.named_at) {
        Some(Value::String(named)) => named.clone(),
        Some(named) => named.to_string(),
        None => text,
    };
    if named == store.platform_store_id {
        Got::Answer
    } else {
        Got::WrongStore(named)
    }
}
