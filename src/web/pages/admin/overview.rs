//! The overview: what is connected, what needs somebody, and how refreshing goes; each figure leads to its list.

use std::collections::HashMap;
use std::time::Duration;

use actix_web::web;
use askama::Template;
use chrono::{DateTime, TimeDelta, Timelike, Utc};

use super::moments::{self, Moment};
use super::{Answer, shown, stores, words};
use crate::db;
use crate::db::admin_stores::{AdminStoreFilter, StoreOrder};
use crate::db::overview::{Outcomes, Step};
use crate::domain::id::AppId;
use crate::domain::job::JobStatus;
use crate::domain::store::{StoreHealth, StoreStatus};
use crate::web::extract::{Admin, Viewer};
use crate::web::parts::{Badge, Bar, Bars, Figure, Tone};
use crate::web::{Frame, urls};

#[derive(Template)]
#[template(path = "pages/admin/overview.html")]
pub struct Overview {
    pub page: Frame,
    pub figures: Vec<Figure>,
    pub chart: Bars,
    pub by_day: bool,
    pub by_hour_href: String,
    pub by_day_href: String,
    pub attention: Vec<stores::Row>,
    pub attention_href: String,
    pub paused: Vec<Paused>,
    pub dead_letters: Vec<DeadLetter>,
    pub dead_letters_href: String,
}

/// A platform app through which nothing is refreshed, or no verdict given, for now.
pub struct Paused {
    pub platform: String,
    pub owner: String,
    pub href: String,
    pub badge: Badge,
    pub code: String,
    pub since: Moment,
}

pub struct DeadLetter {
    pub kind: String,
    pub error: String,
    pub at: Moment,
}

#[derive(Debug, serde::Deserialize)]
pub struct Query {
    #[serde(default)]
    by: String,
}

const ENDING: Duration = Duration::from_hours(30 * 24);
const LISTED: i64 = 8;

/// All that the page reads.
struct Read {
    status: HashMap<StoreStatus, i64>,
    health: HashMap<StoreHealth, i64>,
    ending: i64,
    dead_letters: i64,
    outcomes: Vec<Outcomes>,
    attention: Vec<db::admin_stores::AdminStore>,
    paused: Vec<(db::platform_apps::PlatformApp, Option<String>)>,
    failed: Vec<db::jobs::JobRow>,
}

pub async fn show(by: Admin<Viewer>, query: web::Query<Query>) -> Answer {
    let (step, since) = range(by.now(), query.by == "day");
    let read = by.read(move |conn| read(conn, step, since)).await?;
    let chart = chart(&by.page, step, since, by.now(), &read.outcomes);
    let (page, now) = (&by.page, by.now());
    let paused = read
        .paused
        .iter()
        .map(|(client, app)| paused(&by, client, app.as_deref()))
        .collect();
    let dead_letters = read.failed.into_iter().map(|job| DeadLetter {
        kind: words::job_kind(page, &job.kind),
        error: job.last_error.unwrap_or_default(),
        at: Moment::of(page, now, job.finished_at.unwrap_or(job.created_at)),
    });
    shown(Overview {
        figures: figures(page, &read.status, &read.health, read.ending, read.dead_letters),
        by_day: step == Step::Day,
        by_hour_href: urls::admin(),
        by_day_href: urls::with_query(urls::ADMIN, &[("by", "day")]),
        attention: read
            .attention
            .into_iter()
            .map(|store| stores::Row::of(&by, store))
            .collect(),
        attention_href: by_status(StoreStatus::NeedsReauthorization),
        paused,
        dead_letters: dead_letters.collect(),
        dead_letters_href: urls::with_query(urls::ADMIN_JOBS, &[("status", JobStatus::Failed.as_str())]),
        chart,
        page: by.page.clone(),
    })
}

/// 24 hours, or 14 days, up to now; the first step is whole.
fn range(now: DateTime<Utc>, by_day: bool) -> (Step, DateTime<Utc>) {
    let hour = now - TimeDelta::seconds(i64::from(now.minute() * 60 + now.second()));
    let hour = hour.with_nanosecond(0).unwrap_or(hour);
    if by_day {
        let day = hour - TimeDelta::hours(i64::from(hour.hour()));
        (Step::Day, day - TimeDelta::days(13))
    } else {
        (Step::Hour, hour - TimeDelta::hours(23))
    }
}

fn read(conn: &mut db::Conn, step: Step, since: DateTime<Utc>) -> db::Result<Read> {
    let needing = AdminStoreFilter {
        status: Some(StoreStatus::NeedsReauthorization),
        ..AdminStoreFilter::default()
    };
    let jobs = db::jobs::count(conn)?;
    let (mut by_status, mut by_health) = (HashMap::new(), HashMap::new());
    for (status, health, count) in db::overview::count_states(conn)? {
        *by_status.entry(status).or_default() += count;
        // What became of a revoked store's health concerns nobody.
        if status != StoreStatus::Revoked {
            *by_health.entry(health).or_default() += count;
        }
    }
    Ok(Read {
        status: by_status,
        health: by_health,
        ending: db::overview::count_ending(conn, ENDING)?,
        dead_letters: jobs
            .iter()
            .find(|(status, _)| *status == JobStatus::Failed)
            .map_or(0, |(_, count)| *count),
        outcomes: db::overview::count_outcomes(conn, step, since)?,
        attention: db::admin_stores::list(conn, &needing, StoreOrder::Newest, None, LISTED)?,
        paused: db::overview::list_paused(conn)?,
        failed: db::jobs::list(conn, Some(JobStatus::Failed), None, LISTED)?,
    })
}

