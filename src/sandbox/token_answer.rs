//! What a token answer says: one set of values for every platform, with the end of each token in all the units that
//! platforms use, so that the shape in the behaviour file picks the one it wants. Absolute times follow the platform's
//! own clock, skewed or not.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;

use super::api::Visit;
use super::grant::Pair;
use super::rules::TokenRules;
use super::template::{self, Values};
use super::world::World;

/// The answer that tells a pair.
pub fn grant_answer(world: &World, visit: &Visit<'_>, rules: &TokenRules, pair: &Pair) -> Value {
    let grant = world.grants.get(&pair.grant);
    let account = grant.map(|grant| grant.account.clone()).unwrap_or_default();
    let mut values = visit.values();
    values.extend(world.account_values(visit.behaviour, &account));
    values.insert("access_token".to_owned(), pair.access.clone().into());
    let clock = visit.clock(world, Some(&account));
    values.insert("issued_at_ms".to_owned(), clock.timestamp_millis().to_string().into());
    values.insert("now_local".to_owned(), local(clock, rules.utc_offset_hours).into());
    insert_end(&mut values, "", pair.expires_in, clock, rules.utc_offset_hours);
    insert_end(
        &mut values,
        "refresh_",
        pair.refresh_expires_in,
        clock,
        rules.utc_offset_hours,
    );
    if let Some(refresh) = &pair.refresh {
        values.insert("refresh_token".to_owned(), refresh.clone().into());
    }
    if let Some(grant) = grant {
        values.insert("scope".to_owned(), grant.scope.clone().into());
        values.insert("client_id".to_owned(), grant.client_id.clone().into());
    }
    template::fill(&rules.answer, &values)
}

fn insert_end(values: &mut Values, prefix: &str, seconds: Option<i64>, clock: DateTime<Utc>, offset: i32) {
    let Some(seconds) = seconds else { return };
    let mut put = |name: &str, value: Value| {
        values.insert(format!("{prefix}{name}"), value);
    };
    put("expires_in", seconds.into());
    put("expires_in_text", seconds.to_string().into());
    let Some(end) = TimeDelta::try_seconds(seconds).and_then(|life| clock.checked_add_signed(life)) else {
        return;
    };
    put("expires_at", end.timestamp().into());
    put("expires_at_ms", end.timestamp_millis().into());
    put("expires_at_fraction", format!("{}.542", end.timestamp()).into());
    put(
        "expires_at_iso",
        end.to_rfc3339_opts(SecondsFormat::Millis, true).into(),
    );
    put("expires_at_local", local(end, offset).into());
}

/// `YYYY-MM-DD HH:MM:SS` so many hours from UTC.
pub fn local(at: DateTime<Utc>, offset_hours: i32) -> String {
    let shifted = TimeDelta::try_hours(offset_hours.into()).and_then(|shift| at.checked_add_signed(shift));
    shifted.unwrap_or(at).format("%Y-%m-%d %H:%M:%S").to_string()
}
