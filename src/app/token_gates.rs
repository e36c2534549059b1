//! The way to token endpoints: for each client at each host a few calls at once, in the order in which they came, and a
//! circuit breaker while the platform is down. Kept in memory: each process bounds what it sends itself. The host is part
//! of the key because shops that host themselves have one each, and a dead one must not stop another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::breaker::{Admission, Breaker, Caller, Change, Heard, Outage};
use crate::domain::id::{AppId, PlatformAppId};

/// Calls under way at once. Token endpoints are slow and limited low: eight answers of half a second are a thousand a
/// minute, which no platform documents for one client, and few enough not to press one that has just come back.
pub const AT_ONCE: usize = 8;
/// So many more for those who hurry: what nobody asks for again within a short grace is lost, however many others wait.
pub const HURRIED: usize = 4;
/// Of the first, so many at most are taken by stores that fail: however slowly they do, some are left for the others.
pub const FAILING: usize = 6;
/// Entries that are kept before those that matter no more are thrown out.
const ENTRIES: usize = 4096;

/// Whose client is used.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Client {
    PlatformApp(PlatformAppId),
    /// The stores' own clients at a platform, of one app.
    Stores(AppId, String),
}

/// What is bounded together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    pub client: Client,
    /// `host`, or `host:port`.
    pub host: String,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    pub caller: Caller,
    /// When the store can be saved no longer.
    pub deadline: Option<DateTime<Utc>>,
    /// How long to wait in the queue; `None`: not at all.
    pub patience: Option<Duration>,
    /// A grace runs out meanwhile: it need not stand behind the others.
    pub hurries: bool,
}

/// Why no call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shut {
    /// The platform is down.
    Down { wait: Duration },
    /// Too many are before.
    Full,
}

struct Gate {
    platform: String,
    slots: Arc<Semaphore>,
    hurried: Arc<Semaphore>,
    failing: Arc<Semaphore>,
    breaker: Breaker,
}

impl Gate {
    /// Whoever holds a slot, or waits for one, has a share in it.
    fn is_used(&self) -> bool {
        Arc::strong_count(&self.slots) > 1 || Arc::strong_count(&self.hurried) > 1
    }
}

type Gates = HashMap<Key, Gate>;

/// A cheap handle.
#[derive(Clone, Default)]
pub struct TokenGates(Arc<Mutex<Gates>>);

/// The right to make calls for one credential; given back when dropped.
pub struct Pass {
    gates: TokenGates,
    key: Key,
    caller: Caller,
    probe: bool,
    slot: Option<OwnedSemaphorePermit>,
    /// Of a store that fails.
    among_failing: Option<OwnedSemaphorePermit>,
    /// Time went by until it was there.
    pub waited: bool,
}

/// A gate as it is shown.
#[derive(Debug, Clone)]
pub struct GateState {
    pub key: Key,
    pub platform: String,
    pub under_way: usize,
    /// `None`: closed.
    pub outage: Option<Outage>,
}

