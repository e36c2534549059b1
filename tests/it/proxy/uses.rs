//! A call costs no row update: when a store was used is kept in memory and written in batches.

use std::collections::BTreeSet;

use super::with_store;
use crate::support::rows::row;
use llavero::broker::last_used;

#[tokio::test]
async fn many_calls_are_not_as_many_updates_of_the_store() {
    const CALLS: usize = 60;
    let (app, store) = with_store("mercado-libre", "authorization").await;
    last_used::write(&app.app).await.unwrap();
    // Each update of a row makes a version of it.
    let version = || row(&app.database, "SELECT xmin::text AS version, last_used_at FROM stores");
    let mut versions = BTreeSet::new();
    for _ in 0..CALLS {
        let answer = app.call(&store.access_token, "GET", "/anything").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        versions.insert(version()["version"].as_str().unwrap().to_owned());
    }
    assert!(
        versions.len() <= CALLS / 4,
        "{} versions in {CALLS} calls",
        versions.len()
    );
    last_used::write(&app.app).await.unwrap();
    let used: chrono::DateTime<chrono::Utc> = version()["last_used_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(used, app.clock.now());
}
