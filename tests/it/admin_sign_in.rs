//! Guessing at the door of the admin pages: what made-up links and passwords cost, and how many one network may try.

use llavero::broker::{Error, admins};
use llavero::domain::access_token::{TokenKind, mint};
use llavero::domain::admin::{Actor, Role};
use llavero::domain::secret::Secret;

use crate::support::connecting::start;
use crate::support::rows::{count, execute};
use crate::support::test_app::TestApp;

fn password() -> Option<Secret> {
    Some("correct horse battery".into())
}

async fn try_link(app: &TestApp, link: &str, address: &str) -> Result<(), Error> {
    admins::spend_link(&app.app, link, password(), address).await.map(drop)
}

/// Well-formed, and nobody's.
fn made_up(app: &TestApp) -> Secret {
    mint(TokenKind::SignInLink, app.app.random.bytes())
}

fn attempts(app: &TestApp) -> i64 {
    count(&app.database, "SELECT count(*) AS n FROM sign_in_attempts")
}

#[tokio::test]
async fn one_network_may_try_so_many_links_and_others_go_on() {
    let app = start().await;
    for last in 0..30 {
        let tried = try_link(&app, made_up(&app).expose(), &format!("2001:db8:1:2::{last:x}")).await;
        assert!(matches!(tried, Err(Error::LinkExpired)), "{last}: {tried:?}");
    }
    let (_, link) = admins::add(&app.app, "late@example.com", Role::Viewer, Actor::command())
        .await
        .unwrap();
    let tried = try_link(&app, link.expose(), "2001:db8:1:2:ffff::1").await;
    assert!(matches!(tried, Err(Error::RateLimited { .. })), "{tried:?}");
    try_link(&app, link.expose(), "2001:db8:1:3::1").await.unwrap();
    assert_eq!(attempts(&app), 30, "what was right does not count");
}

#[tokio::test]
async fn one_network_may_try_so_many_passwords_from_whichever_of_its_addresses() {
    let app = start().await;
    // As thirty wrong ones would have left it.
    let tried = admins::sign_in(&app.app, "a@example.com", "wrong".into(), "2001:db8:1:2::1")
        .await
        .map(drop);
    assert!(matches!(tried, Err(Error::Unauthenticated)), "{tried:?}");
    let others = "INSERT INTO sign_in_attempts (id, account, address)
        SELECT gen_random_uuid(), 'a' || n, address FROM sign_in_attempts, generate_series(1, 29) n";
    assert_eq!(execute(&app.database, others), 29);
    for (address, refused) in [
        ("2001:db8:1:2:ffff::9", true),
        ("2001:db8:1:3::1", false),
        ("203.0.113.9", false),
    ] {
        let tried = admins::sign_in(&app.app, "b@example.com", "wrong".into(), address)
            .await
            .map(drop);
        assert_eq!(
            matches!(tried, Err(Error::RateLimited { .. })),
            refused,
            "{address}: {tried:?}"
        );
    }
}
