//! A circuit breaker, pure: when calls that fail one after the other stop being made, and who makes the next. It opens
//! only for the failures of an outage, and only if more than one store met them: stores that a platform cannot serve back
//! off by themselves and must not stop the others, however many they are. So a platform that was seen at work a short while
//! ago is believed longer, and a store that failed then already says nothing. One probe at a time looks whether the outage
//! is over.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::id::CredentialId;

/// Failures in a row that open it, from two stores or more.
pub const OPENS_AFTER: u32 = 5;
/// The same while the platform was at work lately: then many stores may fail on their own account.
const OPENS_AFTER_WORK: u32 = 40;
/// Ago.
const LATELY: TimeDelta = TimeDelta::minutes(5);
/// Until the first probe; doubled after each that fails.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// An outage that ends is noticed within this; one call in it presses nobody.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A platform that asks for more is asked sooner all the same.
const MOST_ASKED: Duration = Duration::from_secs(300);
/// What others are told to wait while a probe is on its way.
const PROBE_TAKES: Duration = Duration::from_secs(5);
/// A store whose own deadline lies less than this behind the next probe cannot wait for it.
const TOO_CLOSE: TimeDelta = TimeDelta::seconds(120);

/// Whose call it was.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    pub credential: CredentialId,
    /// Since when its refreshes have failed, if they have.
    pub failing_since: Option<DateTime<Utc>>,
}

/// What a call told of the platform, whatever it said of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It does its work: it granted, or refused in words that it documents.
    Up,
    /// It limits calls, and perhaps said for how long.
    Throttled(Option<Duration>),
    Down,
    /// Nothing that decides: words that nobody knows.
    Unclear,
}

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Through,
    /// As the one that looks whether the outage is over.
    Probe,
    /// Not now.
    Refused {
        wait: Duration,
    },
}

/// What an answer changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    None,
    Opened,
    Closed,
}

/// An outage, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    pub since: DateTime<Utc>,
    /// When the next probe may be made.
    pub probe_at: DateTime<Utc>,
    /// The same for a store that was not failing before: it says more of the platform than one that was.
    pub sound_probe_at: DateTime<Utc>,
    /// One is on its way.
    pub probing: bool,
    failed_probes: u32,
}

/// Closed at first.
#[derive(Debug, Clone, Default)]
pub struct Breaker {
    failures: u32,
    first: Option<CredentialId>,
    several: bool,
    /// When the platform was last at work.
    worked_at: Option<DateTime<Utc>>,
    outage: Option<Outage>,
}

impl Breaker {
    /// `None`: closed.
    pub fn outage(&self) -> Option<Outage> {
        self.outage
    }

    /// Nothing stands against the platform.
    pub fn is_calm(&self) -> bool {
        self.outage.is_none() && self.failures == 0
    }

    /// Nothing is remembered: a new one would do as well.
    pub fn is_fresh(&self) -> bool {
        self.is_calm() && self.worked_at.is_none()
    }

    /// May a call be made now? `deadline`: when the store can be saved no longer. Who would be too late with the next
    /// probe may make one ahead of its time, and so, if less so, may a store that is `sound`: not failing until now.
    pub fn ask(&self, now: DateTime<Utc>, deadline: Option<DateTime<Utc>>, sound: bool) -> Admission {
        let Some(outage) = &self.outage else {
            return Admission::Through;
        };
        if outage.probing {
            return Admission::Refused { wait: PROBE_TAKES };
        }
        let hurries = deadline.is_some_and(|end| now < end && end - TOO_CLOSE < outage.probe_at);
        if now >= outage.probe_at || hurries || (sound && now >= outage.sound_probe_at) {
            return Admission::Probe;
        }
        let wait = (outage.probe_at - now).to_std().unwrap_or_default();
        Admission::Refused { wait }
    }

    /// The same; a probe is on its way from now on, until it reports or is released.
    pub fn admit(&mut self, now: DateTime<Utc>, deadline: Option<DateTime<Utc>>, sound: bool) -> Admission {
        let admission = self.ask(now, deadline, sound);
        if let (Admission::Probe, Some(outage)) = (admission, &mut self.outage) {
            outage.probing = true;
        }
        admission
    }

    /// A probe that was never made.
    pub fn release(&mut self) {
        if let Some(outage) = &mut self.outage {
            outage.probing = false;
        }
    }

