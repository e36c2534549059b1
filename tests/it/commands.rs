//! What whoever runs an installation does with the built program, and reads by eye or by script.

use serde_json::Value;

use crate::support::installation::Installation;
use crate::support::processes::program;
use crate::support::rows::{self, until};

/// What a command printed on both ways, and whether it was content.
fn run(it: &Installation, arguments: &[&str]) -> (bool, String, String) {
    let done = program(arguments, &it.settings()).output().unwrap();
    (
        done.status.success(),
        String::from_utf8(done.stdout).unwrap(),
        String::from_utf8(done.stderr).unwrap(),
    )
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_trail_is_verified_and_what_was_done_to_it_told() {
    let it = Installation::start().await;
    let _process = it.serve_with(&["serve", "--work"], &[]).await;
    until("the events are chained", async || {
        (rows::count(&it.database, "SELECT count(*) AS n FROM audit_waiting") == 0).then_some(())
    })
    .await;
    let (whole, told, _) = run(&it, &["audit", "verify", "--json"]);
    assert!(whole, "{told}");
    let of_app = lines(&told)
        .into_iter()
        .find(|line| line["app_id"] == it.app_id.as_str())
        .unwrap();
    assert!(of_app["length"].as_i64().unwrap() >= 2);
    assert_eq!(of_app["findings"], serde_json::json!([]));
    let kept = it.data.path().join("kept").to_str().unwrap().to_owned();
    std::fs::write(&kept, &told).unwrap();
    let (whole, told, _) = run(&it, &["audit", "verify", "--since", &kept]);
    assert!(whole && told.contains("whole   installation"), "{told}");

    rows::execute(&it.database, "ALTER TABLE audit_events DISABLE TRIGGER USER");
    rows::execute(
        &it.database,
        "UPDATE audit_events SET actor = 'nobody' WHERE action = 'app.added'",
    );
    let (whole, told, why) = run(&it, &["audit", "verify", "--app", &it.app_id]);
    assert!(!whole && told.contains("BROKEN") && told.contains("altered"), "{told}");
    assert!(why.contains("not what was written"), "{why}");
    let (_, told, _) = run(&it, &["audit", "verify", "--app", &it.app_id, "--json"]);
    assert_eq!(lines(&told)[0]["findings"][0]["fault"], "altered");

    std::fs::write(&kept, "{\"app_id\":null}\n").unwrap();
    let (content, _, why) = run(&it, &["audit", "verify", "--since", &kept]);
    assert!(!content && why.contains("line 1 is not one of"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn api_keys_are_made_listed_rolled_over_and_revoked() {
    let it = Installation::start().await;
    let process = it.serve().await;
    let made = it.command(&[
        "api-key",
        "new",
        "--app",
        &it.app_id,
        "--name",
        "reports",
        "--scope",
        "stores:read",
        "--days",
        "30",
        "--json",
    ]);
    let made = &lines(&made)[0];
    let key = made["key"].as_str().unwrap();
    let status = async |key: &str, path: &str| {
        let url = format!("{}{path}", process.url);
        it.client
            .get(url)
            .bearer_auth(key)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(status(key, "/v1/stores").await, 200);
    assert_eq!(status(key, "/v1/webhook-endpoints").await, 403);

    let id = made["id"].as_str().unwrap();
    let rolled = lines(&it.command(&["api-key", "roll", id, "--overlap", "1", "--json"])).remove(0);
    for key in [key, rolled["key"].as_str().unwrap()] {
        assert_eq!(status(key, "/v1/stores").await, 200);
    }
    let (content, _, why) = run(&it, &["api-key", "roll", id]);
    assert!(!content && why.contains("rolled over already"), "{why}");
    it.command(&["api-key", "revoke", id]);
    assert_eq!(status(key, "/v1/stores").await, 401);
    assert!(!run(&it, &["api-key", "revoke", id]).0);

    let listed = lines(&it.command(&["api-key", "list", "--app", &it.app_id, "--json"]));
    let of = |id: &str| listed.iter().find(|row| row["id"] == id).unwrap();
    assert_eq!(of(id)["state"], "revoked");
    let successor = of(rolled["id"].as_str().unwrap());
    assert_eq!(
        (successor["state"].as_str(), &successor["scopes"]),
        (Some("works"), &made["scopes"])
    );
    let text = it.command(&["api-key", "list", "--app", &it.app_id]);
    assert!(!text.contains(key) && text.contains("reports"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_ring_is_retired_only_when_nothing_needs_it() {
    let it = Installation::start().await;
    it.command(&["key", "rotate"]);
    let (content, _, why) = run(&it, &["key", "retire", "k1"]);
    assert!(
        !content && why.contains("1 values in apps.signing_secret_sealed"),
        "{why}"
    );

    let _process = it.serve_with(&["serve", "--work"], &[]).await;
    let soon = "UPDATE jobs SET due_at = llavero_now() WHERE kind = 'reseal'";
    until("resealing is planned", async || {
        (rows::execute(&it.database, soon) == 1).then_some(())
    })
    .await;
    until("all is sealed with the new key", async || {
        let done = "SELECT count(*) AS n FROM jobs WHERE kind = 'reseal' AND status = 'done'";
        (rows::count(&it.database, done) == 1).then_some(())
    })
    .await;
    it.command(&["key", "retire", "k1"]);
    let ring: Value = serde_json::from_str(&it.command(&["key", "list", "--json"])).unwrap();
    assert_eq!(ring.as_array().unwrap().len(), 1);
    // The next start finds nothing that it cannot open.
    it.command(&["audit", "verify"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_or_made_can_be_read_by_scripts() {
    let it = Installation::start().await;
    it.command(&["admin", "add", "owner@example.com", "--role", "owner"]);
    let admins = lines(&it.command(&["admin", "list", "--json"]));
    assert_eq!(
        (admins[0]["email"].as_str(), admins[0]["role"].as_str()),
        (Some("owner@example.com"), Some("owner"))
    );
    let made = it.command(&["app", "add", "--partner", "Partner", "--name", "Second", "--json"]);
    let made = &lines(&made)[0];
    let apps = lines(&it.command(&["app", "list", "--json"]));
    assert!(apps.iter().any(|app| app["id"] == made["id"]));
    assert!(made["api_key"].as_str().unwrap().starts_with("llv_sk_"));
    let (_, told, _) = run(&it, &["doctor", "--json"]);
    assert!(
        lines(&told)
            .iter()
            .any(|line| line["check"] == "database" && line["ok"] == true)
    );
    for arguments in [["store", "list"], ["job", "list"], ["platform", "list"]] {
        let told = it.command(&[arguments[0], arguments[1], "--json"]);
        lines(&told);
    }
}
