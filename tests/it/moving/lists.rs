//! Stores that a partner holds the keys of, from a CSV and from Nango: connected as one by one, told line by line.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use serde_json::json;

use crate::support::installation::Installation;
use crate::support::processes::program;
use crate::support::rows::{count, row};

const PATH: &str = "/anything";
const KEY: &str = "ck_5a00000000000000000000000000000000000001";
const SECRET: &str = "cs_5a00000000000000000000000000000000000001";

fn import(installation: &Installation, of: &str, file: &str) -> Output {
    let mut settings = installation.settings();
    settings.push(("LLAVERO_SANDBOX_URL", installation.sandbox.clone()));
    let arguments = ["import", of, file, "--app", &installation.app_id];
    program(&arguments, &settings).output().unwrap()
}

/// The results, by line and with the last word on each.
fn results(file: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(format!("{file}.results.csv")).unwrap();
    let rows = reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>());
    let mut last: Vec<Vec<String>> = Vec::new();
    for row in rows {
        last.retain(|known| known[0] != row[0]);
        last.push(row);
    }
    last
}

fn stdout(done: &Output) -> String {
    String::from_utf8_lossy(&done.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_csv_connects_line_by_line_and_goes_on_where_it_was_interrupted() {
    let it = Installation::start().await;
    let file = it.data.path().join("stores.csv").to_str().unwrap().to_owned();
    let lines = format!(
        "platform,customer_id,name,merchant_email,store_url,consumer_key,consumer_secret\n\
         woocommerce,one,Acme,owner@example.com,https://one.example.com,{KEY},{SECRET}\n\
         nowhere,two,,,,,\n\
         woocommerce,three,,,https://three.example.com,typo,{SECRET}\n\
         woocommerce,four,,,https://four.example.com,{KEY},{SECRET}\n"
    );
    std::fs::write(&file, lines).unwrap();
    let done = import(&it, "--csv", &file);
    assert!(!done.status.success());
    assert!(stdout(&done).starts_with("2 stores connected, 0 authorized again, 0 were done"));
    let told = results(&file);
    let outcomes: Vec<_> = told.iter().map(|row| (row[1].as_str(), row[3].as_str())).collect();
    assert_eq!(
        outcomes,
        [
            ("one", "connected"),
            ("two", "refused"),
            ("three", "refused"),
            ("four", "connected")
        ]
    );
    assert!(told[1][6].contains("not one of ours") && told[2][6].contains("consumer_key"));
    let path = format!("{file}.results.csv");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let named = "SELECT count(*) AS n FROM stores WHERE name = 'Acme' AND merchant_email = 'owner@example.com'";
    assert_eq!(count(&it.database, named), 1);
    let process = it.serve().await;
    assert_eq!(it.call(&process, &told[3][5], PATH).await.status, 200);

    // Interrupted after the connecting of the last line, in the middle of telling it.
    let whole = std::fs::read_to_string(&path).unwrap();
    let cut = whole.rfind("connected").unwrap();
    std::fs::write(&path, &whole[..cut]).unwrap();
    let done = import(&it, "--csv", &file);
    assert!(
        stdout(&done).starts_with("1 stores connected, 0 authorized again, 1 were done"),
        "{}",
        stdout(&done)
    );
    let again = results(&file);
    let last = again.iter().find(|row| row[1] == "four").unwrap();
    assert_eq!(last[4], told[3][4], "the same store");
    assert_eq!(it.call(&process, &last[5], PATH).await.status, 200);
    assert_eq!(count(&it.database, "SELECT count(*) AS n FROM stores"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_there_before_an_interrupted_import_goes_on_working() {
    let it = Installation::start().await;
    let path = |name: &str| it.data.path().join(name).to_str().unwrap().to_owned();
    let (first, second) = (path("first.csv"), path("second.csv"));
    let lines = format!(
        "platform,customer_id,store_url,consumer_key,consumer_secret\n\
         woocommerce,one,https://one.example.com,{KEY},{SECRET}\n"
    );
    for file in [&first, &second] {
        std::fs::write(file, &lines).unwrap();
    }
    import(&it, "--csv", &first);
    let token = results(&first)[0][5].clone();
    let now = row(&it.database, "SELECT llavero_now() AS now")["now"]
        .as_str()
        .unwrap()
        .to_owned();
    // Killed after it had noted that it tries, by this version and by one that did not note when.
    for since in [now.as_str(), ""] {
        let head = "line,customer_id,platform,outcome,store_id,access_token,reason";
        let noted = format!("{head}\n2,one,woocommerce,trying,,,{since}\n");
        std::fs::write(format!("{second}.results.csv"), noted).unwrap();
        let done = import(&it, "--csv", &second);
        assert!(
            stdout(&done).starts_with("0 stores connected, 1 authorized again"),
            "{}",
            stdout(&done)
        );
        let told = results(&second);
        assert_eq!(
            (told[0][3].as_str(), told[0][5].as_str()),
            ("reauthorized", ""),
            "{since}"
        );
    }
    let process = it.serve().await;
    assert_eq!(it.call(&process, &token, PATH).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_nango_become_stores_by_what_the_catalogue_says() {
    let it = Installation::start().await;
    let file = it.data.path().join("connections.json").to_str().unwrap().to_owned();
    let connections = json!({ "connections": [
        {
            "connection_id": "c-1", "provider": "woocommerce", "provider_config_key": "woo-prod",
            "credentials": { "type": "BASIC", "username": KEY, "password": SECRET },
            "connection_config": { "storeURL": "one.example.com" },
            "end_user": { "id": "customer-7", "email": "owner@example.com" },
        },
        {
            "connection_id": "c-2", "provider_config_key": "woocommerce",
            "credentials": { "type": "BASIC", "username": KEY, "password": SECRET },
        },
        {
            "connection_id": "c-3", "provider": "hubspot",
            "credentials": { "type": "OAUTH2", "access_token": "a", "refresh_token": "r", "raw": {} },
        },
        { "connection_id": "c-4", "provider": "github", "credentials": { "type": "APP" } },
    ]});
    std::fs::write(&file, connections.to_string()).unwrap();
    let done = import(&it, "--nango", &file);
    assert!(stdout(&done).starts_with("1 stores connected"), "{}", stdout(&done));
    let told = results(&file);
    assert_eq!((told[0][1].as_str(), told[0][3].as_str()), ("customer-7", "connected"));
    assert!(told[1][6].contains("store_url"), "{:?}", told[1]);
    assert!(told[2][6].contains("no platform here"), "{:?}", told[2]);
    assert!(told[3][6].contains("\"APP\""), "{:?}", told[3]);
    let process = it.serve().await;
    assert_eq!(it.call(&process, &told[0][5], PATH).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_with_a_bad_name_or_address_is_refused_before_its_store_is_made() {
    let it = Installation::start().await;
    let file = it.data.path().join("stores.csv").to_str().unwrap().to_owned();
    let write = |address: &str, name: &str| {
        let lines = format!(
            "platform,customer_id,name,merchant_email,store_url,consumer_key,consumer_secret\n\
             woocommerce,one,Acme,{address},https://one.example.com,{KEY},{SECRET}\n\
             woocommerce,two,{name},two@example.com,https://two.example.com,{KEY},{SECRET}\n"
        );
        std::fs::write(&file, lines).unwrap();
    };
    write("nobody", &"x".repeat(201));
    let done = import(&it, "--csv", &file);
    assert!(!done.status.success());
    let told = results(&file);
    assert!(told.iter().all(|row| row[3] == "refused"), "{told:?}");
    assert!(
        told[0][6].contains("merchant_email") && told[1][6].contains("name"),
        "{told:?}"
    );
    assert_eq!(count(&it.database, "SELECT count(*) AS n FROM stores"), 0);
    // Mended, both are made with all that was said of them.
    write("one@example.com", "Beta");
    let done = import(&it, "--csv", &file);
    assert!(stdout(&done).starts_with("2 stores connected"), "{}", stdout(&done));
    let named = "SELECT count(*) AS n FROM stores WHERE (name, merchant_email) IN (('Acme', 'one@example.com'), ('Beta', 'two@example.com'))";
    assert_eq!(count(&it.database, named), 2);
}
