//! Callback proofs, expiring and fixed tokens, pasted tokens, webhooks.

use llavero::domain::refresh::FailureKind::{AppBroken, Dead, Down, Throttled, Unknown};
use llavero::platform::answer::judge_token;
use llavero::platform::descriptor::{Grace, Renewal};
use llavero::platform::hook::{self, Hook, HookKind, HookRefusal, Received};
use llavero::platform::obtain::{self, CallbackAnswer, CallbackRefusal, Install, Start};
use llavero::platform::signature::{Hash, QueryProof, Writing};
use llavero::platform::{BuildError, FieldProblem, Values, revoke, verify};

use super::*;

fn all() -> Values {
    values(&[
        ("client_id", "key"),
        ("client_secret", "shpss_secret0001"),
        ("scopes", "read_products,write_orders"),
        ("shop", "acme.myshopify.com"),
        ("state", "state0001"),
        ("redirect_uri", "https://llavero.example/connect/callback/shopify"),
        ("code", "code0001"),
        ("access_token", "shpat_1"),
        ("refresh_token", "shprt_1"),
    ])
}

const SIGNED: &str = "code=code0001&hmac=98289896fb98fc59ec7967fcc58eae6da2ab13c1372a457bc42f23f593d21eea&shop=acme.myshopify.com&state=state0001&timestamp=1760000000";

#[test]
fn documented_callback_proofs_hold() {
    let proof = QueryProof {
        hash: Hash::HmacSha256,
        writing: Writing::Hex,
        key: "client_secret".into(),
        parameter: "hmac".into(),
        except: vec!["signature".into()],
        or_raw: false,
    };
    for (key, query, hmac) in [
        (
            "shpss_secret0001",
            "code=code0001&shop=acme.myshopify.com&state=state0001&timestamp=1760000000",
            "98289896fb98fc59ec7967fcc58eae6da2ab13c1372a457bc42f23f593d21eea",
        ),
        (
            "my super secret key",
            "code=some%20code%20goes%20here&shop=the%20shop%20URL&state=some%20nonce%20passed%20from%20auth&timestamp=1760000000",
            "7bc497b2be246d2cdc6f1629b8c51678cbc51b3613b1af3dec4467150d4958cb",
        ),
        (
            "shpss_secret0001",
            "code=code0001&host=YWRtaW4uc2hvcGlmeS5jb20vc3RvcmUvYWNtZQ%3D%3D&shop=acme.myshopify.com&state=state0001&timestamp=1760000000",
            "89f9ba06df92f777bd6a820c4e99d3484669d06ba1bca965bcdf3fe3a5f48e3d",
        ),
    ] {
        assert_eq!(proof.text(&format!("{query}&hmac=x")), query);
        assert!(proof.holds(query, hmac, &[key]));
    }
}

#[test]
fn a_callback_climbs_a_ladder_of_checks() {
    for id in ["expiring", "fixed"] {
        let method = method("shopify", id);
        let read = |query: &str, values: &Values, now| obtain::read_callback(&method, query, values, at(now));
        assert_eq!(
            read(SIGNED, &all(), 1_760_000_090),
            Ok(CallbackAnswer::Approved(values(&[("code", "code0001")])))
        );
        assert_eq!(
            read(SIGNED, &all(), 1_760_000_091),
            Err(CallbackRefusal::StaleTimestamp)
        );
        assert_eq!(
            read(SIGNED, &all(), 1_759_999_909),
            Err(CallbackRefusal::StaleTimestamp)
        );
        let changed = SIGNED.replace("code0001", "code0002");
        assert_eq!(
            read(&changed, &all(), 1_760_000_000),
            Err(CallbackRefusal::BadSignature)
        );
        let unsigned = SIGNED.replace("hmac=", "nohmac=");
        assert_eq!(
            read(&unsigned, &all(), 1_760_000_000),
            Err(CallbackRefusal::MissingParameter("hmac".into()))
        );
        let other = all().with("shop", "other.myshopify.com");
        assert_eq!(read(SIGNED, &other, 1_760_000_000), Err(CallbackRefusal::OtherStore));
        let rolled = all()
            .with("client_secret", "new")
            .with("client_secret_standby", "shpss_secret0001");
        assert!(read(SIGNED, &rolled, 1_760_000_000).is_ok());
        let gone = Values::new().with("shop", "acme.myshopify.com");
        assert_eq!(read(SIGNED, &gone, 1_760_000_000), Err(CallbackRefusal::BadSignature));
    }
}

