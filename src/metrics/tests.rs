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
        ..Snapshot::default()
    };
    let shown = r#"llavero_stores{status="connected",health="ok"} 7"#;
    assert!(metrics.render(&Present::default(), Some(&snapshot)).contains(shown));
    let text = metrics.render(&Present::default(), None);
    assert!(!text.contains("llavero_stores{"), "{text}");
    assert!(text.contains("llavero_journal_writable 0"), "{text}");
}
