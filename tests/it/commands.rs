//! What whoever runs an installation does with the built program, and reads by eye or by script.

use serde_json::Value;

use crate::support::connecting::WOOCOMMERCE;
use crate::support::database::TestDatabase;
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

/// What a refused command told, which printed nothing else.
fn refused(it: &Installation, arguments: &[&str]) -> String {
    let (content, told, why) = run(it, arguments);
    assert!(!content && told.is_empty(), "{arguments:?}: {told}{why}");
    why
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_tells_what_is_pending_and_applies_it() {
    let it = Installation::start().await;
    assert_eq!(it.command(&["migrate", "--check"]), "nothing is pending\n");
    assert_eq!(it.command(&["migrate"]), "nothing was pending\n");

    let empty = TestDatabase::empty();
    let with = |arguments: &[&str]| {
        let mut command = program(arguments, &[("DATABASE_URL", empty.url())]);
        let done = command.output().unwrap();
        let text = String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap();
        (done.status.code(), text)
    };
    let (code, told) = with(&["migrate", "--check"]);
    let pending = told.matches("pending: ").count();
    assert!(code == Some(1) && pending > 20, "{told}");
    let tables =
        "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public' AND table_name = 'stores'";
    assert_eq!(empty.count(tables), 0, "looking changes nothing");
    let (code, told) = with(&["migrate"]);
    assert_eq!((code, told.matches("applied ").count()), (Some(0), pending), "{told}");
    assert_eq!(with(&["migrate", "--check"]).0, Some(0));

    let done = program(&["migrate", "--check"], &[]).output().unwrap();
    assert!(!done.status.success() && String::from_utf8_lossy(&done.stderr).contains("DATABASE_URL is missing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_each_thing_that_is_wrong_and_is_content_with_none() {
    let it = Installation::start().await;
    let mut settings = it.settings();
    settings.push(("LLAVERO_PUBLIC_URL", "https://llavero.example".to_owned()));
    let doctor = |settings: &[(&'static str, String)], more: &[&str]| {
        let done = program(&[&["doctor"], more].concat(), settings).output().unwrap();
        (
            done.status.success(),
            String::from_utf8(done.stdout).unwrap(),
            String::from_utf8(done.stderr).unwrap(),
        )
    };
    let (content, told, _) = doctor(&settings, &[]);
    assert!(content && told.lines().all(|line| line.starts_with("ok ")), "{told}");
    let checks = told.lines().count();
    assert!(checks >= 9, "{told}");
    let (content, told, _) = doctor(&settings, &["--json"]);
    let checked = lines(&told);
    assert!(content && checked.len() == checks, "{told}");
    assert!(
        checked
            .iter()
            .all(|line| line["ok"] == true && line["text"].is_string())
    );

    // One thing after another, each alone.
    let wrong = |settings: &[(&'static str, String)], what: &str, words: &str| {
        let (content, told, why) = doctor(settings, &[]);
        let failed: Vec<&str> = told.lines().filter(|line| line.starts_with("FAILED")).collect();
        assert!(!content && why.contains("1 check failed"), "{what}: {told}{why}");
        assert!(
            failed.len() == 1 && failed[0].contains(what) && failed[0].contains(words),
            "{what}: {told}"
        );
    };
    wrong(&it.settings(), "settings", "LLAVERO_PUBLIC_URL");
    let changed = |name: &'static str, value: String| {
        let mut settings = settings.clone();
        settings.retain(|(known, _)| *known != name);
        settings.push((name, value));
        settings
    };
    let gone = changed("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing".to_owned());
    wrong(&gone, "database", "");
    let file = it.data.path().join("file").to_str().unwrap().to_owned();
    std::fs::write(&file, "").unwrap();
    wrong(
        &changed("LLAVERO_JOURNAL_DIR", format!("{file}/journal")),
        "journal",
        "cannot be written",
    );
    let client = "INSERT INTO platform_apps (id, platform, mode, values_sealed, paused_at, pause_code)
                  VALUES (gen_random_uuid(), 'etsy', 'live', 'x', now(), 'invalid_client')";
    rows::execute(&it.database, client);
    wrong(&settings, "platform apps", "etsy");
    rows::execute(&it.database, "DELETE FROM platform_apps");
    let other = it.data.path().join("other.toml").to_str().unwrap().to_owned();
    let other = changed("LLAVERO_KEYS_FILE", other);
    program(&["key", "new"], &other).output().unwrap();
    wrong(&other, "sealed values", "key `k1`");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_ring_is_listed_without_its_material_and_never_overwritten() {
    let it = Installation::start().await;
    let ring = it.data.path().join("keys.toml");
    let before = std::fs::read_to_string(&ring).unwrap();
    assert!(refused(&it, &["key", "new"]).contains("is there already"));
    assert!(refused(&it, &["key", "retire", "k1"]).contains("k1"), "it seals");
    assert!(refused(&it, &["key", "retire", "k9"]).contains("k9"), "no such key");
    assert_eq!(std::fs::read_to_string(&ring).unwrap(), before);

    assert!(it.command(&["key", "rotate"]).contains("`k2` seals"));
    let listed: Value = serde_json::from_str(&it.command(&["key", "list", "--json"])).unwrap();
    let states: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (key["id"].as_str().unwrap(), key["state"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [("k1", "open"), ("k2", "active")]);
    let text = it.command(&["key", "list"]);
    assert_eq!(text.lines().count(), 2);
    let written = std::fs::read_to_string(&ring).unwrap();
    let values = written
        .lines()
        .filter_map(|line| line.split_once(" = \"")?.1.strip_suffix('"'));
    let material: Vec<&str> = values.filter(|value| value.len() > 40).collect();
    assert_eq!(material.len(), 2, "the ring holds both");
    for secret in material {
        assert!(!text.contains(secret) && !listed.to_string().contains(secret));
    }
    let done = program(&["key", "list"], &[]).output().unwrap();
    assert!(!done.status.success() && String::from_utf8_lossy(&done.stderr).contains("LLAVERO_KEYS_FILE is missing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_were_given_up_are_listed_and_run_again() {
    let it = Installation::start().await;
    let made = "INSERT INTO jobs (id, kind, payload, status, last_error, attempts, due_at, finished_at)
                VALUES (gen_random_uuid(), 'purge', '{}', 'failed', 'the disk was full', 5, now(), now())";
    rows::execute(&it.database, made);
    let failed = lines(&it.command(&["job", "list", "--status", "failed", "--json"]));
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (&failed[0]["kind"], &failed[0]["last_error"], &failed[0]["attempts"]),
        (&"purge".into(), &"the disk was full".into(), &5.into())
    );
    let text = it.command(&["job", "list"]);
    assert!(text.contains("purge") && text.contains("the disk was full"), "{text}");
    assert_eq!(it.command(&["job", "list", "--limit", "0"]), "");

    let id = failed[0]["id"].as_str().unwrap();
    assert!(it.command(&["job", "retry", id]).contains("runs at once"));
    assert!(it.command(&["job", "list", "--status", "failed", "--json"]).is_empty());
    let ready = lines(&it.command(&["job", "list", "--status", "ready", "--json"]));
    assert!(
        ready.iter().any(|job| job["id"] == id && job["attempts"] == 0),
        "{ready:?}"
    );
    let noted = "SELECT count(*) AS n FROM audit_events WHERE action = 'job.retried'";
    assert_eq!(rows::count(&it.database, noted), 1);

    rows::execute(&it.database, "UPDATE jobs SET status = 'done', finished_at = now()");
    assert!(refused(&it, &["job", "retry", id]).contains("waits or was given up"));
    assert!(refused(&it, &["job", "retry", &id.replace("job_", "store_")]).contains("invalid value"));
    assert!(refused(&it, &["job", "list", "--status", "broken"]).contains("invalid value"));
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_are_found_shown_and_revoked_for_good() {
    let it = Installation::start().await;
    let process = it.serve().await;
    let held = it.connect(&process, "woocommerce", WOOCOMMERCE).await;
    let listed = |more: &[&str]| lines(&it.command(&[&["store", "list", "--json"], more].concat()));
    for (more, count) in [
        (["--app", it.app_id.as_str()], 1),
        (["--platform", "woocommerce"], 1),
        (["--platform", "shopify"], 0),
        (["--status", "connected"], 1),
        (["--status", "revoked"], 0),
    ] {
        assert_eq!(listed(&more).len(), count, "{more:?}");
    }
    let text = it.command(&["store", "list"]);
    assert!(text.contains(&held.store_id) && text.contains("connected"), "{text}");
    let shown = &lines(&it.command(&["store", "show", &held.store_id, "--json"]))[0];
    assert_eq!(
        (shown["status"].as_str(), &shown["app_id"]),
        (Some("connected"), &it.app_id.as_str().into())
    );
    assert!(it.command(&["store", "show", &held.store_id]).contains("woocommerce"));

    assert_eq!(it.call(&process, &held.access_token, "/anything").await.status, 200);
    assert!(it.command(&["store", "revoke", &held.store_id]).contains("is revoked"));
    until("the token stops", async || {
        (it.call(&process, &held.access_token, "/anything").await.status == 401).then_some(())
    })
    .await;
    // It is for good, and asking again is no error.
    it.command(&["store", "revoke", &held.store_id]);
    assert_eq!(listed(&["--status", "revoked"]).len(), 1);
    let erased = "SELECT count(*) AS n FROM credentials WHERE values_sealed IS NOT NULL";
    assert_eq!(rows::count(&it.database, erased), 0);

    let nobody = "store_01900000000070008000000000000000";
    for command in ["show", "revoke"] {
        assert!(
            refused(&it, &["store", command, nobody]).contains("no store"),
            "{command}"
        );
    }
    assert!(refused(&it, &["store", "revoke", "acme"]).contains("invalid value"));
    assert!(refused(&it, &["store", "list", "--status", "gone"]).contains("invalid value"));
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_are_listed_without_their_secrets() {
    let it = Installation::start().await;
    let listed = it.command(&["app", "list", "--json"]);
    let apps = lines(&listed);
    assert_eq!(
        (apps.len(), &apps[0]["id"], &apps[0]["mode"]),
        (1, &it.app_id.as_str().into(), &"sandbox".into())
    );
    let text = it.command(&["app", "list"]);
    assert!(text.contains(&it.app_id) && text.contains("Shop manager"), "{text}");
    assert!(!(listed + &text).contains("llv_"));
    let add = ["app", "add", "--partner", "Partner", "--name", "Third"];
    assert!(refused(&it, &[&add[..], &["--mode", "rehearsal"]].concat()).contains("invalid value"));
    assert!(refused(&it, &[&add[..], &["--return-url", "not an address"]].concat()).contains("return_urls"));
    assert_eq!(lines(&it.command(&["app", "list", "--json"])).len(), 1);
}