#[test]
fn only_a_store_of_the_platform_is_gone_to() {
    let method = method("shopify", "expiring");
    let Start::Redirect { url } = obtain::start(&method, &all()).unwrap() else {
        panic!()
    };
    assert_eq!(
        url.as_str().split('?').next(),
        Some("https://acme.myshopify.com/admin/oauth/authorize")
    );
    let sent = query(&url);
    assert_eq!(
        sent.get("scope").map(String::as_str),
        Some("read_products,write_orders")
    );
    assert_eq!(
        sent.keys().collect::<Vec<_>>(),
        ["client_id", "redirect_uri", "scope", "state"]
    );
    let field = method.field("shop").unwrap();
    assert_eq!(
        field.check("https://Acme.myshopify.com/", false).as_deref(),
        Ok("acme.myshopify.com")
    );
    for bad in [
        "evil.example",
        "evil.example/.myshopify.com",
        "acme.myshopify.com.evil.example",
        "acme.myshopify.com@evil.example",
        "evil.example#.myshopify.com",
        "evil.example\\.myshopify.com",
        "a\nb.myshopify.com",
        "\u{430}cme.myshopify.com",
        "..myshopify.com",
    ] {
        assert_eq!(field.check(bad, true), Err(FieldProblem::Pattern), "{bad}");
        let error = obtain::exchange(&method, &all().with("shop", bad), &moment()).unwrap_err();
        assert_eq!(error, BuildError::UnsafeValue("shop".into()), "{bad}");
        assert!(method.root(&all().with("shop", bad)).is_err(), "{bad}");
    }
}

#[test]
fn the_expiring_kind_is_asked_for_and_renewed_in_json() {
    let json = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).unwrap();
    let expiring = method("shopify", "expiring");
    let request = obtain::exchange(&expiring, &all(), &moment()).unwrap().unwrap();
    assert_eq!(
        request.url.as_str(),
        "https://acme.myshopify.com/admin/oauth/access_token"
    );
    assert_eq!(header(&request, "content-type"), Some("application/json"));
    assert_eq!(
        json(&request.body),
        serde_json::json!({"client_id": "key", "client_secret": "shpss_secret0001", "code": "code0001", "expiring": "1"})
    );
    let request = obtain::refresh(&expiring, &all(), &moment()).unwrap();
    assert_eq!(
        json(&request.body),
        serde_json::json!({"grant_type": "refresh_token", "refresh_token": "shprt_1", "client_id": "key", "client_secret": "shpss_secret0001"})
    );
    let body = r#"{"access_token":"shpat_2","scope":"write_orders,write_products","expires_in":3600,"refresh_token":"shprt_2","refresh_token_expires_in":7776000}"#;
    let grant = super::grant(&expiring, &answer(200, body)).unwrap();
    assert_eq!(
        grant.values,
        values(&[("access_token", "shpat_2"), ("refresh_token", "shprt_2")])
    );
    assert_eq!(grant.refresh_expires_in.map(|d| d.as_secs()), Some(7_776_000));
    let granted = grant.scopes.unwrap();
    // A granted write scope is not announced with its read scope.
    assert!(obtain::missing_scopes(&expiring, &all(), &granted).is_empty());
    assert_eq!(
        obtain::missing_scopes(&expiring, &all(), &granted[..1]),
        ["read_products"]
    );
    assert!(matches!(expiring.grace, Grace::UntilFirstUse(_)));

    let fixed = method("shopify", "fixed");
    let request = obtain::exchange(&fixed, &all(), &moment()).unwrap().unwrap();
    assert_eq!(json(&request.body).get("expiring"), None);
    assert_eq!(fixed.renewal, Renewal::Never);
    assert_eq!(
        obtain::refresh(&fixed, &all(), &moment()).unwrap_err(),
        BuildError::NoSuchCall
    );
    assert_eq!(catalogue().platform("shopify").unwrap().default_method().id, "expiring");
}

