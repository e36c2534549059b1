//! Several processes on one database: a change is seen by all, and a definition that cannot be used stops none.

use serde_json::Value;

use super::*;
use crate::support::installation::Installation;
use crate::support::processes::Process;
use crate::support::rows::{self, until};

async fn owner_at(installation: &Installation, process: &Process) -> Visitor {
    let said = installation.command(&["admin", "add", "owner@example.com", "--role", "owner"]);
    let token = said.trim().rsplit('/').next().unwrap().to_owned();
    sign_in(&process.url, &Secret::new(token)).await
}

async fn listed(installation: &Installation, process: &Process) -> Option<Value> {
    let answer = installation.api(process, "GET", "/v1/platforms/x-keys", None).await;
    (answer.status == 200).then(|| answer.json())
}

fn say_changed(installation: &Installation) {
    rows::execute(&installation.database, "SELECT pg_notify('llavero', 'platforms')");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_in_one_process_is_seen_in_another_and_a_broken_definition_stops_neither() {
    let installation = Installation::start().await;
    let (first, second) = (installation.serve().await, installation.serve().await);
    let owner = owner_at(&installation, &first).await;
    let made = define(&first.url, &owner, "key", KEY).await;
    assert_eq!(made.status, 303, "{}", made.text());
    until("the other process knows the platform", async || {
        listed(&installation, &second).await
    })
    .await;
    let held = installation
        .connect(&second, "x-keys", &[("api_key", "sandbox-key-one")])
        .await;
    assert_eq!(
        installation.call(&first, &held.access_token, "/orders").await.status,
        200
    );

    let page = owner.get(&format!("{}/admin/custom-platforms/x-keys", first.url)).await;
    let changed = owner
        .submit(&page.form_with("kind"), &[("do", "save"), ("name", "Other keys")])
        .await;
    assert_eq!(changed.status, 303, "{}", changed.text());
    until("the other process knows the name", async || {
        let facts = listed(&installation, &second).await?;
        (facts["name"] == "Other keys").then_some(())
    })
    .await;

    // As a release might leave it that has other words.
    rows::execute(
        &installation.database,
        "UPDATE custom_platforms SET definition = replace(definition, 'client = ', 'costumer = ')",
    );
    say_changed(&installation);
    until("its stores say that it cannot be used", async || {
        let answer = installation.call(&second, &held.access_token, "/orders").await;
        (answer.status == 503).then_some(())
    })
    .await;
    let answer = installation.call(&second, &held.access_token, "/orders").await;
    assert_eq!(answer.json()["code"], "platform_app_misconfigured");
    assert!(answer.body.contains("x-keys"), "{}", answer.body);

    let third = installation.serve().await;
    let ready = installation.api(&third, "GET", "/v1/platforms/shopify", None).await;
    assert_eq!(ready.status, 200, "the others are there");
    assert!(
        third.log().contains("a platform's definition cannot be used"),
        "{}",
        third.log()
    );
    let owner = {
        let said = installation.command(&["admin", "link", "owner@example.com"]);
        let token = said.trim().rsplit('/').next().unwrap().to_owned();
        sign_in(&third.url, &Secret::new(token)).await
    };
    let list = owner.get(&format!("{}{LIST}", third.url)).await;
    assert!(
        list.text().contains("Can't be used") && list.text().contains("costumer"),
        "{}",
        list.text()
    );

    let page = owner.get(&format!("{}/admin/custom-platforms/x-keys", third.url)).await;
    let mended = owner.submit(&page.form_with("kind"), &[("do", "save")]).await;
    assert_eq!(mended.status, 303, "{}", mended.text());
    until("the store works again", async || {
        let answer = installation.call(&second, &held.access_token, "/orders").await;
        (answer.status == 200).then_some(())
    })
    .await;
}
