//! What goes wrong, and when: each kind of trouble is a loop that runs for the length of a phase, and mends everything at
//! its end. The order is random, from the run's seed; but of each kind everything happens at least once, however short the
//! phase, for it is dealt out like cards.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::callers::hot;
use super::database::locked;
use super::installation::Installation;
use super::stores::{Forgives, PLATFORMS};

/// Longer than the minute and a call.
const SPARED: Duration = Duration::from_secs(100);

/// What clocks that go wrong are called in the table.
pub const CLOCKS: &str = "clocks";

/// The kinds of trouble of a phase.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trouble {
    pub kills: bool,
    pub database: bool,
    pub platforms: bool,
    pub clocks: bool,
    /// In phases.
    length: u32,
}

impl Trouble {
    pub const PHASES: &[(&str, Self)] = &[
        ("none", Self::of(false, false, false, false, 1)),
        ("kills", Self::of(true, false, false, false, 1)),
        ("Postgres", Self::of(false, true, false, false, 1)),
        ("platforms", Self::of(false, false, true, false, 2)),
        ("clocks", Self::of(false, false, false, true, 1)),
        ("all at once", Self::of(true, true, true, true, 2)),
    ];

    const fn of(kills: bool, database: bool, platforms: bool, clocks: bool, length: u32) -> Self {
        Self {
            kills,
            database,
            platforms,
            clocks,
            length,
        }
    }
}

/// Cards that are dealt one by one, and shuffled again when all are dealt.
struct Deck {
    cards: usize,
    left: Vec<usize>,
    dealt: usize,
}

impl Deck {
    fn of(cards: usize) -> Self {
        Self {
            cards,
            left: Vec::new(),
            dealt: 0,
        }
    }

    fn deal(&mut self, random: &mut StdRng) -> usize {
        if self.left.is_empty() {
            self.left.extend(0..self.cards);
            self.left.shuffle(random);
        }
        self.dealt += 1;
        self.left.pop().unwrap()
    }

    /// Each card once at least.
    fn is_dealt(&self) -> bool {
        self.dealt >= self.cards
    }
}

/// One phase, from its first trouble until all is mended.
pub async fn make(installation: &Arc<Installation>, trouble: Trouble) {
    let end = installation.clock.monotonic() + installation.size.phase * trouble.length;
    let mut making = JoinSet::new();
    let random = |number: u64| StdRng::seed_from_u64(installation.size.seed.rotate_left(7) ^ number);
    let over = move |installation: &Installation| installation.clock.monotonic() >= end;
    if trouble.kills {
        let (installation, mut random) = (installation.clone(), random(1));
        making.spawn(async move {
            let mut restarts = JoinSet::new();
            while !over(&installation) {
                kill_one(&installation, &mut random, &mut restarts);
                pause(&mut random, 1500, 3500).await;
            }
            restarts.join_all().await;
        });
    }
    if trouble.database {
        let (installation, mut random) = (installation.clone(), random(2));
        making.spawn(async move {
            let mut deck = Deck::of(4);
            while !(over(&installation) && deck.is_dealt()) {
                trouble_database(&installation, &mut random, &mut deck).await;
                pause(&mut random, 1000, 2500).await;
            }
        });
    }
    if trouble.platforms || trouble.kills {
        let (installation, mut random) = (installation.clone(), random(3));
        making.spawn(async move {
            let (mut deck, mut spoilt) = (Deck::of(FAULTS.len()), HashMap::new());
            while !over(&installation) || (trouble.platforms && !deck.is_dealt()) {
                // Where processes are killed, answers are slow enough for a kill to come between.
                let fault = if trouble.platforms {
                    FAULTS[deck.deal(&mut random)]
                } else {
                    SLOW
                };
                order_fault(&installation, &mut random, &mut spoilt, fault).await;
                pause(&mut random, 300, 900).await;
            }
            installation.clear_faults().await;
        });
    }
    if trouble.clocks {
        let (installation, mut random) = (installation.clone(), random(4));
        making.spawn(async move {
            while !over(&installation) {
                skew(&installation, &mut random, 300).await;
                installation.note(CLOCKS);
                pause(&mut random, 1500, 3500).await;
            }
            skew(&installation, &mut random, 0).await;
        });
    }
    let left = end.duration_since(installation.clock.monotonic());
    tokio::time::sleep(left).await;
    making.join_all().await;
}

async fn pause(random: &mut StdRng, from: u64, to: u64) {
    tokio::time::sleep(Duration::from_millis(random.random_range(from..to))).await;
}