#[test]
fn a_pasted_token_is_used_as_it_is_and_never_uninstalls_the_merchants_own_app() {
    let method = method("shopify", "admin-token");
    assert_eq!(obtain::start(&method, &all()), Ok(Start::Direct));
    assert!(obtain::exchange(&method, &all(), &moment()).unwrap().is_none());
    assert!(revoke::request(&method, &all(), &moment()).unwrap().is_none());
    assert!(method.app_fields.is_empty());
    let request = verify::request(&method, &all(), &moment()).unwrap().unwrap();
    assert_eq!(header(&request, "x-shopify-access-token"), Some("shpat_1"));
    assert!(request.url.path().ends_with("/graphql.json"));
}

#[test]
fn refused_tokens_are_dead_suspended_stores_are_not() {
    let method = method("shopify", "expiring");
    assert_kinds(
        |answer| judge_token(&method, answer),
        &[
            (400, r#"{"error":"invalid_grant","error_description":"x"}"#, Dead),
            (400, r#"{"error":"invalid_subject_token"}"#, Dead),
            (401, r#"{"error":"invalid_client"}"#, AppBroken),
            (400, r#"{"error":"invalid_request"}"#, Unknown),
            (402, r#"{"errors":"Unavailable Shop"}"#, Down),
            (423, r#"{"errors":"Locked"}"#, Down),
        ],
    );
    assert_outages_kill_nobody(|answer| judge_token(&method, answer));
    assert_kinds(
        |answer| verify::read(&method, answer, &all()).unwrap_err(),
        &[
            (
                401,
                r#"{"errors":"[API] Invalid API key or access token (unrecognized login or wrong password)"}"#,
                Dead,
            ),
            (401, r#"{"errors":"something else"}"#, Unknown),
            (402, "{}", Down),
            (
                200,
                r#"{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}]}"#,
                Throttled,
            ),
            (
                200,
                r#"{"errors":[{"message":"no","extensions":{"code":"ACCESS_DENIED"}}],"data":null}"#,
                Unknown,
            ),
        ],
    );
    let body =
        r#"{"data":{"shop":{"id":"gid://shopify/Shop/1","name":"Acme","myshopifyDomain":"acme.myshopify.com"}}}"#;
    let facts = verify::read(&method, &answer(200, body), &all()).unwrap();
    assert_eq!(facts.platform_store_id.as_deref(), Some("acme.myshopify.com"));
    assert_eq!(
        (facts.name.as_deref(), facts.url.as_deref()),
        (Some("Acme"), Some("https://acme.myshopify.com"))
    );
}

#[test]
fn a_webhook_is_believed_only_with_its_proof() {
    let platform = catalogue().platform("shopify").unwrap().clone();
    let body = br#"{"id":1,"domain":"acme.example","myshopify_domain":"acme.myshopify.com"}"#;
    let proof = Writing::Base64.write(&Hash::HmacSha256.of(b"shpss_secret0001", body));
    let mut headers = HeaderMap::new();
    headers.insert("x-shopify-hmac-sha256", proof.parse().unwrap());
    headers.insert("x-shopify-topic", HeaderValue::from_static("app/uninstalled"));
    headers.insert("x-shopify-shop-domain", HeaderValue::from_static("acme.myshopify.com"));
    let expected = Hook {
        kind: HookKind::Uninstalled,
        happened_at: None,
        topic: "app/uninstalled".into(),
        platform_store_id: Some("acme.myshopify.com".into()),
    };
    let read = |headers: &HeaderMap, body: &[u8]| {
        let received = Received {
            headers,
            query: "",
            body,
        };
        hook::read(&platform, &received, &all(), moment().now)
    };
    assert_eq!(read(&headers, body), Ok(expected));
    assert_eq!(read(&headers, b"{}"), Err(HookRefusal::BadProof));
    assert_eq!(read(&HeaderMap::new(), body), Err(HookRefusal::Missing));
    headers.insert("x-shopify-topic", HeaderValue::from_static("shop/redact"));
    assert_eq!(read(&headers, body).map(|hook| hook.kind), Ok(HookKind::Privacy));
    headers.insert("x-shopify-topic", HeaderValue::from_static("customers/redact"));
    assert_eq!(read(&headers, body).map(|hook| hook.kind), Ok(HookKind::Other));
    // The header is not signed: the text has to say the same.
    headers.insert("x-shopify-shop-domain", HeaderValue::from_static("other.myshopify.com"));
    assert_eq!(read(&headers, body), Err(HookRefusal::BadProof));
}

#[test]
fn a_webhook_that_does_not_name_its_shop_is_asked_about() {
    let platform = catalogue().platform("shopify").unwrap().clone();
    let kind = |topic: &'static str| {
        let body = br#"{"id":1}"#;
        let proof = Writing::Base64.write(&Hash::HmacSha256.of(b"shpss_secret0001", body));
        let mut headers = HeaderMap::new();
        headers.insert("x-shopify-hmac-sha256", proof.parse().unwrap());
        headers.insert("x-shopify-topic", HeaderValue::from_static(topic));
        headers.insert("x-shopify-shop-domain", HeaderValue::from_static("acme.myshopify.com"));
        let received = Received {
            headers: &headers,
            query: "",
            body,
        };
        hook::read(&platform, &received, &all(), moment().now).map(|hook| hook.kind)
    };
    assert_eq!(kind("app/uninstalled"), Ok(HookKind::MaybeUninstalled));
    assert_eq!(kind("shop/redact"), Ok(HookKind::Other));
}

#[test]
fn an_install_from_the_app_store_names_its_store_with_proof() {
    let method = method("shopify", "expiring");
    let text = "host=x&shop=acme.myshopify.com&timestamp=1760000000";
    let hmac = Writing::Hex.write(&Hash::HmacSha256.of(b"shpss_secret0001", text.as_bytes()));
    let app = values(&[("client_secret", "shpss_secret0001")]);
    let read = |query: &str, now| obtain::read_install(&method, query, &app, at(now));
    let named = Install::Begin(values(&[("shop", "acme.myshopify.com")]));
    assert_eq!(read(&format!("{text}&hmac={hmac}"), 1_760_000_000), Ok(Some(named)));
    assert_eq!(
        read(&format!("{text}&hmac={hmac}"), 1_760_001_000),
        Err(CallbackRefusal::StaleTimestamp)
    );
    assert_eq!(
        read(&format!("{text}1&hmac={hmac}"), 1_760_000_000),
        Err(CallbackRefusal::BadSignature)
    );
    let text = "shop=evil.example&timestamp=1760000000";
    let hmac = Writing::Hex.write(&Hash::HmacSha256.of(b"shpss_secret0001", text.as_bytes()));
    assert_eq!(
        read(&format!("{text}&hmac={hmac}"), 1_760_000_000),
        Err(CallbackRefusal::OtherStore)
    );
}

#[test]
fn words_of_a_refusal_on_a_web_page_are_no_verdict() {
    let method = method("shopify", "admin-token");
    let page = answer(401, "<html>Invalid API key or access token</html>");
    assert_eq!(verify::read(&method, &page, &all()).unwrap_err().kind, Down);
}
