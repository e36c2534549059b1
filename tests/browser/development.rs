//! Development starts with one command and ends with one key press: Ctrl-C leaves no process behind, and neither a stop
//! nor a crash costs what was made before.

use rustix::process::Signal;

use super::partner::Partner;
use super::process::{all_gone, family};
use super::product::{Development, DevelopmentFolder};

pub async fn walk((): ()) {
    let folder = DevelopmentFolder::new();

    let mut first = folder.start().await;
    let key = first.value("LLAVERO_API_KEY").to_owned();
    let app = first.value("LLAVERO_APP_ID").to_owned();
    let sign_in = first.value("LLAVERO_ADMIN_URL").to_owned();
    assert_eq!(app_of(&first, &key).await, app);
    let running = family(first.process.pid());
    assert!(running.iter().any(|process| process.name == "postgres"), "{running:?}");
    first.process.signal(Signal::INT);
    let ended = first.process.ended().await;
    assert!(ended.success(), "Ctrl-C: {ended}");
    all_gone(&running).await;

    let mut second = folder.start().await;
    assert_eq!(second.value("LLAVERO_API_KEY"), key);
    assert_eq!(second.value("LLAVERO_APP_ID"), app);
    assert_ne!(
        second.value("LLAVERO_ADMIN_URL"),
        sign_in,
        "a sign-in link is for one start"
    );
    assert_eq!(app_of(&second, &key).await, app);
    let running = family(second.process.pid());
    second.process.signal(Signal::KILL);
    second.process.ended().await;
    all_gone(&running).await;

    let third = folder.start().await;
    assert_eq!(third.value("LLAVERO_API_KEY"), key);
    assert_eq!(app_of(&third, &key).await, app);
}

/// The app that answers to a key.
async fn app_of(development: &Development, key: &str) -> String {
    let answer = Partner::new(development.value("LLAVERO_URL"), key).get("/v1/app").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["id"].as_str().unwrap().to_owned()
}
