//! Partners' back ends: they call stores through the proxy all the while and note what they get, without a second try. So
//! many calls begin in a second, whether those before were answered or not: one that waits for a slow platform holds up no
//! other. Only if most of them give up, as on a machine that is busy with other things, do they come more slowly. Which stores are called at a time moves on, so that every store is called for a while and then left alone.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use tokio::task::{JoinHandle, JoinSet};

use super::database::locked;
use super::installation::{Http, Installation};
use super::stores::Store;

/// How long partners wait for an answer, in milliseconds: each call as long as its caller likes. A call that need not
/// wait for a platform is answered sooner, also by a machine that is busy with starting processes.
const PATIENCE: std::ops::Range<u64> = 5_000..12_000;
/// Longer than anything that a caller should have to wait for, a platform that takes 30 s included.
pub const LONG: Duration = Duration::from_secs(150);
/// More callers than this do not wait at a time: who comes then goes away, and is counted.
const WAITING: usize = 300;
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
    /// No answer while the caller had patience.
    Nothing,
    /// The call was not made: so many wait already, or no server is there.
    NotMade,
}

pub struct Callers {
    calling: JoinHandle<()>,
    notes: Arc<Mutex<Vec<Note>>>,
}

impl Callers {
    pub fn start(installation: Arc<Installation>) -> Self {
        let notes = Arc::new(Mutex::new(Vec::new()));
        let calling = tokio::spawn(call_for_ever(installation, notes.clone()));
        Self { calling, notes }
    }

    /// Whoever still waits hangs up.
    pub async fn stop(self) -> Vec<Note> {
        self.calling.abort();
        let _ = self.calling.await;
        locked(&self.notes).clone()
    }
}

async fn call_for_ever(installation: Arc<Installation>, notes: Arc<Mutex<Vec<Note>>>) {
    let mut random = StdRng::seed_from_u64(installation.size.seed.wrapping_add(1));
    let web: Vec<usize> = (0..installation.slots.len())
        .filter(|slot| installation.slots[*slot].serves())
        .collect();
    let mut pace = Pace::of(installation.size.calls_a_second);
    let mut waiting = JoinSet::new();
    loop {
        tokio::time::sleep(pace.between).await;
        pace.adapt(installation.clock.monotonic(), &notes);
        while waiting.try_join_next().is_some() {}
        let store = hot(&installation, &mut random);
        let patience = Duration::from_millis(random.random_range(PATIENCE));
        let slot = pick(&installation, &web, &mut random).filter(|_| waiting.len() < WAITING);
        let (installation, notes) = (installation.clone(), notes.clone());
        waiting.spawn(async move {
            let begun = installation.clock.now();
            let got = match slot {
                Some(slot) => {
                    let url = installation.slots[slot].url();
                    call(&installation.client, &url, &installation.stores[store], patience).await
                }
                None => Got::NotMade,
            };
            let ended = installation.clock.now();
            let slot = slot.unwrap_or_default();
            locked(&notes).push(Note {
                begun,
                ended,
                store,
                slot,
                got,
            });
        });
    }
}

/// How fast calls follow one another.
struct Pace {
    fastest: Duration,
    between: Duration,
    looked_at: Option<Instant>,
    /// Notes that were looked at.
    seen: usize,
}

impl Pace {
    fn of(calls_a_second: u32) -> Self {
        let fastest = Duration::from_secs(1) / calls_a_second;
        Self {
            fastest,
            between: fastest,
            looked_at: None,
            seen: 0,
        }
    }

    /// Once a second: slower where most of the calls that ended were given up, else faster again.
    fn adapt(&mut self, now: Instant, notes: &Mutex<Vec<Note>>) {
        if self
            .looked_at
            .is_some_and(|at| now.duration_since(at) < Duration::from_secs(1))
        {
            return;
        }
        self.looked_at = Some(now);
        let notes = locked(notes);
        let ended = &notes[self.seen..];
        let given_up = ended.iter().filter(|note| note.got == Got::Nothing).count();
        self.between = if given_up * 2 > ended.len() {
            (self.between * 3 / 2).min(self.fastest * 16)
        } else {
            (self.between * 9 / 10).max(self.fastest)
        };
        self.seen = notes.len();
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
pub async fn call(client: &Http, url: &str, store: &Store, patience: Duration) -> Got {
    let request = client
        .get(format!("{url}/v1/proxy{}", store.platform.path))
        .bearer_auth(&store.access_token)
        .timeout(patience);
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
    let text = match answer.text().await {
        Ok(text) => text,
        Err(error) if error.is_timeout() => return Got::Nothing,
        Err(_) => return Got::Cut("the answer broke off".to_owned()),
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
