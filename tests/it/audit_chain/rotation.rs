//! Keys come and go; the chain stays.

use llavero::broker::audit_chain;
use llavero::crypto::{KeyRing, Random, Sealer};
use llavero::domain::audit_chain::Fault;

use super::{verify, write};
use crate::support::rows;
use crate::support::test_app::{TestApp, Wishes, assemble, config};

#[tokio::test]
async fn links_outlive_the_key_that_made_their_macs() {
    let app = TestApp::start().await;
    write(&app, 1..=3).await;
    audit_chain::chain(&app.app).await.unwrap();
    let first = {
        // The ring of every test begins like this.
        let random = Random::seeded(42);
        KeyRing::generate(&random, app.clock.now())
    };
    let mut both = first;
    both.rotate(&Random::seeded(43), app.clock.now());
    let mut newer = both.clone();
    newer.retire("k1").unwrap();
    let settings = || {
        config(
            &app.database.url(),
            &app.url,
            &app.sandbox,
            app.data.path(),
            &Wishes::default(),
        )
    };
    let with = |ring: KeyRing| {
        let mut made = assemble(settings(), app.clock.clone(), tokio::runtime::Handle::current());
        made.sealer = Sealer::new(ring, Random::seeded(44));
        made
    };
    let (rotated, retired) = (with(both), with(newer));
    assert!(verify(&rotated, &app, None).await.findings.is_empty());
    let lost = verify(&retired, &app, None).await.findings;
    assert!(!lost.is_empty() && lost.iter().all(|finding| finding.fault == Fault::Forged));

    let (renewed, foreign) = audit_chain::renew_macs(&rotated).await.unwrap();
    let chained = rows::count(
        &app.database,
        "SELECT (SELECT count(*) FROM audit_links) + (SELECT count(*) FROM audit_chains) AS n",
    );
    assert_eq!((i64::try_from(renewed).unwrap(), foreign), (chained, 0));
    write(&app, 4..=4).await;
    audit_chain::chain(&retired).await.unwrap();
    let report = verify(&retired, &app, None).await;
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    rotated.listener.stop();
    retired.listener.stop();
}
