//! What was promised, and what became of it. A store is lost if nothing brings it back; an error counts if its caller's
//! store had a valid token all the while; a token call is one too many if the same refresh token was sent before and the
//! platform's answer had arrived. What was in doubt is known from outside: who was killed with which attempts under way,
//! and which answers never came.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::Phase;
use super::callers::{Got, Note};
use super::calm::Lost;
use super::evidence::{Refreshed, killed, refreshed, repeats, rows};
use super::installation::Installation;
use super::platforms::TokenCall;
use super::stores::{Forgives, PLATFORMS};
use super::trouble::CLOCKS;

/// Clocks are compared over processes; nearer than this is the same moment.
const SLACK: TimeDelta = TimeDelta::milliseconds(300);
/// Connections need a moment to come back after the database has.
const RECOVERY: TimeDelta = TimeDelta::seconds(10);

/// In this time the owner of a lost answer makes all its tries, where a minute is forgiven.
const TRIES: TimeDelta = TimeDelta::seconds(45);

/// One phase in figures.
#[derive(Debug, Default, Clone)]
pub struct Figures {
    pub calls: usize,
    /// Calls that could not even begin: no server was there, or too many waited.
    pub not_made: usize,
    pub answered: usize,
    /// Connections that a kill cut, or that found nobody.
    pub cut: usize,
    /// 503 `unavailable` while the database was away.
    pub database_away: usize,
    /// Errors without a valid token, by code.
    pub tokenless: BTreeMap<String, usize>,
    /// Errors although there was a valid token.
    pub wrong: usize,
    pub token_calls: usize,
    /// The same refresh token again, because nobody knew the answer to the call before.
    pub in_doubt: usize,
    /// How the platforms ended token calls: the status, or that none was sent.
    pub ends: BTreeMap<String, usize>,
    pub kills: usize,
    pub stops: usize,
    pub cuts: usize,
    /// What the platforms were told to do wrong, by name.
    pub ordered: BTreeMap<&'static str, usize>,
}

impl Figures {
    /// How often the platforms' clocks were put wrong.
    pub fn clocks(&self) -> usize {
        self.ordered.get(CLOCKS).copied().unwrap_or_default()
    }

    pub fn faults(&self) -> usize {
        self.ordered.values().sum::<usize>() - self.clocks()
    }
}

/// One platform in figures, at the end.
#[derive(Debug, Clone)]
pub struct Ending {
    pub slug: &'static str,
    pub forgives: Forgives,
    pub stores: usize,
    pub lost: usize,
    /// Of the lost ones: named in doubt, and with reason.
    pub named: usize,
    pub wrongly_asked: usize,
    pub calls_too_many: usize,
    /// Lost where a minute is forgiven: whoever took over from a killed process was killed as well, or the database was away
    /// in that minute.
    pub kept_away: usize,
}

#[derive(Debug, Default)]
pub struct Judged {
    pub figures: Vec<Figures>,
    pub endings: Vec<Ending>,
    /// What to look at: a line each.
    pub findings: Vec<String>,
    /// Phases in which not everything happened that they are for: such a run proves nothing.
    pub idle: Vec<String>,
}

impl Judged {
    pub fn broken(&self) -> Vec<String> {
        let mut broken = self.idle.clone();
        let mut never = |what: String, count: usize| {
            if count > 0 {
                broken.push(format!("{count} {what}"));
            }
        };
        for ending in &self.endings {
            let slug = ending.slug;
            let excused = if ending.forgives == Forgives::Nothing {
                ending.named
            } else {
                ending.kept_away
            };
            never(format!("stores lost at {slug} that may not be"), ending.lost - excused);
            never(
                format!("stores wrongly asked to re-authorize at {slug}"),
                ending.wrongly_asked,
            );
            never(format!("token calls too many at {slug}"), ending.calls_too_many);
        }
        let wrong = self.figures.iter().map(|figures| figures.wrong).sum();
        never(
            "calls answered with an error although a valid token existed".to_owned(),
            wrong,
        );
        broken
    }
}

