//! Every platform with a code flow, walked through: approve, exchange, verify, refresh; and a bad secret, a used code and
//! a bad token, each answered with the platform's own error. One line a platform, one walk for all.

use actix_web::test::TestRequest;
use serde_json::{Map, Value, json};

use super::code_flows::{BACK, Send, Walk, walks};
use super::{Bench, Reply, with};
use crate::sandbox::signature::{base64, challenge};

async fn ask(bench: &Bench, (uri, how): (&str, Send), pairs: &[(String, String)], headers: &[(&str, &str)]) -> Reply {
    let request = match how {
        Send::Form => TestRequest::post().uri(uri).set_form(pairs),
        Send::Json => {
            let members: Map<String, Value> = pairs.iter().map(|(name, text)| (name.clone(), json!(text))).collect();
            TestRequest::post().uri(uri).set_json(members)
        }
        Send::Get => {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish();
            TestRequest::get().uri(&format!("{uri}?{query}"))
        }
    };
    bench
        .send(with(with(request, headers), &[("User-Agent", "test")]))
        .await
}

fn token_pairs(walk: &Walk, secret: &str, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let id = if walk.slug == "odoo" {
        "sandboxkey00000001"
    } else {
        "sandbox-client"
    };
    if !walk.basic {
        pairs.push((walk.names[1].into(), id.into()));
        pairs.push((walk.names[2].into(), secret.into()));
    }
    pairs.extend(more.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    pairs
}

async fn exchange(bench: &Bench, walk: &Walk, code: &str, secret: &str) -> Reply {
    let mut pairs = token_pairs(walk, secret, &[(walk.names[0], code)]);
    if !walk.grant.is_empty() {
        pairs.push(("grant_type".into(), walk.grant.into()));
    }
    pairs.extend(
        walk.more
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, text)| (name.into(), text.into())),
    );
    let basic = format!("Basic {}", base64(format!("sandbox-client:{secret}").as_bytes()));
    let headers = if walk.basic {
        vec![("Authorization", basic.as_str())]
    } else {
        vec![]
    };
    ask(bench, walk.token, &pairs, &headers).await
}

async fn verify(bench: &Bench, walk: &Walk, token: &str) -> Reply {
    let (method, uri, headers) = walk.verify;
    let request = TestRequest::with_uri(&uri.replace("{t}", token)).method(method.parse().unwrap());
    let headers: Vec<(String, String)> = headers
        .split('|')
        .filter_map(|header| header.split_once(": "))
        .map(|(name, text)| (name.to_owned(), text.replace("{t}", token)))
        .collect();
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    bench.send(with(request, &headers)).await
}

#[actix_web::test]
async fn every_code_flow_works_and_refuses_as_its_platform_does() {
    for walk in walks() {
        let slug = walk.slug;
        let bench = Bench::new();
        let registered = json!({ "callback": "http://localhost/back" });
        assert_eq!(bench.control("/partner", registered).await.status, 200);
        let uri = walk
            .authorize
            .replace("{challenge}", &challenge("S256", "verifier").unwrap());
        let uri = if slug == "tray" { uri } else { format!("{uri}&{BACK}") };
        let back = bench.form(&uri, &[("outcome", "approve")], &[]).await;
        assert_eq!(back.status, 303, "{slug}: {}", back.text);
        assert!(back.location().as_str().starts_with("http://localhost/back"), "{slug}");
        let code = back
            .sent_back(walk.code_from)
            .unwrap_or_else(|| panic!("{slug}: {}", back.location()));
        let denied = bench.form(&uri, &[("outcome", "deny")], &[]).await;
        assert_eq!(denied.status, 303, "{slug}");
        assert!(denied.sent_back("error").is_some(), "{slug}");
        let secret = if slug == "odoo" {
            "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
        } else {
            "sandbox-secret"
        };

        if !walk.errors[0].is_empty() {
            let wrong = exchange(&bench, &walk, &code, "wrong").await;
            assert!(wrong.text.contains(walk.errors[0]), "{slug}: {}", wrong.text);
        }
        let pair = exchange(&bench, &walk, &code, secret).await;
        let access = pair.text_at(walk.access);
        assert!(
            pair.status < 300 && !access.is_empty(),
            "{slug}: {} {}",
            pair.status,
            pair.text
        );
        if !walk.verify.1.is_empty() {
            let known = verify(&bench, &walk, &access).await;
            assert_eq!(known.status, 200, "{slug}: {}", known.text);
            assert_eq!(known.text_at(walk.says.0), walk.says.1, "{slug}: {}", known.text);
            let bad = verify(&bench, &walk, "bad").await;
            assert!(bad.text.contains(walk.errors[2]), "{slug}: {}", bad.text);
        }
        if let Some((pointer, uri)) = walk.refresh {
            refresh(&bench, &walk, pointer, uri, &pair, secret).await;
        }
        let used = exchange(&bench, &walk, &code, secret).await;
        assert!(used.text.contains(walk.errors[1]), "{slug}: {}", used.text);
    }
}

async fn refresh(bench: &Bench, walk: &Walk, pointer: &str, uri: &str, pair: &Reply, secret: &str) {
    let slug = walk.slug;
    let first = if pointer == "/none" { "/refresh_token" } else { pointer };
    let token = pair.text_at(first);
    assert!(!token.is_empty(), "{slug}: {}", pair.text);
    let mut pairs = token_pairs(walk, secret, &[("refresh_token", &token)]);
    let target = if uri == "GET" {
        pairs.truncate(0);
        pairs.push(("refresh_token".into(), token.clone()));
        (walk.token.0, Send::Get)
    } else {
        pairs.push(("grant_type".into(), "refresh_token".into()));
        (if uri.is_empty() { walk.token.0 } else { uri }, walk.token.1)
    };
    let basic = format!("Basic {}", base64(format!("sandbox-client:{secret}").as_bytes()));
    let headers = if walk.basic {
        vec![("Authorization", basic.as_str())]
    } else {
        vec![]
    };
    let renewed = ask(bench, target, &pairs, &headers).await;
    assert!(!renewed.text_at(walk.access).is_empty(), "{slug}: {}", renewed.text);
    if pointer == "/none" {
        assert_eq!(renewed.text_at("/refresh_token"), "", "{slug}");
    }
    let last = pairs.iter_mut().find(|(name, _)| name == "refresh_token").unwrap();
    last.1 = "bad".into();
    let refused = ask(bench, target, &pairs, &headers).await;
    assert_eq!(refused.text_at(walk.access), "", "{slug}: {}", refused.text);
}
