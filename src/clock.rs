//! The time, handed in: nothing else may ask the machine. Across processes the database's clock decides, so a process
//! runs on its own monotonic time plus the measured offset to that clock; a step of the machine's wall clock moves
//! nothing. A frozen clock is for tests: it stands still until told otherwise, and the database is told the same time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// How fast two clocks may part: an old measurement loses this share of its age in trust.
const DRIFT_DIVISOR: u32 = 2_000;

/// A cheap handle; clones show the same time.
#[derive(Clone)]
pub struct Clock(Arc<Inner>, Start);

/// When monotonic time began to be measured, by the plain clock and by the one that goes on while the machine sleeps.
#[derive(Clone, Copy)]
struct Start {
    moment: Instant,
    boot: Option<Duration>,
}

impl Start {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the machine for the time"
    )]
    fn now() -> Self {
        Self {
            moment: Instant::now(),
            boot: since_boot(),
        }
    }

    /// The moment that `later` stands for. A lease must not look younger because its owner was asleep: a request sent
    /// after a suspend would be sent after its lease.
    fn moment(&self, later: Self) -> Instant {
        match (self.boot, later.boot) {
            (Some(began), Some(now)) => self.moment + now.saturating_sub(began),
            _ => later.moment,
        }
    }
}

/// Time since the machine started, sleep included; `None` where only time awake is counted.
#[cfg(target_os = "linux")]
fn since_boot() -> Option<Duration> {
    let at = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Some(Duration::new(at.tv_sec.try_into().ok()?, at.tv_nsec.try_into().ok()?))
}

#[cfg(not(target_os = "linux"))]
fn since_boot() -> Option<Duration> {
    None
}

enum Inner {
    Running(Mutex<Anchor>),
    Frozen(Mutex<DateTime<Utc>>),
}

/// "At this monotonic moment it was this time", known within `doubt`; `None` until the database was asked.
#[derive(Clone, Copy)]
struct Anchor {
    moment: Instant,
    time: DateTime<Utc>,
    doubt: Option<Duration>,
}

impl Anchor {
    fn at(&self, moment: Instant) -> DateTime<Utc> {
        match moment.checked_duration_since(self.moment) {
            Some(later) => plus(self.time, later),
            None => minus(self.time, self.moment.saturating_duration_since(moment)),
        }
    }
}

impl Clock {
    /// Starts from the machine's wall clock; the first [`Clock::observe_database`] replaces that.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the machine for the time"
    )]
    pub fn system() -> Self {
        let start = Start::now();
        let anchor = Anchor {
            moment: start.moment,
            time: Utc::now(),
            doubt: None,
        };
        Self(Arc::new(Inner::Running(Mutex::new(anchor))), start)
    }

    /// Stands at `at` until [`Clock::set`] or [`Clock::advance`].
    pub fn frozen(at: DateTime<Utc>) -> Self {
        Self(Arc::new(Inner::Frozen(Mutex::new(at))), Start::now())
    }

    /// The database's time as far as it is known. Can step, also backwards, when a better measurement comes in: use
    /// [`Clock::monotonic`] for durations.
    pub fn now(&self) -> DateTime<Utc> {
        match &*self.0 {
            Inner::Running(anchor) => locked(anchor).at(self.monotonic()),
            Inner::Frozen(at) => *locked(at),
        }
    }

    /// Monotonic time of this process, a suspend of the machine included where the system counts it. Real also when the
    /// clock is frozen: it measures, it does not date.
    pub fn monotonic(&self) -> Instant {
        self.1.moment(Start::now())
    }

    /// Takes what the database said its time was, asked and answered at these monotonic moments. The answer dates from
    /// somewhere in between, so a quick one is worth more than a slow one; a slow one is kept only if the last good one
    /// has aged, or if the two contradict each other (the database's clock was set). No effect on a frozen clock.
    pub fn observe_database(&self, asked_at: Instant, answered_at: Instant, database_now: DateTime<Utc>) {
        let Inner::Running(anchor) = &*self.0 else { return };
        let doubt = answered_at.saturating_duration_since(asked_at) / 2;
        let new = Anchor {
            moment: asked_at + doubt,
            time: database_now,
            doubt: Some(doubt),
        };
        let mut held = locked(anchor);
        let replace = match held.doubt {
            None => true,
            Some(old_doubt) => {
                let age = new.moment.saturating_duration_since(held.moment);
                let aged_doubt = old_doubt + age / DRIFT_DIVISOR;
                let apart = (held.at(new.moment) - new.time).abs().to_std().unwrap_or(Duration::MAX);
                doubt <= aged_doubt || apart > doubt + aged_doubt
            }
        };
        if replace {
            *held = new;
        }
    }

    /// The frozen time; `None` on a running clock. The database is set to it before each unit of work.
    pub fn frozen_now(&self) -> Option<DateTime<Utc>> {
        match &*self.0 {
            Inner::Running(_) => None,
            Inner::Frozen(at) => Some(*locked(at)),
        }
    }

    /// Moves a frozen clock; no effect on a running one.
    pub fn set(&self, to: DateTime<Utc>) {
        if let Inner::Frozen(at) = &*self.0 {
            *locked(at) = to;
        }
    }

    /// Moves a frozen clock forward; no effect on a running one.
    pub fn advance(&self, by: Duration) {
        if let Inner::Frozen(at) = &*self.0 {
            let mut at = locked(at);
            *at = plus(*at, by);
        }
    }
}

