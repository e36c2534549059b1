//! Ends of lives as platforms write them: beside each other, in other units, and one that no refreshing moves.

use std::time::Duration;

use chrono::TimeDelta;
use llavero::broker::refresh::granted;
use llavero::crypto::Random;

use super::*;

#[test]
fn the_end_that_no_refreshing_moves_is_read_beside_the_one_that_moves() {
    let method = method("quickbooks", "authorization");
    let body = r#"{"access_token":"a","refresh_token":"r","token_type":"bearer","expires_in":3600,
        "x_refresh_token_expires_in":8726400,"x_refresh_token_hard_expires_in":157680000}"#;
    let grant = grant(&method, &answer(200, body)).unwrap();
    assert_eq!(grant.refresh_expires_in, Some(Duration::from_secs(8_726_400)));
    assert_eq!(grant.authorization_expires_in, Some(Duration::from_secs(157_680_000)));

    let sent_at = moment().now;
    let lives = granted(&grant, &method, sent_at, sent_at, &Random::seeded(1));
    assert_eq!(lives.reauthorize_by, Some(sent_at + TimeDelta::seconds(157_680_000)));
    assert!(lives.refresh_at < lives.refresh_expires_at);
}

#[test]
fn a_point_in_time_counts_only_where_no_length_is_told() {
    let method = method("vend", "authorization");
    let life = |body: &str| grant(&method, &answer(200, body)).unwrap().access_expires_in;
    let end = moment().now.timestamp() + 600;
    let alone = format!(r#"{{"access_token":"a","token_type":"Bearer","expires":{end}}}"#);
    assert_eq!(life(&alone), Some(Duration::from_secs(600)));
    let both = format!(r#"{{"access_token":"a","token_type":"Bearer","expires":{end},"expires_in":604800}}"#);
    assert_eq!(life(&both), Some(Duration::from_secs(604_800)));
}

#[test]
fn older_milliseconds_are_not_taken_for_seconds() {
    let method = method("zoho-inventory", "authorization");
    let body =
        r#"{"access_token":"a","expires_in_sec":3600,"expires_in":3600000,"api_domain":"https://www.zohoapis.com"}"#;
    let grant = grant(&method, &answer(200, body)).unwrap();
    assert_eq!(grant.access_expires_in, Some(Duration::from_secs(3600)));
}
