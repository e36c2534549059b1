//! Two installations with rings and databases of their own, moved between by the built program.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::{PASSPHRASE, refused};
use crate::support::connecting::{MERCADO_LIBRE, WOOCOMMERCE};
use crate::support::installation::Installation;
use crate::support::rows::{self, count};

const PATH: &str = "/anything";

struct Move {
    from: Installation,
    to: Installation,
    passphrase: String,
    file: String,
}

impl Move {
    /// Both meet the same platforms.
    async fn prepare() -> Self {
        let from = Installation::start().await;
        let mut to = Installation::start().await;
        to.sandbox = from.sandbox.clone();
        let path = |name: &str| from.data.path().join(name).to_str().unwrap().to_owned();
        let (passphrase, file) = (path("passphrase"), path("stores.llavero"));
        std::fs::write(&passphrase, format!("{PASSPHRASE}\n")).unwrap();
        Self {
            from,
            to,
            passphrase,
            file,
        }
    }

    fn export<'a>(&'a self, of: &'a Installation, file: &'a str) -> [&'a str; 7] {
        let app = of.app_id.as_str();
        [
            "export",
            "--app",
            app,
            "--out",
            file,
            "--passphrase-file",
            &self.passphrase,
        ]
    }

    fn import<'a>(&'a self, to: &'a Installation, file: &'a str) -> [&'a str; 6] {
        let app = to.app_id.as_str();
        ["import", file, "--app", app, "--passphrase-file", &self.passphrase]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_move_with_their_tokens_and_come_home_and_a_refresh_token_is_used_at_one_place_only() {
    let m = Move::prepare().await;
    let (a, b) = (m.from.serve().await, m.to.serve().await);
    let rotating = m.from.connect_expired(&a, "mercado-libre", MERCADO_LIBRE).await;
    let fixed = m.from.connect(&a, "woocommerce", WOOCOMMERCE).await;
    let said = m.from.command(&m.export(&m.from, &m.file));
    assert!(said.starts_with("2 stores exported"), "{said}");
    let mode = std::fs::metadata(&m.file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for store in [&rotating, &fixed] {
        let answer = m.from.call(&a, &store.access_token, PATH).await;
        assert_eq!(answer.json()["code"], "store_frozen");
    }

    let missing = refused(&m.to, &m.import(&m.to, &m.file));
    assert!(missing.contains("no platform app of mercado-libre"), "{missing}");
    assert_eq!(count(&m.to.database, "SELECT count(*) AS n FROM credentials"), 0);
    let client = json!({ "fields": { "client_id": "sandbox-client", "client_secret": "sandbox-secret" } });
    m.to.api(&b, "PUT", "/v1/platforms/mercado-libre/app", Some(client))
        .await;
    let said = m.to.command(&m.import(&m.to, &m.file));
    assert!(said.starts_with("2 stores imported"), "{said}");
    for store in [&rotating, &fixed] {
        let answer = m.to.call(&b, &store.access_token, PATH).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert_eq!(m.to.refreshes("mercado-libre").await.len(), 1);
    let again = m.to.command(&m.import(&m.to, &m.file));
    assert!(again.starts_with("0 stores imported, 0 thawed, 2 were here"), "{again}");
    let told = "SELECT count(*) AS n FROM events WHERE kind = 'store.connected'";
    assert_eq!(count(&m.to.database, told), 2);
    let shown = m.to.command(&["store", "show", &rotating.store_id, "--json"]);
    assert!(shown.contains("\"frozen\":false"), "{shown}");
    let listed = m.from.command(&["store", "list", "--json"]);
    assert_eq!(listed.lines().count(), 2, "{listed}");

    // Home again, with what the refresh there brought; the file of the way there is stale by then.
    let back = format!("{}.back", m.file);
    m.to.command(&m.export(&m.to, &back));
    let said = m.from.command(&m.import(&m.from, &back));
    assert!(said.starts_with("0 stores imported, 2 thawed"), "{said}");
    for store in [&rotating, &fixed] {
        let answer = m.from.call(&a, &store.access_token, PATH).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer = m.to.call(&b, &store.access_token, PATH).await;
        assert_eq!(answer.json()["code"], "store_frozen");
    }
    let stale = refused(&m.to, &m.import(&m.to, &m.file));
    assert!(stale.contains("older than the export"), "{stale}");
    assert_eq!(m.to.refreshes("mercado-libre").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_another_passphrase_or_changed_moved_or_missing_lines_is_refused_before_anything_is_written() {
    let m = Move::prepare().await;
    let a = m.from.serve().await;
    m.from.connect(&a, "woocommerce", WOOCOMMERCE).await;
    rows::execute(&m.from.database, "UPDATE stores SET name = 'Acme'");
    m.from.command(&m.export(&m.from, &m.file));
    let whole = std::fs::read_to_string(&m.file).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    assert_eq!(lines.len(), 4, "header, origin, store, end");
    let mut changed = lines[2].to_owned();
    changed.replace_range(40..41, if &changed[40..41] == "A" { "B" } else { "A" });
    let bad = [
        (
            "changed",
            vec![lines[0], lines[1], &changed, lines[3]],
            "line 3 was changed",
        ),
        ("cut off", lines[..3].to_vec(), "cut off after line 3"),
        ("left out", vec![lines[0], lines[1], lines[3]], "line 3 was changed"),
        (
            "moved",
            vec![lines[0], lines[1], lines[3], lines[2]],
            "line 3 was changed",
        ),
        (
            "twice",
            vec![lines[0], lines[1], lines[2], lines[2], lines[3]],
            "line 4 was changed",
        ),
        ("headless", lines[1..].to_vec(), "not an export"),
        (
            "trailing",
            vec![lines[0], lines[1], lines[2], lines[3], "more"],
            "follows the end",
        ),
    ];
    for (name, lines, why) in bad {
        let file = format!("{}.bad", m.file);
        std::fs::write(&file, lines.join("\n") + "\n").unwrap();
        let said = refused(&m.to, &m.import(&m.to, &file));
        assert!(said.contains(why), "{name}: {said}");
    }
    let wrong = format!("{}.wrong", m.passphrase);
    std::fs::write(&wrong, "correct horse batteries").unwrap();
    let said = refused(
        &m.to,
        &["import", &m.file, "--app", &m.to.app_id, "--passphrase-file", &wrong],
    );
    assert!(said.contains("the passphrase is wrong"), "{said}");
    assert_eq!(count(&m.to.database, "SELECT count(*) AS n FROM credentials"), 0);
    m.to.command(&m.import(&m.to, &m.file));
}
