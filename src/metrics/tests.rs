//! What a scrape shows and leaves out.

use super::*;
use crate::domain::store::{StoreHealth, StoreStatus};

#[test]
fn each_call_is_counted_under_words_of_closed_lists() {
    let metrics = Metrics::default();
    metrics.forwarded("acme", Ok(204), Duration::from_millis(20));
    metrics.forwarded("acme", Ok(799), Duration::from_millis(20));
    metrics.forwarded("acme", Err(Problem::PlatformTimeout), Duration::from_secs(90));
    metrics.refreshed(
        "acme",
        RefreshTrigger::Timer,
        RefreshOutcome::Down,
        Duration::from_secs(1),
    );
    let text = metrics.render(&Present::default(), None);
    for line in [
        r#"llavero_proxied_calls_total{platform="acme",source="platform",outcome="2xx"} 1"#,
        r#"llavero_proxied_calls_total{platform="acme",source="platform",outcome="other"} 1"#,
        r#"llavero_proxied_calls_total{platform="acme",source="llavero",outcome="platform_timeout"} 1"#,
        r#"llavero_proxied_call_duration_seconds_bucket{le="0.025",platform="acme"} 2"#,
        r#"llavero_refreshes_total{platform="acme",trigger="timer",outcome="down"} 1"#,
        "llavero_database_up 0",
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn figures_of_the_database_are_left_out_while_it_is_away() {
    let metrics = Metrics::default();
    let snapshot = Snapshot {
        stores: vec![(StoreStatus::Connected, StoreHealth::Ok, 7)],
        time_to_expiry: vec![TimeToExpiry::none("access_token")],
        ..Snapshot::default()
    };
    let shown = r#"llavero_stores{status="connected",health="ok"} 7"#;
    assert!(metrics.render(&Present::default(), Some(&snapshot)).contains(shown));
    let text = metrics.render(&Present::default(), None);
    assert!(!text.contains("llavero_stores{"), "{text}");
    assert!(!text.contains("time_to_expiry"), "{text}");
    assert!(text.contains("llavero_journal_writable 0"), "{text}");
}

#[test]
fn the_time_to_expiry_is_a_histogram_whose_parts_agree() {
    let mut of_access = TimeToExpiry::none("access_token");
    // Three are over, two end within the day, one beyond all bounds.
    (of_access.buckets[0], of_access.buckets[4], of_access.buckets[10]) = (3, 2, 1);
    of_access.seconds = 40_000_000.0;
    let snapshot = Snapshot {
        time_to_expiry: vec![of_access, TimeToExpiry::none("refresh_token")],
        ..Snapshot::default()
    };
    let text = Metrics::default().render(&Present::default(), Some(&snapshot));
    for line in [
        "# TYPE llavero_credential_time_to_expiry_seconds histogram",
        "# UNIT llavero_credential_time_to_expiry_seconds seconds",
        r#"llavero_credential_time_to_expiry_seconds_bucket{le="0.0",what="access_token"} 3"#,
        r#"llavero_credential_time_to_expiry_seconds_bucket{le="21600.0",what="access_token"} 3"#,
        r#"llavero_credential_time_to_expiry_seconds_bucket{le="86400.0",what="access_token"} 5"#,
        r#"llavero_credential_time_to_expiry_seconds_bucket{le="31536000.0",what="access_token"} 5"#,
        r#"llavero_credential_time_to_expiry_seconds_bucket{le="+Inf",what="access_token"} 6"#,
        r#"llavero_credential_time_to_expiry_seconds_count{what="access_token"} 6"#,
        r#"llavero_credential_time_to_expiry_seconds_sum{what="access_token"} 40000000.0"#,
        r#"llavero_credential_time_to_expiry_seconds_count{what="refresh_token"} 0"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}
