//! No token, key or platform secret stands in any address that a browser visits, nor in a page.

use serde_json::json;

use crate::support::connecting::{APPROVE, WAYS, Way, begin, exchange, form_page, start};
use crate::support::test_app::TestApp;
use crate::support::visitor::{Answer, Visitor};

/// Follows every redirect and keeps each address and page.
async fn record(app: &TestApp, visitor: &Visitor, mut answer: Answer, seen: &mut Vec<(String, String)>) -> Answer {
    loop {
        let own = answer.url.as_str().starts_with(&app.url);
        seen.push((
            answer.url.to_string(),
            if own { answer.body.clone() } else { String::new() },
        ));
        let Some(next) = answer.location.clone() else {
            return answer;
        };
        seen.push((next.to_string(), String::new()));
        answer = visitor.get(next.as_str()).await;
    }
}

#[tokio::test]
async fn no_token_or_secret_is_in_any_address_or_page() {
    for (platform, method, fields) in WAYS {
        let app = start().await;
        let way = Way::with(platform, method, fields);
        let visitor = Visitor::new();
        let mut seen = Vec::new();
        let session = begin(&app, json!({ "platform": platform })).await;
        let page = form_page(&app, &visitor, &session.url, &way).await;
        let form = page.form_with("method");
        let typed: Vec<(&str, &str)> = way
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let sent = visitor.submit(&form, &typed).await;
        let mut end = record(&app, &visitor, sent, &mut seen).await;
        if end.url.as_str().starts_with(&app.sandbox) {
            let approved = visitor.press(&end, APPROVE).await;
            end = record(&app, &visitor, approved, &mut seen).await;
        }
        let back = crate::support::connecting::way_back(&end);
        seen.push((back.url.to_string(), String::new()));
        let token = exchange(&app, back.code()).await.json()["access_token"]
            .as_str()
            .unwrap()
            .to_owned();

        let mut secrets = vec![
            token,
            "sandbox-secret".to_owned(),
            "llv_st_".to_owned(),
            "llv_sk_".to_owned(),
        ];
        let secret_names = [
            "client_secret",
            "consumer_secret",
            "consumer_key",
            "api_key",
            "access_token",
        ];
        let typed = way
            .fields
            .iter()
            .filter(|field| secret_names.contains(&field.0.as_str()));
        secrets.extend(typed.map(|field| field.1.clone()));
        let grants = Visitor::new()
            .get(&format!("{}/_control/stores", app.sandbox))
            .await
            .json();
        for grant in grants["data"].as_array().unwrap() {
            for kind in ["access_tokens", "refresh_tokens"] {
                let tokens = grant[kind].as_array().unwrap();
                secrets.extend(tokens.iter().map(|token| token["token"].as_str().unwrap().to_owned()));
            }
        }
        for (url, body) in &seen {
            for secret in &secrets {
                assert!(!url.contains(secret.as_str()), "{platform} {method}: {secret} in {url}");
                assert!(
                    !body.contains(secret.as_str()),
                    "{platform} {method}: {secret} on the page {url}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_link_and_a_code_go_to_no_platform() {
    let app = start().await;
    for (platform, method) in [
        ("mercado-libre", "authorization"),
        ("shopify", "expiring"),
        ("walmart", "keys"),
    ] {
        let session = begin(&app, json!({ "platform": platform })).await;
        crate::support::connecting::walk(&app, &Visitor::new(), &session.url, &Way::good(platform, method)).await;
        for entry in app.received(platform).await {
            let text = entry.to_string();
            assert!(!text.contains("llv_"), "{platform}: {text}");
        }
    }
}
