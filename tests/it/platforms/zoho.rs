//! A client whose data centers have secrets of their own: the one that the callback named is sent its own, any other the
//! client's.

use super::*;

fn sent(accounts_server: &str, values_of_app: &[(&str, &str)]) -> (String, String) {
    let method = method("zoho-inventory", "authorization");
    let mut all = values(&[
        ("client_id", "1000.ABC"),
        ("client_secret", "secret-of-all"),
        ("accounts_server", accounts_server),
        ("refresh_token", "1000.token"),
    ]);
    for (name, value) in values_of_app {
        all.set(*name, *value);
    }
    let request = obtain::refresh(&method, &all, &moment()).unwrap();
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(&request.body).into_owned().collect();
    let secret = pairs.into_iter().find(|(name, _)| name == "client_secret").unwrap().1;
    (request.url.host_str().unwrap().to_owned(), secret)
}

#[test]
fn a_data_center_is_sent_its_own_secret() {
    let own = [
        ("client_secret_eu", "secret-of-eu"),
        ("client_secret_ca", "secret-of-ca"),
    ];
    for (server, secret) in [
        ("accounts.zoho.eu", "secret-of-eu"),
        ("accounts.zohocloud.ca", "secret-of-ca"),
        ("accounts.zoho.com", "secret-of-all"),
        ("accounts.zoho.in", "secret-of-all"),
    ] {
        let server = format!("https://{server}");
        let (host, sent) = sent(&server, &own);
        assert_eq!((format!("https://{host}"), sent.as_str()), (server, secret));
    }
}

#[test]
fn without_secrets_of_their_own_all_data_centers_share_one() {
    assert_eq!(sent("https://accounts.zoho.eu", &[]).1, "secret-of-all");
    assert_eq!(
        sent("https://accounts.zoho.eu", &[("client_secret_eu", "")]).1,
        "secret-of-all"
    );
}
