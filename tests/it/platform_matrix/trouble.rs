//! The step in which a platform throttles, is down, or says one of these in words of its own that its status hides: nobody
//! dies of it, callers are told to come again, and afterwards all works.

use http::HeaderMap;
use llavero::domain::refresh::FailureKind;
use llavero::platform::answer::FailureRule;
use llavero::platform::descriptor::Renewal;
use llavero::platform::{PlatformAnswer, Values, verify};
use serde_json::json;

use super::shop::Shop;

/// A platform that throttles or is down kills nobody.
pub async fn waited_out(shop: &Shop) {
    let renews = shop.method.renewal != Renewal::Never;
    for (status, code) in [(429, "platform_throttled"), (503, "platform_unavailable")] {
        let calls = if renews { "token" } else { "api" };
        if renews {
            shop.expire().await;
        }
        shop.fault(json!({ "calls": calls, "status": status, "retry_after": 7 }))
            .await;
        let answer = shop.call().await;
        if renews {
            assert_eq!(
                (answer.status, answer.json()["code"].as_str()),
                (503, Some(code)),
                "no wait: {}",
                answer.body
            );
            assert_eq!(answer.header("llavero-source"), "llavero");
        } else {
            assert_eq!(
                (answer.status, answer.header("llavero-source")),
                (status, "platform"),
                "{}",
                answer.body
            );
        }
        assert_eq!(shop.status().await, "connected", "after {status}");
        shop.mend().await;
        shop.works_in_time().await;
    }
    throttled_in_words(shop).await;
}

/// The same where the platform says so in words of its own, with HTTP 200 at some.
async fn throttled_in_words(shop: &Shop) {
    let rules = &shop.method.answer;
    // A status or a header of its own is no word.
    let is_word = |rule: &FailureRule| rule.kind == FailureKind::Throttled && rule.on.reads_body();
    let has = |rules: &[FailureRule]| rules.iter().any(is_word);
    let played = shop.way.throttle.as_ref();
    let (token, call) = (
        played.and_then(|played| played.token.as_ref()),
        played.and_then(|played| played.call.as_ref()),
    );
    assert_eq!(
        (token.is_some(), call.is_some()),
        (has(&rules.token), has(&rules.verify)),
        "the table plays what the catalogue knows"
    );
    let Some(played) = played else { return };
    if let Some(body) = call {
        let answer = PlatformAnswer {
            status: played.status.try_into().unwrap(),
            headers: HeaderMap::new(),
            body: body.to_string().into(),
        };
        let failure = verify::read(&shop.method, &answer, &Values::new()).err();
        assert_eq!(
            failure.map(|failure| failure.kind),
            Some(FailureKind::Throttled),
            "{body}"
        );
        shop.fault(json!({ "calls": "api", "status": played.status, "body": body }))
            .await;
        let answer = shop.call().await;
        let told = (answer.status, answer.header("llavero-source"));
        assert_eq!(told, (played.status, "platform"), "{}", answer.body);
        if shop.method.verify.call.is_some() {
            let path = format!("/v1/stores/{}/verify", shop.store().store_id);
            let verified = shop.app.api("POST", &path, None).await.json();
            assert_eq!(verified["verdict"], "undecided", "{verified}");
        }
        assert_eq!(shop.status().await, "connected", "after {body}");
        shop.mend().await;
        shop.works_in_time().await;
    }
    if let Some(body) = token
        && shop.method.renewal != Renewal::Never
    {
        shop.expire().await;
        shop.fault(json!({ "calls": "token", "status": played.status, "body": body }))
            .await;
        let answer = shop.call().await;
        let told = answer.json();
        assert_eq!(
            (answer.status, told["code"].as_str()),
            (503, Some("platform_throttled")),
            "{told}"
        );
        assert_eq!(shop.status().await, "connected", "after {body}");
        shop.mend().await;
        shop.works_in_time().await;
    }
}