    /// What a call told. `jitter` is 0..1.
    pub fn report(&mut self, heard: Heard, probe: bool, by: Caller, now: DateTime<Utc>, jitter: f64) -> Change {
        // While it failed, others were served: it is the store, not the platform.
        let alone = matches!((by.failing_since, self.worked_at), (Some(failing), Some(worked)) if failing <= worked);
        match (heard, &mut self.outage) {
            (Heard::Up, outage) => {
                let ended = outage.is_some();
                *self = Self {
                    worked_at: Some(now),
                    ..Self::default()
                };
                if ended { Change::Closed } else { Change::None }
            }
            (Heard::Down, None) if alone => Change::None,
            (Heard::Down, None) => {
                self.failures += 1;
                self.several |= *self.first.get_or_insert(by.credential) != by.credential;
                let opens_after = match self.worked_at {
                    Some(worked) if now - worked < LATELY => OPENS_AFTER_WORK,
                    _ => OPENS_AFTER,
                };
                if self.failures < opens_after || !self.several {
                    return Change::None;
                }
                self.outage = Some(Outage {
                    since: now,
                    probe_at: after(now, wait(0, jitter)),
                    sound_probe_at: after(now, wait(0, jitter)),
                    probing: false,
                    failed_probes: 0,
                });
                Change::Opened
            }
            // Whoever was under way when it opened says nothing new.
            (_, Some(outage)) if probe => {
                let asked = match heard {
                    Heard::Throttled(asked) => asked.unwrap_or_default().min(MOST_ASKED),
                    _ => Duration::ZERO,
                };
                if heard == Heard::Down && !alone {
                    outage.failed_probes = outage.failed_probes.saturating_add(1);
                }
                outage.probing = false;
                outage.probe_at = after(now, wait(outage.failed_probes, jitter).max(asked));
                outage.sound_probe_at = after(now, wait(0, jitter).max(asked));
                Change::None
            }
            _ => Change::None,
        }
    }
}

fn wait(failed_probes: u32, jitter: f64) -> Duration {
    let doubled = FIRST_WAIT * (1 << failed_probes.min(10));
    doubled.min(LONGEST_WAIT).mul_f64(0.75 + 0.25 * jitter.clamp(0.0, 1.0))
}