impl TokenGates {
    /// Waits for a slot, if there is patience, and asks the breaker before and after: it may open in between.
    pub async fn enter(
        &self,
        key: Key,
        platform: &str,
        asker: Asker,
        now: impl Fn() -> DateTime<Utc>,
    ) -> Result<Pass, Shut> {
        let sound = asker.caller.failing_since.is_none();
        let (slots, hurried, failing) = {
            let mut gates = self.gates();
            let gate = gates.entry(key.clone()).or_insert_with(|| Gate {
                platform: platform.to_owned(),
                slots: Arc::new(Semaphore::new(AT_ONCE)),
                hurried: Arc::new(Semaphore::new(HURRIED)),
                failing: Arc::new(Semaphore::new(FAILING)),
                breaker: Breaker::default(),
            });
            if let Admission::Refused { wait } = gate.breaker.ask(now(), asker.deadline, sound) {
                return Err(Shut::Down { wait });
            }
            (gate.slots.clone(), gate.hurried.clone(), gate.failing.clone())
        };
        let free = |slots: &Arc<Semaphore>| slots.clone().try_acquire_owned().ok();
        let bounded = asker.caller.failing_since.is_some() && !asker.hurries;
        let mut pass = Pass {
            gates: self.clone(),
            key,
            caller: asker.caller,
            probe: false,
            slot: None,
            among_failing: if bounded { free(&failing) } else { None },
            waited: false,
        };
        if !bounded || pass.among_failing.is_some() {
            pass.slot = free(&slots).or_else(|| free(&hurried).filter(|_| asker.hurries));
        }
        if let (None, Some(patience)) = (&pass.slot, asker.patience) {
            pass.waited = true;
            let turn = async {
                if bounded && pass.among_failing.is_none() {
                    pass.among_failing = failing.clone().acquire_owned().await.ok();
                }
                pass.slot = tokio::select! {
                    slot = slots.clone().acquire_owned() => slot.ok(),
                    slot = hurried.clone().acquire_owned(), if asker.hurries => slot.ok(),
                };
            };
            let _ = tokio::time::timeout(patience, turn).await;
        }
        drop((slots, hurried, failing));
        if pass.slot.is_none() {
            return Err(Shut::Full);
        }
        let admission = match self.gates().get_mut(&pass.key) {
            Some(gate) => gate.breaker.admit(now(), asker.deadline, sound),
            None => Admission::Through,
        };
        match admission {
            Admission::Refused { wait } => Err(Shut::Down { wait }),
            admission => {
                pass.probe = admission == Admission::Probe;
                Ok(pass)
            }
        }
    }

    /// All gates where something is under way or wrong.
    pub fn list(&self) -> Vec<GateState> {
        let gates = self.gates();
        let shown = gates
            .iter()
            .filter(|(_, gate)| gate.is_used() || !gate.breaker.is_calm());
        let states = shown.map(|(key, gate)| GateState {
            key: key.clone(),
            platform: gate.platform.clone(),
            under_way: AT_ONCE + HURRIED - gate.slots.available_permits() - gate.hurried.available_permits(),
            outage: gate.breaker.outage(),
        });
        states.collect()
    }

    /// Whether some other host of this client's is down, too.
    pub fn is_down(&self, client: &Client) -> bool {
        let gates = self.gates();
        gates
            .iter()
            .any(|(key, gate)| key.client == *client && gate.breaker.outage().is_some())
    }

    fn gates(&self) -> MutexGuard<'_, Gates> {
        // A panic elsewhere leaves the map whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass {
    pub fn client(&self) -> &Client {
        &self.key.client
    }

    pub fn host(&self) -> &str {
        &self.key.host
    }