pub async fn judge(
    installation: &Arc<Installation>,
    phases: &[Phase],
    notes: &[Note],
    token_calls: &[TokenCall],
    lost: &[Lost],
) -> Judged {
    let rows = rows(installation);
    let refreshed = refreshed(installation);
    let mut judged = Judged {
        figures: vec![Figures::default(); phases.len()],
        ..Judged::default()
    };
    let phase_of = |at: DateTime<Utc>| phases.iter().rposition(|phase| phase.begun <= at).unwrap_or(0);
    let nothing = Refreshed::default();
    let log_of = |store: usize| {
        rows.get(&store)
            .and_then(|row| refreshed.get(&row.credential))
            .unwrap_or(&nothing)
    };

    for note in notes {
        let figures = &mut judged.figures[phase_of(note.begun)];
        if note.got == Got::NotMade {
            figures.not_made += 1;
            continue;
        }
        figures.calls += 1;
        let kind = kind(installation, note, log_of(note.store));
        match kind {
            Kind::Answered => figures.answered += 1,
            Kind::Cut => figures.cut += 1,
            Kind::DatabaseAway => figures.database_away += 1,
            Kind::Tokenless(code) => *figures.tokenless.entry(code).or_default() += 1,
            Kind::Wrong => {
                figures.wrong += 1;
                let store = &installation.stores[note.store];
                let line = format!(
                    "wrong: {} {} at {} for {} ms from {}: {:?}",
                    store.platform.slug,
                    store.platform_store_id,
                    phases[phase_of(note.begun)].name,
                    (note.ended - note.begun).num_milliseconds(),
                    note.begun,
                    note.got
                );
                judged.findings.push(line);
            }
        }
    }
    for slot in &installation.slots {
        for down in slot.downs() {
            judged.figures[phase_of(down.from)].kills += 1;
        }
    }
    for outage in installation.database.outages() {
        judged.figures[phase_of(outage.from)].stops += 1;
    }
    for cut in installation.database.cuts() {
        judged.figures[phase_of(cut)].cuts += 1;
    }

    let numbers = installation.numbers();
    let mut calls_of: HashMap<usize, Vec<&TokenCall>> = HashMap::new();
    for call in token_calls {
        let figures = &mut judged.figures[phase_of(call.at)];
        figures.token_calls += 1;
        let end = call.status.map_or("none".to_owned(), |status| status.to_string());
        *figures.ends.entry(end).or_default() += 1;
        if let Some(store) = numbers.get(&(call.platform.clone(), call.store.clone())) {
            calls_of.entry(*store).or_default().push(call);
        }
    }
    for (phase, figures) in phases.iter().zip(&mut judged.figures) {
        figures.ordered = installation.ordered_within(phase);
        judged.idle.extend(missing(phase, figures));
    }
    let killed = killed(installation);
    let lost_of: HashMap<usize, &Got> = lost.iter().map(|lost| (lost.store, &lost.got)).collect();
    for platform in &PLATFORMS {
        let ended = installation.ended_grants(platform.slug).await;
        let mut ending = Ending {
            slug: platform.slug,
            forgives: platform.forgives,
            stores: 0,
            lost: 0,
            named: 0,
            wrongly_asked: 0,
            calls_too_many: 0,
            kept_away: 0,
        };
        for (number, store) in installation.stores.iter().enumerate() {
            if store.platform.slug != platform.slug {
                continue;
            }
            ending.stores += 1;
            let (row, log) = (&rows[&number], log_of(number));
            let calls = calls_of.get(&number).map(Vec::as_slice).unwrap_or_default();
            let repeats = repeats(calls);
            for at in &repeats {
                judged.figures[phase_of(*at)].in_doubt += 1;
            }
            let killed = killed.get(&row.credential).copied().unwrap_or_default();
            let attempts = usize::try_from(row.attempts).unwrap_or_default();
            // The log of an attempt may be lost with the database; that nobody wrote down how it ended is a doubt.
            let unlogged = attempts.saturating_sub(log.lines.len());
            let doubts = killed.max(unlogged) + log.answers_lost;
            let too_many = repeats.len().saturating_sub(doubts) + calls.len().saturating_sub(attempts);
            ending.calls_too_many += too_many;
            let is_lost = lost_of.get(&number);
            let named = row.in_doubt && doubts > 0;
            let kept_away =
                named && platform.forgives == Forgives::SixtySeconds && (killed > 1 || kept_away(installation, calls));
            let excused = kept_away || (named && platform.forgives == Forgives::Nothing);
            ending.lost += usize::from(is_lost.is_some());
            ending.named += usize::from(is_lost.is_some() && named);
            ending.kept_away += usize::from(is_lost.is_some() && kept_away);
            let wrongly_asked = row.needs_reauthorization && !excused;
            ending.wrongly_asked += usize::from(wrongly_asked);
            if (is_lost.is_some() && !excused) || wrongly_asked || too_many > 0 {
                let mut lines = vec![format!(
                    "{} {}: lost {is_lost:?}, {too_many} calls too many, killed with {killed} attempts under way, {}, {:?}",
                    platform.slug,
                    store.platform_store_id,
                    row.shown,
                    ended.iter().find(|(id, _)| *id == store.platform_store_id)
                )];
                lines.extend(last(calls, 10).iter().map(|call| {
                    let sent = call.sent.get(call.sent.len().saturating_sub(8)..).unwrap_or_default();
                    format!(
                        "    platform {} ..{sent} processed {} {:?}",
                        call.at, call.processed, call.status
                    )
                }));
                lines.extend(last(&log.lines, 10).iter().map(|line| format!("    llavero  {line}")));
                judged.findings.push(lines.join("\n"));
            }
        }
        judged.endings.push(ending);
    }
    judged
}