// Both stop at the ends of what a date can hold instead of panicking.
fn plus(time: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by)
        .ok()
        .and_then(|by| time.checked_add_signed(by))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn minus(time: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by)
        .ok()
        .and_then(|by| time.checked_sub_signed(by))
        .unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// A panic elsewhere leaves a date whole, so the poison is ignored.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default()
    }

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn time_asleep_counts() {
        let began = Start::now();
        let at = |awake: u64, asleep: u64| Start {
            moment: began.moment + Duration::from_secs(awake),
            boot: began.boot.map(|boot| boot + Duration::from_secs(awake + asleep)),
        };
        let measured = |later: Start| began.moment(later).duration_since(began.moment).as_secs();
        assert_eq!(measured(at(5, 0)), 5);
        assert_eq!(measured(at(5, 60)), if cfg!(target_os = "linux") { 65 } else { 5 });
        let clock = Clock::frozen(noon());
        assert!(clock.monotonic() <= clock.monotonic());
    }

    #[test]
    fn a_frozen_clock_moves_only_when_told() {
        let clock = Clock::frozen(noon());
        assert_eq!((clock.now(), clock.frozen_now()), (noon(), Some(noon())));
        clock.clone().advance(Duration::from_secs(60));
        assert_eq!(clock.now(), noon() + TimeDelta::seconds(60));
        clock.set(noon());
        let moment = clock.monotonic();
        clock.observe_database(moment, moment, noon() + TimeDelta::days(1));
        assert_eq!(clock.now(), noon());
    }

    #[test]
    fn a_running_clock_follows_the_database_from_the_middle_of_the_round_trip() {
        let clock = Clock::system();
        let asked = clock.monotonic();
        clock.observe_database(asked, asked + 10 * MS, noon());
        let Inner::Running(anchor) = &*clock.0 else {
            panic!("a running clock")
        };
        assert_eq!(locked(anchor).at(asked + 5 * MS), noon());
        assert_eq!(locked(anchor).at(asked), noon() - TimeDelta::milliseconds(5));
        assert_eq!(locked(anchor).at(asked + 25 * MS), noon() + TimeDelta::milliseconds(20));
        assert_eq!(clock.frozen_now(), None);
    }

    #[test]
    fn a_slow_answer_does_not_replace_a_quick_one_unless_the_database_clock_was_set() {
        let clock = Clock::system();
        let asked = clock.monotonic();
        clock.observe_database(asked, asked + 2 * MS, noon());
        clock.observe_database(asked + 10 * MS, asked + 210 * MS, noon() + TimeDelta::milliseconds(150));
        let Inner::Running(anchor) = &*clock.0 else {
            panic!("a running clock")
        };
        assert_eq!(locked(anchor).at(asked + MS), noon());
        clock.observe_database(asked + 10 * MS, asked + 210 * MS, noon() + TimeDelta::hours(1));
        assert_eq!(locked(anchor).at(asked + 110 * MS), noon() + TimeDelta::hours(1));
    }

    #[test]
    fn an_old_measurement_gives_way_to_a_slower_new_one() {
        let clock = Clock::system();
        let asked = clock.monotonic();
        clock.observe_database(asked, asked + 2 * MS, noon());
        let later = asked + Duration::from_secs(3600);
        let said = noon() + TimeDelta::milliseconds(3_600_010);
        clock.observe_database(later, later + 20 * MS, said);
        let Inner::Running(anchor) = &*clock.0 else {
            panic!("a running clock")
        };
        assert_eq!(locked(anchor).at(later + 10 * MS), said);
    }
}
