//! Thousands of stores: an import that is killed on the way, and the server with it, completes when it is run again, with
//! nothing twice, whatever becomes of the server meanwhile.

use std::collections::BTreeSet;

use llavero::broker::refresh;
use llavero::db;
use llavero::db::credentials::{Granted, NewCredential};
use llavero::db::stores::NewStore;
use llavero::domain::access_token::{TokenHash, TokenKind, mint};
use llavero::domain::id::{CredentialId, StoreId};
use llavero::domain::store::StoreStatus;
use llavero::platform::Values;

use super::{Lines, PASSPHRASE, export_to};
use crate::support::connecting::start;
use crate::support::installation::Installation;
use crate::support::processes::{Process, program};
use crate::support::rows::{count, until};
use crate::support::test_app::TestApp;

/// Stores that are moved; more with the variable set.
#[expect(clippy::disallowed_methods, reason = "how many is said from outside")]
fn size() -> usize {
    if std::env::var_os("LLAVERO_TEST_MANY_STORES").is_some() {
        10_000
    } else {
        2_000
    }
}

fn fill(app: &TestApp, size: usize) {
    let (tools, owner) = (app.app.clone(), app.demo.app_id);
    app.app
        .db
        .run_blocking(|conn| {
            diesel::Connection::transaction(conn, |conn| {
                for number in 0..size {
                    let (id, store): (CredentialId, StoreId) = (tools.id(), tools.id());
                    let values = Values::new()
                        .with("store_url", format!("https://shop-{number}.example.com"))
                        .with("consumer_key", format!("ck_{number:040}"))
                        .with("consumer_secret", format!("cs_{number:040}"));
                    let new = NewCredential {
                        id,
                        app_id: owner,
                        platform: "woocommerce".to_owned(),
                        method: "keys".to_owned(),
                        platform_app_id: None,
                        granted: Granted {
                            values_sealed: Some(refresh::seal_values(&tools.sealer, id, &values)),
                            access_issued_at: None,
                            access_expires_at: None,
                            refresh_expires_at: None,
                            reauthorize_by: None,
                            refresh_at: None,
                            scopes: None,
                        },
                    };
                    db::credentials::insert(conn, &new)?;
                    let new = NewStore {
                        id: store,
                        app_id: owner,
                        credential_id: id,
                        platform_app_id: None,
                        platform: "woocommerce".to_owned(),
                        method: "keys".to_owned(),
                        platform_store_id: format!("shop-{number}.example.com"),
                        url: None,
                        name: format!("Shop {number}"),
                        customer_id: Some(format!("customer-{number}")),
                        merchant_email: None,
                        merchant_name: None,
                        merchant_locale: None,
                        status: StoreStatus::Connected,
                        values_sealed: None,
                    };
                    db::stores::insert(conn, &new)?;
                    let token = mint(TokenKind::Store, tools.random.bytes());
                    let hash = TokenHash::of(token.expose());
                    db::access_tokens::insert(conn, tools.id(), store, owner, hash, "last")?;
                }
                Ok::<_, db::Error>(())
            })
        })
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_of_thousands_that_is_killed_with_the_server_completes_when_it_is_run_again_without_doubles() {
    let (from, to) = (start().await, Installation::start().await);
    let size = size();
    fill(&from, size);
    let lines = Lines::default();
    let told = export_to(&from, &lines, false).await.unwrap();
    assert_eq!((told.stores, told.left_out.len()), (size as u64, 0));
    let path = |name: &str| to.data.path().join(name).to_str().unwrap().to_owned();
    let (file, passphrase, log) = (path("stores.llavero"), path("passphrase"), path("import.log"));
    std::fs::write(&file, lines.bytes()).unwrap();
    std::fs::write(&passphrase, PASSPHRASE).unwrap();
    let arguments = ["import", &file, "--app", &to.app_id, "--passphrase-file", &passphrase];
    let stores = || count(&to.database, "SELECT count(*) AS n FROM stores");
    let server = || to.serve_with(&["serve", "--work"], &[]);
    let mut serving = server().await;
    let mut first = Process::spawn(&mut program(&arguments, &to.settings()), String::new(), log.into());
    until("some stores are there", async || (stores() >= 100).then_some(())).await;
    first.kill();
    serving.kill();
    let there = stores();
    assert!(there < size as i64, "killed on the way: {there}");
    serving = server().await;
    let again = program(&arguments, &to.settings());
    let again = tokio::task::spawn_blocking(move || {
        let mut again = again;
        again.output().unwrap()
    });
    until("more are there", async || (stores() >= there + 500).then_some(())).await;
    serving.kill();
    serving = server().await;
    let again = again.await.unwrap();
    let said = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(
        again.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&again.stderr)
    );
    let already = said
        .split(", ")
        .nth(2)
        .and_then(|part| part.split(' ').next()?.parse::<i64>().ok());
    assert!(already.is_some_and(|already| already >= there), "{said}");
    for (what, query) in [
        ("stores", "SELECT count(*) AS n FROM stores"),
        ("shops", "SELECT count(DISTINCT platform_store_id) AS n FROM stores"),
        (
            "credentials",
            "SELECT count(*) AS n FROM credentials WHERE values_sealed IS NOT NULL",
        ),
        (
            "tokens",
            "SELECT count(*) AS n FROM access_tokens WHERE revoked_at IS NULL",
        ),
        (
            "events",
            "SELECT count(*) AS n FROM events WHERE kind = 'store.connected'",
        ),
        (
            "jobs",
            "SELECT count(*) AS n FROM jobs WHERE kind = 'verify_credential' AND status IN ('ready', 'running')",
        ),
        (
            "audit",
            "SELECT count(*) AS n FROM audit_events WHERE action = 'store.imported'",
        ),
    ] {
        assert_eq!(count(&to.database, query), size as i64, "{what}");
    }
    let times = "SELECT count(DISTINCT due_at) AS n FROM jobs WHERE kind = 'verify_credential'";
    assert!(count(&to.database, times) > size as i64 * 9 / 10, "spread");
    assert_eq!(listed(&to, &serving).await, size);
    let said = to.command(&arguments);
    let nothing = format!("0 stores imported, 0 thawed, {size} were here");
    assert!(said.starts_with(&nothing), "{said}");
}

/// How many stores the API lists, page by page; none twice.
async fn listed(to: &Installation, serving: &Process) -> usize {
    let (mut ids, mut cursor) = (BTreeSet::new(), String::new());
    loop {
        let path = format!("/v1/stores?limit=200{cursor}");
        let page = to.api(serving, "GET", &path, None).await.json();
        for store in page["data"].as_array().unwrap() {
            let id = store["id"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} is listed twice");
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids.len(),
        }
    }
}