fn last<T>(all: &[T], most: usize) -> &[T] {
    &all[all.len().saturating_sub(most)..]
}

enum Kind {
    Answered,
    Cut,
    DatabaseAway,
    Tokenless(String),
    Wrong,
}

fn kind(installation: &Installation, note: &Note, log: &Refreshed) -> Kind {
    let code = match &note.got {
        Got::Answer => return Kind::Answered,
        Got::WrongStore(_) => return Kind::Wrong,
        Got::Cut(_) | Got::Nothing if was_down(installation, note) => return Kind::Cut,
        Got::Refusal(503, code) if code == "unavailable" && database_was_away(installation, note) => {
            return Kind::DatabaseAway;
        }
        Got::Refusal(status, code) => format!("{status} {code}"),
        Got::Platform(status) => format!("platform's {status}"),
        Got::Cut(_) => "cut".to_owned(),
        Got::Nothing | Got::NotMade => "gave up".to_owned(),
    };
    if log.had_token(note.begun, note.ended, SLACK) {
        Kind::Wrong
    } else {
        Kind::Tokenless(code)
    }
}

/// What a phase is for and what did not happen in it.
fn missing(phase: &Phase, figures: &Figures) -> Vec<String> {
    let trouble = phase.trouble;
    let wanted = [
        ("killed", trouble.kills, figures.kills),
        ("stopped", trouble.database, figures.stops),
        ("cut", trouble.database, figures.cuts),
        ("made to fail", trouble.platforms, figures.faults()),
        ("wrong by the clock", trouble.clocks, figures.clocks()),
    ];
    let told = |what: &str| format!("nothing was {what} in the phase `{}`", phase.name);
    let mut missing: Vec<String> = wanted
        .iter()
        .filter(|(_, wanted, count)| *wanted && *count == 0)
        .map(|(what, ..)| told(what))
        .collect();
    // The calm makes calls of its own.
    if figures.calls == 0 && phase.name != "calm" {
        missing.push(told("called"));
    }
    missing
}

/// Whether the database was away when the owner of the lost answer would have asked again: what it may not write down, it
/// may not do.
fn kept_away(installation: &Installation, calls: &[&TokenCall]) -> bool {
    let refused = calls
        .iter()
        .find(|call| call.processed && matches!(call.status, Some(400 | 401)));
    let first = refused.and_then(|refused| calls.iter().find(|call| call.sent == refused.sent && call.processed));
    let Some(first) = first else { return false };
    let last = first.at + TRIES;
    let outages = installation.database.outages();
    let stopped = outages.iter().any(|outage| {
        let until = outage.until.map_or(last, |until| until + RECOVERY);
        outage.from <= last && first.at <= until
    });
    let cuts = installation.database.cuts();
    stopped || cuts.iter().any(|cut| *cut <= last && first.at <= *cut + RECOVERY)
}

fn overlaps(note: &Note, from: DateTime<Utc>, until: Option<DateTime<Utc>>, after: TimeDelta) -> bool {
    from - SLACK <= note.ended && until.is_none_or(|until| note.begun <= until + after)
}

fn was_down(installation: &Installation, note: &Note) -> bool {
    let downs = installation.slots[note.slot].downs();
    downs.iter().any(|down| overlaps(note, down.from, down.until, SLACK))
}

fn database_was_away(installation: &Installation, note: &Note) -> bool {
    let outages = installation.database.outages();
    let stopped = outages
        .iter()
        .any(|outage| overlaps(note, outage.from, outage.until, RECOVERY));
    let cuts = installation.database.cuts();
    stopped || cuts.iter().any(|cut| overlaps(note, *cut, Some(*cut), RECOVERY))
}