fn after(at: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    at + TimeDelta::from_std(wait).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn store(number: u64) -> Caller {
        Caller {
            credential: CredentialId::make(number, [1; 10]),
            failing_since: None,
        }
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        for number in 1..u64::from(OPENS_AFTER) {
            assert_eq!(
                breaker.report(Heard::Down, false, store(number), at(0), 1.0),
                Change::None
            );
        }
        assert_eq!(breaker.report(Heard::Down, false, store(9), at(0), 1.0), Change::Opened);
        breaker
    }

    fn refused(seconds: u64) -> Admission {
        Admission::Refused {
            wait: Duration::from_secs(seconds),
        }
    }

    #[test]
    fn one_store_alone_never_opens_it() {
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            breaker.report(Heard::Down, false, store(1), at(0), 1.0);
        }
        assert_eq!(breaker.ask(at(0), None, false), Admission::Through);
        assert_eq!(breaker.report(Heard::Down, false, store(2), at(0), 1.0), Change::Opened);
    }

    #[test]
    fn only_failures_of_an_outage_in_a_row_open_it() {
        let mut breaker = Breaker::default();
        for number in 0..40 {
            let heard = [Heard::Down, Heard::Unclear, Heard::Throttled(None), Heard::Up][number % 4];
            breaker.report(heard, false, store(number as u64), at(0), 1.0);
        }
        assert!(breaker.is_calm());
    }

    #[test]
    fn a_platform_that_was_at_work_lately_is_believed_longer() {
        let worked = || {
            let mut breaker = Breaker::default();
            breaker.report(Heard::Up, false, store(0), at(0), 1.0);
            breaker
        };
        for (later, wanted) in [(299, OPENS_AFTER_WORK), (300, OPENS_AFTER)] {
            let mut breaker = worked();
            let opened = (1..100).find(|number| {
                let heard = breaker.report(Heard::Down, false, store(*number), at(later), 1.0);
                heard == Change::Opened
            });
            assert_eq!(opened, Some(u64::from(wanted)), "{later} s later");
        }
    }

    #[test]
    fn stores_that_failed_while_the_platform_was_at_work_never_open_it() {
        let failing = |number, since| Caller {
            failing_since: Some(at(since)),
            ..store(number)
        };
        let mut breaker = Breaker::default();
        breaker.report(Heard::Up, false, store(0), at(100), 1.0);
        for number in 1..1000 {
            let told = breaker.report(Heard::Down, false, failing(number, 100), at(7200), 1.0);
            assert_eq!(told, Change::None);
        }
        // Those that began to fail since may have met an outage.
        for number in 1..5 {
            breaker.report(Heard::Down, false, failing(number, 101), at(7200), 1.0);
        }
        let told = breaker.report(Heard::Down, false, failing(5, 101), at(7200), 1.0);
        assert_eq!(told, Change::Opened);
        // And a probe of one of the others is no news.
        assert_eq!(breaker.admit(at(7210), None, false), Admission::Probe);
        breaker.report(Heard::Down, true, failing(9, 100), at(7210), 1.0);
        assert_eq!(breaker.ask(at(7210), None, false), refused(10));
    }

    #[test]
    fn one_probe_at_a_time_and_one_success_closes() {
        let mut breaker = opened();
        assert_eq!(breaker.admit(at(9), None, false), refused(1));
        assert_eq!(breaker.admit(at(10), None, false), Admission::Probe);
        assert_eq!(breaker.admit(at(10), None, false), refused(5));
        breaker.release();
        assert_eq!(breaker.admit(at(10), None, false), Admission::Probe);
        assert_eq!(breaker.report(Heard::Up, true, store(1), at(11), 1.0), Change::Closed);
        assert!(breaker.is_calm());
    }

    #[test]
    fn waits_grow_to_a_limit_with_each_probe_that_finds_it_down() {
        let mut breaker = opened();
        let mut now = 10;
        for wanted in [20, 40, 60, 60] {
            assert_eq!(breaker.admit(at(now), None, false), Admission::Probe);
            breaker.report(Heard::Down, true, store(1), at(now), 1.0);
            // Those that were under way when it opened change nothing.
            breaker.report(Heard::Down, false, store(2), at(now), 1.0);
            assert_eq!(breaker.ask(at(now), None, false), refused(wanted));
            now += i64::try_from(wanted).unwrap();
        }
    }

    #[test]
    fn words_that_decide_nothing_leave_it_open_as_long_as_before_or_as_asked() {
        let mut breaker = opened();
        for (heard, wanted) in [
            (Heard::Unclear, 10),
            (Heard::Throttled(None), 10),
            (Heard::Throttled(Some(Duration::from_secs(60))), 60),
            (Heard::Throttled(Some(Duration::from_secs(86_400))), 300),
        ] {
            assert_eq!(breaker.admit(at(1000), None, false), Admission::Probe);
            assert_eq!(breaker.report(heard, true, store(1), at(1000), 1.0), Change::None);
            assert_eq!(breaker.ask(at(1000), None, false), refused(wanted));
            breaker.outage.as_mut().unwrap().probe_at = at(0);
        }
    }

    #[test]
    fn a_store_that_cannot_wait_for_the_next_probe_makes_one_now() {
        let mut breaker = opened();
        for (deadline, wanted) in [
            (at(129), Admission::Probe),
            (at(131), refused(9)),
            // What has passed cannot be saved any more, or was only an estimate.
            (at(1), refused(9)),
        ] {
            assert_eq!(breaker.ask(at(1), Some(deadline), false), wanted, "{deadline}");
        }
        breaker.admit(at(1), Some(at(60)), false);
        assert_eq!(
            breaker.ask(at(1), Some(at(60)), false),
            refused(5),
            "one at a time all the same"
        );
    }

    #[test]
    fn a_store_that_was_not_failing_need_not_wait_as_long_as_those_that_were() {
        let mut breaker = opened();
        for now in [10, 30, 70] {
            assert_eq!(breaker.admit(at(now), None, false), Admission::Probe);
            breaker.report(Heard::Down, true, store(1), at(now), 1.0);
        }
        assert_eq!(breaker.ask(at(79), None, true), refused(51));
        assert_eq!(breaker.ask(at(80), None, false), refused(50));
        assert_eq!(breaker.admit(at(80), None, true), Admission::Probe);
        breaker.report(
            Heard::Throttled(Some(Duration::from_secs(40))),
            true,
            store(1),
            at(80),
            1.0,
        );
        assert_eq!(
            breaker.ask(at(119), None, true),
            refused(21),
            "unless the platform asks for it"
        );
    }
}
