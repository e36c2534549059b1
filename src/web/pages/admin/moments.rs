//! Times as people read them: how long ago, and the moment itself in UTC. Formatted here, so that templates only place
//! them.

use std::time::Duration;

use chrono::{DateTime, Datelike, SecondsFormat, Utc};

use crate::web::Frame;

/// A time for the macro `when` in `templates/parts/admin.html`.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// RFC 3339, for machines.
    pub at: String,
    /// "3 minutes ago"
    pub when: String,
    /// "20 Nov 2026, 10:12 UTC"
    pub full: String,
}

impl Moment {
    pub fn of(page: &Frame, now: DateTime<Utc>, at: DateTime<Utc>) -> Self {
        Self {
            at: at.to_rfc3339_opts(SecondsFormat::Secs, true),
            when: ago(page, now, at),
            full: full(page, at),
        }
    }

    /// An empty moment where there is none.
    pub fn of_some(page: &Frame, now: DateTime<Utc>, at: Option<DateTime<Utc>>) -> Self {
        at.map(|at| Self::of(page, now, at)).unwrap_or_default()
    }

    /// "3 minutes ago (20 Nov 2026, 10:12 UTC)"
    pub fn long(&self) -> String {
        format!("{} ({})", self.when, self.full)
    }
}

/// "20 Nov 2026, 10:12 UTC"
pub fn full(page: &Frame, at: DateTime<Utc>) -> String {
    let month = page.say(&format!("admin-month-{}", at.month()));
    let (day, year, time) = (
        at.day().to_string(),
        at.year().to_string(),
        at.format("%H:%M").to_string(),
    );
    let values = [("day", &*day), ("month", &*month), ("year", &*year), ("time", &*time)];
    page.say_with("admin-moment", values)
}

/// "20 Nov"
pub fn day(page: &Frame, at: DateTime<Utc>) -> String {
    let month = page.say(&format!("admin-month-{}", at.month()));
    page.say_with("admin-day", [("day", &*at.day().to_string()), ("month", &*month)])
}

/// "3 minutes ago", "in 2 days"
fn ago(page: &Frame, now: DateTime<Utc>, at: DateTime<Utc>) -> String {
    let (past, distance) = match (now - at).to_std() {
        Ok(distance) => (true, distance),
        Err(_) => (false, (at - now).to_std().unwrap_or_default()),
    };
    let (unit, count) = counted(distance);
    let count = count.to_string();
    let values = [("count", count.as_str())];
    match (unit, past) {
        (Unit::Now, _) => page.say("admin-just-now"),
        (Unit::Minutes, true) => page.say_with("admin-ago-minutes", values),
        (Unit::Hours, true) => page.say_with("admin-ago-hours", values),
        (Unit::Days, true) => page.say_with("admin-ago-days", values),
        (Unit::Minutes, false) => page.say_with("admin-in-minutes", values),
        (Unit::Hours, false) => page.say_with("admin-in-hours", values),
        (Unit::Days, false) => page.say_with("admin-in-days", values),
    }
}

/// "6 hours", for life times; the largest unit that leaves no rest worth telling.
pub fn length(page: &Frame, length: Duration) -> String {
    let (unit, count) = counted(length);
    let count = count.to_string();
    let values = [("count", count.as_str())];
    match unit {
        Unit::Now => page.say_with("admin-seconds", [("count", &*length.as_secs().to_string())]),
        Unit::Minutes => page.say_with("admin-minutes", values),
        Unit::Hours => page.say_with("admin-hours", values),
        Unit::Days => page.say_with("admin-days", values),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Now,
    Minutes,
    Hours,
    Days,
}

fn counted(distance: Duration) -> (Unit, u64) {
    let minutes = distance.as_secs() / 60;
    match minutes {
        0 => (Unit::Now, 0),
        1..120 => (Unit::Minutes, minutes),
        120..2880 => (Unit::Hours, minutes / 60),
        _ => (Unit::Days, minutes / (24 * 60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_told_in_the_unit_that_people_would_use() {
        for (seconds, expected) in [
            (0, (Unit::Now, 0)),
            (59, (Unit::Now, 0)),
            (60, (Unit::Minutes, 1)),
            (7199, (Unit::Minutes, 119)),
            (7200, (Unit::Hours, 2)),
            (172_799, (Unit::Hours, 47)),
            (172_800, (Unit::Days, 2)),
        ] {
            assert_eq!(counted(Duration::from_secs(seconds)), expected, "{seconds}");
        }
    }
}