fn by_status(status: StoreStatus) -> String {
    urls::with_query(urls::ADMIN_STORES, &[("status", status.as_str())])
}

pub(super) fn figures(
    page: &Frame,
    status: &HashMap<StoreStatus, i64>,
    health: &HashMap<StoreHealth, i64>,
    ending: i64,
    dead_letters: i64,
) -> Vec<Figure> {
    let figure = |count: i64, label: String, tone: Tone, href: String| Figure {
        value: grouped(count),
        label,
        // What there is none of is no warning.
        tone: if count == 0 { Tone::Good } else { tone },
        href,
    };
    let count = |which: StoreStatus| status.get(&which).copied().unwrap_or(0);
    let mut figures: Vec<Figure> = [StoreStatus::Connected, StoreStatus::NeedsReauthorization]
        .into_iter()
        .map(|which| {
            let badge = words::status(page, which);
            figure(count(which), badge.label, badge.tone, by_status(which))
        })
        .collect();
    for which in StoreHealth::ALL
        .iter()
        .copied()
        .filter(|which| *which != StoreHealth::Ok)
    {
        let (badge, count) = (words::health(page, which), health.get(&which).copied().unwrap_or(0));
        let href = urls::with_query(urls::ADMIN_STORES, &[("health", which.as_str())]);
        // The usual troubles are always there to be compared; the others when they happen.
        if count > 0 || which == StoreHealth::RefreshFailing {
            figures.push(figure(count, badge.label, badge.tone, href));
        }
    }
    figures.push(figure(
        ending,
        page.say("admin-overview-ending"),
        Tone::Info,
        String::new(),
    ));
    let href = urls::with_query(urls::ADMIN_JOBS, &[("status", JobStatus::Failed.as_str())]);
    figures.push(figure(
        dead_letters,
        page.say("admin-overview-dead-letters"),
        Tone::Bad,
        href,
    ));
    figures
}

/// 1234567 -> "1 234 567", with thin spaces that do not break.
pub(super) fn grouped(count: i64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// One bar for each step from `since` to `now`, those without a refresh included.
pub(super) fn chart(page: &Frame, step: Step, since: DateTime<Utc>, now: DateTime<Utc>, outcomes: &[Outcomes]) -> Bars {
    let (length, title) = match step {
        Step::Hour => (TimeDelta::hours(1), page.say("admin-overview-by-hour")),
        Step::Day => (TimeDelta::days(1), page.say("admin-overview-by-day")),
    };
    let mut bars = Vec::new();
    let mut at = since;
    while at <= now {
        let found = outcomes.iter().find(|outcomes| outcomes.at == at);
        let count = |of: fn(&Outcomes) -> i64| found.map_or(0, |found| u64::try_from(of(found)).unwrap_or(0));
        let label = match step {
            Step::Hour => at.format("%H:%M").to_string(),
            Step::Day => moments::day(page, at),
        };
        bars.push(Bar {
            label,
            good: count(|found| found.good),
            bad: count(|found| found.bad),
        });
        at += length;
    }
    Bars {
        title,
        good: page.say("admin-overview-good"),
        bad: page.say("admin-overview-bad"),
        bars,
    }
}

fn paused(by: &Admin<Viewer>, client: &db::platform_apps::PlatformApp, app: Option<&str>) -> Paused {
    let platform = by.tools.catalogue.platform(&client.platform);
    let badge = match client.paused_at {
        Some(_) => Badge::new(Tone::Bad, by.say("admin-paused")),
        None => Badge::new(Tone::Warn, by.say("admin-held")),
    };
    Paused {
        platform: platform.map_or(&client.platform, |platform| &platform.name).clone(),
        owner: app.map_or_else(|| by.say("admin-installation"), str::to_owned),
        href: client_href(client.app_id, &client.platform, client.mode.as_str()),
        badge,
        code: client.pause_code.clone().unwrap_or_default(),
        since: Moment::of_some(&by.page, by.now(), client.paused_at.or(client.verdicts_held_at)),
    }
}

/// The page of an app's own client at a platform, or of the installation's.
fn client_href(app: Option<AppId>, platform: &str, mode: &str) -> String {
    match app {
        Some(app) => urls::admin_app_platform(app, platform),
        None => urls::admin_platform_app(platform, mode),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_grouped() {
        for (count, expected) in [
            (0, "0"),
            (999, "999"),
            (1000, "1\u{202f}000"),
            (1_234_567, "1\u{202f}234\u{202f}567"),
        ] {
            assert_eq!(grouped(count), expected);
        }
    }

    #[test]
    fn the_chart_begins_with_a_whole_step() {
        let now: DateTime<Utc> = "2026-11-22T10:31:07.5Z".parse().unwrap();
        assert_eq!(range(now, false), (Step::Hour, "2026-11-21T11:00:00Z".parse().unwrap()));
        assert_eq!(range(now, true), (Step::Day, "2026-11-09T00:00:00Z".parse().unwrap()));
    }
}
