//! What was done here with stores that were away: revoked ones stay revoked, and those that were revoked at the other
//! installation are revoked here as by anybody.

use llavero::broker::moving::Append;
use llavero::db;
use llavero::db::credentials::NewCredential;
use llavero::domain::id::{CredentialId, StoreId};
use llavero::domain::store::Mode;

use super::{CHEAP, Lines, PASSPHRASE, asker, export_to, import_from};
use crate::support::connecting::start;
use crate::support::partners::other_app;
use crate::support::planted::{self, plant};
use crate::support::rows::{count, row};
use crate::support::test_app::TestApp;

const KEYS: (&str, &str) = ("woocommerce", "keys");

async fn revoke(app: &TestApp, store: StoreId) {
    let answer = app.api("DELETE", &format!("/v1/stores/{store}"), None).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
}

fn told_of(app: &TestApp, kind: &str, store: StoreId) -> (i64, i64) {
    let id = store.to_string();
    let hex = id.rsplit('_').next().unwrap();
    let events = format!("SELECT count(*) AS n FROM events WHERE kind = '{kind}' AND store_id = '{hex}'");
    let (audited, kind) = (
        format!("SELECT count(*) AS n FROM audit_events WHERE subject = '{id}' AND action = "),
        if kind == "store.connected" {
            "store.imported"
        } else {
            kind
        },
    );
    (
        count(&app.database, &events),
        count(&app.database, &format!("{audited}'{kind}'")),
    )
}

#[tokio::test]
async fn a_store_that_was_revoked_at_the_other_installation_is_revoked_here_with_all_that_belongs_to_it() {
    let (here, there) = (start().await, start().await);
    let planted = plant(&here, KEYS, None, 2);
    let (out, back) = (Lines::default(), Lines::default());
    export_to(&here, &out, false).await.unwrap();
    import_from(&there, &out).await;
    let gone = planted.stores[1];
    revoke(&there, gone).await;
    export_to(&there, &back, false).await.unwrap();

    let told = import_from(&here, &back).await;
    assert_eq!((told.thawed, told.refused.len()), (1, 0), "{told:?}");
    assert_eq!(told_of(&here, "store.revoked", gone), (1, 1));
    assert_eq!(told_of(&here, "store.connected", planted.stores[0]), (1, 1));
    let left = row(
        &here.database,
        "SELECT status, values_sealed IS NULL AS erased FROM stores WHERE status = 'revoked'",
    );
    assert_eq!(left["erased"], true, "{left}");
}

#[tokio::test]
async fn a_store_that_was_revoked_here_meanwhile_stays_revoked_and_is_not_announced() {
    let here = start().await;
    let planted = plant(&here, KEYS, None, 2);
    let out = Lines::default();
    export_to(&here, &out, false).await.unwrap();
    let gone = planted.stores[1];
    revoke(&here, gone).await;

    let told = import_from(&here, &out).await;
    assert_eq!((told.thawed, told.already, told.refused.len()), (1, 1, 0), "{told:?}");
    assert_eq!(told_of(&here, "store.connected", gone), (0, 0));
    assert_eq!(told_of(&here, "store.connected", planted.stores[0]), (1, 1));
    let revoked = "SELECT count(*) AS n FROM stores WHERE status = 'revoked'";
    assert_eq!(count(&here.database, revoked), 1);
}

#[tokio::test]
async fn a_line_that_cannot_be_taken_does_not_keep_those_after_it() {
    let (from, to) = (start().await, start().await);
    let (taken, good) = (plant(&from, KEYS, None, 1), plant(&from, KEYS, None, 1));
    let lines = Lines::default();
    export_to(&from, &lines, false).await.unwrap();
    let other = other_app(&to, Mode::Sandbox).await.id;
    let credential: CredentialId = to.app.id();
    let mut new = credential_of(&to, good.credential);
    new.id = credential;
    new.app_id = other;
    let twin = planted::store(taken.stores[0], other, credential, KEYS.0, KEYS.1);
    to.app
        .db
        .run_blocking(move |conn| {
            db::credentials::insert(conn, &new)?;
            db::stores::insert(conn, &twin)
        })
        .unwrap_or_else(|error: db::Error| panic!("{error}"));

    let told = import_from(&to, &lines).await;
    assert_eq!((told.made, told.refused.len()), (1, 1), "{told:?}");
    assert!(
        told.refused[0].contains(&taken.stores[0].to_string()) && told.refused[0].contains("another app"),
        "{told:?}"
    );
}

/// A credential without anything in it.
fn credential_of(app: &TestApp, id: CredentialId) -> NewCredential {
    NewCredential {
        id,
        app_id: app.demo.app_id,
        platform: KEYS.0.to_owned(),
        method: KEYS.1.to_owned(),
        platform_app_id: None,
        granted: db::credentials::Granted {
            values_sealed: None,
            access_issued_at: None,
            access_expires_at: None,
            refresh_expires_at: None,
            reauthorize_by: None,
            refresh_at: None,
            scopes: None,
        },
    }
}

/// A file during whose writing something happens, once.
struct Meanwhile {
    lines: Lines,
    written: usize,
    happens: Option<Box<dyn FnOnce() + Send>>,
}

impl Append for Meanwhile {
    fn append(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.lines.append(line)?;
        self.written += 1;
        // Header, origin, first credential.
        if self.written == 3
            && let Some(happens) = self.happens.take()
        {
            happens();
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_connected_while_the_others_are_exported_goes_with_them() {
    let from = start().await;
    plant(&from, KEYS, None, 1);
    let (tools, owner) = (from.app.clone(), from.demo.app_id);
    // A credential that is there already, so that only its store has to be made meanwhile.
    let late: CredentialId = tools.id();
    let values = llavero::platform::Values::new().with("consumer_key", "planted");
    let mut new = credential_of(&from, late);
    new.granted.values_sealed = Some(llavero::broker::refresh::seal_values(&tools.sealer, late, &values));
    let store = planted::store(tools.id(), owner, late, KEYS.0, KEYS.1);
    let db = tools.db.clone();
    let out = Meanwhile {
        lines: Lines::default(),
        written: 0,
        happens: Some(Box::new(move || {
            db.run_blocking(move |conn| {
                db::credentials::insert(conn, &new)?;
                db::stores::insert(conn, &store)
            })
            .unwrap_or_else(|error: db::Error| panic!("{error}"));
        })),
    };
    let random = tools.random.clone();
    let writer = llavero::broker::moving::Writer::begin(&PASSPHRASE.into(), CHEAP, random, Box::new(out)).unwrap();
    let patience = std::time::Duration::ZERO;
    let told = llavero::broker::moving::export(&from.app, &asker(), owner, false, patience, writer)
        .await
        .unwrap();
    assert_eq!((told.stores, told.left_out.len()), (2, 0));
    assert_eq!(count(&from.database, "SELECT count(*) AS n FROM frozen_credentials"), 2);
}