    /// What a call told of the platform; a probe has done its work with that.
    pub fn report(&mut self, heard: Heard, now: DateTime<Utc>, jitter: f64) -> Change {
        let probe = std::mem::take(&mut self.probe);
        match self.gates.gates().get_mut(&self.key) {
            Some(gate) => gate.breaker.report(heard, probe, self.caller, now, jitter),
            None => Change::None,
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut gates = self.gates.gates();
        self.slot = None;
        self.among_failing = None;
        if let Some(gate) = gates.get_mut(&self.key) {
            if self.probe {
                gate.breaker.release();
            }
            if gate.breaker.is_fresh() && !gate.is_used() {
                gates.remove(&self.key);
            }
        }
        if gates.len() > ENTRIES {
            gates.retain(|_, gate| gate.breaker.outage().is_some() || gate.is_used());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{CredentialId, Id};

    fn key(host: &str) -> Key {
        Key {
            client: Client::PlatformApp(PlatformAppId::make(1, [1; 10])),
            host: host.to_owned(),
        }
    }

    fn asker(number: u64, patience: Option<Duration>) -> Asker {
        Asker {
            caller: Caller {
                credential: CredentialId::make(number, [1; 10]),
                failing_since: None,
            },
            deadline: None,
            patience,
            hurries: false,
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    #[tokio::test]
    async fn so_many_are_let_through_at_once_and_the_next_in_its_turn() {
        let gates = TokenGates::default();
        let mut passes = Vec::new();
        for number in 0..AT_ONCE as u64 {
            passes.push(
                gates
                    .enter(key("a"), "acme", asker(number, None), now)
                    .await
                    .ok()
                    .unwrap(),
            );
        }
        let shut = gates.enter(key("a"), "acme", asker(99, None), now).await.err();
        assert_eq!(shut, Some(Shut::Full));
        gates.enter(key("b"), "acme", asker(99, None), now).await.ok().unwrap();
        let waiting = gates.enter(key("a"), "acme", asker(99, Some(Duration::from_secs(60))), now);
        tokio::pin!(waiting);
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        drop(passes.pop());
        assert!(waiting.await.ok().unwrap().waited);
    }

    #[tokio::test]
    async fn whoever_hurries_does_not_stand_behind_the_others() {
        let gates = TokenGates::default();
        let enter = async |patience, hurries| {
            let asker = Asker {
                hurries,
                ..asker(1, patience)
            };
            gates.enter(key("a"), "acme", asker, now).await
        };
        let mut passes = Vec::new();
        for _ in 0..AT_ONCE {
            passes.push(enter(None, false).await.ok().unwrap());
        }
        let others = enter(Some(Duration::from_secs(60)), false);
        tokio::pin!(others);
        assert!(futures_util::poll!(others.as_mut()).is_pending());
        for _ in 0..HURRIED {
            passes.push(enter(None, true).await.ok().unwrap());
        }
        assert_eq!(gates.list()[0].under_way, AT_ONCE + HURRIED);
        assert_eq!(enter(None, true).await.err(), Some(Shut::Full));
        let hurried = enter(Some(Duration::from_secs(60)), true);
        tokio::pin!(hurried);
        assert!(futures_util::poll!(hurried.as_mut()).is_pending());
        drop(passes.pop());
        assert!(hurried.await.ok().unwrap().waited);
        assert!(
            futures_util::poll!(others.as_mut()).is_pending(),
            "its slots are taken still"
        );
    }

    #[tokio::test]
    async fn stores_that_fail_leave_slots_for_the_others() {
        let gates = TokenGates::default();
        let failing = |patience| {
            let mut asker = asker(1, patience);
            asker.caller.failing_since = Some(now());
            gates.enter(key("a"), "acme", asker, now)
        };
        let mut passes = Vec::new();
        for _ in 0..FAILING {
            passes.push(failing(None).await.ok().unwrap());
        }
        assert_eq!(failing(None).await.err(), Some(Shut::Full));
        let waiting = failing(Some(Duration::from_secs(60)));
        tokio::pin!(waiting);
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        for _ in FAILING..AT_ONCE {
            passes.push(gates.enter(key("a"), "acme", asker(2, None), now).await.ok().unwrap());
        }
        drop(passes.remove(0));
        assert!(waiting.await.ok().unwrap().waited);
    }

    #[tokio::test]
    async fn a_gate_that_nobody_uses_is_forgotten_unless_its_host_is_down() {
        let gates = TokenGates::default();
        drop(gates.enter(key("a"), "acme", asker(1, None), now).await);
        assert!(gates.list().is_empty());
        for number in 0..5 {
            let mut pass = gates
                .enter(key("a"), "acme", asker(number, None), now)
                .await
                .ok()
                .unwrap();
            pass.report(Heard::Down, now(), 1.0);
        }
        assert_eq!(gates.list().len(), 1);
        assert!(gates.is_down(&key("a").client));
        let shut = gates.enter(key("a"), "acme", asker(9, None), now).await.err();
        assert_eq!(
            shut,
            Some(Shut::Down {
                wait: Duration::from_secs(10)
            })
        );
    }

    #[tokio::test]
    async fn a_probe_that_was_not_made_is_left_to_the_next() {
        let gates = TokenGates::default();
        for number in 0..5 {
            let mut pass = gates
                .enter(key("a"), "acme", asker(number, None), now)
                .await
                .ok()
                .unwrap();
            pass.report(Heard::Down, now(), 1.0);
        }
        let later = || now() + chrono::TimeDelta::seconds(10);
        drop(gates.enter(key("a"), "acme", asker(1, None), later).await.ok().unwrap());
        let probe = gates.enter(key("a"), "acme", asker(2, None), later).await.ok().unwrap();
        assert!(gates.enter(key("a"), "acme", asker(3, None), later).await.is_err());
        drop(probe);
    }
}