fn kill_one(installation: &Arc<Installation>, random: &mut StdRng, restarts: &mut JoinSet<()>) {
    let slot = installation.slots[random.random_range(0..installation.slots.len())].clone();
    let after = Duration::from_millis(random.random_range(100..1500));
    // At least half of them work, also where a start takes long: whom a kill finds idle, it tells nothing.
    let up = installation.slots.iter().filter(|slot| slot.is_up()).count();
    if slot.is_up() && 2 * up > installation.slots.len() {
        let installation = installation.clone();
        restarts.spawn(async move { installation.kill(&slot, after).await });
    }
}

/// Every other time all connections are cut; else the server stops, cleanly or not, for seconds.
async fn trouble_database(installation: &Arc<Installation>, random: &mut StdRng, deck: &mut Deck) {
    let (kind, away) = (deck.deal(random), Duration::from_millis(random.random_range(500..4000)));
    let own = installation.clone();
    if kind < 2 {
        tokio::task::spawn_blocking(move || own.database.cut()).await.unwrap();
        return;
    }
    tokio::task::spawn_blocking(move || own.database.stop(kind == 3))
        .await
        .unwrap();
    tokio::time::sleep(away).await;
    let own = installation.clone();
    tokio::task::spawn_blocking(move || own.database.resume())
        .await
        .unwrap();
}

/// How token calls go wrong, by the names in the table.
const FAULTS: [&str; 9] = [
    "500",
    "502 too late",
    "503",
    "429",
    "reset",
    "answer lost",
    "30 s",
    "slow to begin",
    SLOW,
];
const SLOW: &str = "slow";

/// Some kinds leave the platform with a new pair that nobody has heard of.
fn fault(named: &'static str, random: &mut StdRng) -> Value {
    let mut fault = match named {
        "500" => json!({ "status": 500 }),
        "502 too late" => json!({ "status": 502, "processed": true, "body": "<html>Bad gateway</html>" }),
        "503" => json!({ "status": 503 }),
        "429" => json!({ "status": 429, "retry_after": 1 }),
        "reset" => json!({ "effect": "unprocessed" }),
        "answer lost" => json!({ "effect": "lost_answer" }),
        "30 s" => json!({ "delay_ms": 30_000 }),
        "slow to begin" => json!({ "delay_before_ms": random.random_range(200..2500) }),
        _ => json!({ "delay_ms": random.random_range(200..2500) }),
    };
    fault["calls"] = "token".into();
    fault
}

/// For the next calls of a platform, whichever store they are for. Where a lost answer is forgiven for a minute only, the
/// platform may not spend that minute itself: there it is one call of one store, and not again while the minute lasts.
async fn order_fault(
    installation: &Installation,
    random: &mut StdRng,
    spoilt: &mut HashMap<usize, Instant>,
    named: &'static str,
) {
    installation.note(named);
    let fault = fault(named, random);
    let mut store = hot(installation, random);
    let platform = installation.stores[store].platform;
    let mut order = json!({ "platform": platform.slug, "times": random.random_range(1..4), "fault": fault });
    if platform.forgives == Forgives::SixtySeconds {
        let now = installation.clock.monotonic();
        for _ in 0..100 {
            let spared = spoilt.get(&store).is_none_or(|last| now.duration_since(*last) > SPARED);
            if spared && installation.stores[store].platform.slug == platform.slug {
                spoilt.insert(store, now);
                order["times"] = 1.into();
                order["store"] = installation.stores[store].platform_store_id.clone().into();
                installation.order("faults", order).await;
                return;
            }
            store = hot(installation, random);
        }
        return;
    }
    installation.order("faults", order).await;
}

/// Each platform's clock is off by up to so many seconds, each by its own.
async fn skew(installation: &Installation, random: &mut StdRng, most: i64) {
    for platform in &PLATFORMS {
        let off = random.random_range(-most..=most);
        let settings = json!({ "platform": platform.slug, "settings": { "clock_skew_seconds": off } });
        installation.order("settings", settings).await;
    }
}

impl Installation {
    /// Remembers that a platform was told to fail, or its clock to go wrong.
    fn note(&self, what: &'static str) {
        locked(&self.ordered).push((self.clock.now(), what));
    }

    /// What was ordered of the platforms in a time, by name.
    pub fn ordered_within(&self, phase: &super::Phase) -> BTreeMap<&'static str, usize> {
        let mut ordered = BTreeMap::new();
        let during = |at| phase.begun <= at && at < phase.ended;
        for (_, what) in locked(&self.ordered).iter().filter(|(at, _)| during(*at)) {
            *ordered.entry(*what).or_default() += 1;
        }
        ordered
    }
}
