//! Every platform with keys, pasted tokens or log-ins: the well-known ones work, others are answered with the platform's
//! own refusal, and a merchant who removes them is believed.

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::{Bench, Reply, with};
use crate::sandbox::behaviour::Behaviour;
use crate::sandbox::signature::base64;

pub const LONG: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

fn basic(user: &str, password: &str) -> String {
    format!(
        "Authorization: Basic {}",
        base64(format!("{user}:{password}").as_bytes())
    )
}

pub async fn call(bench: &Bench, method: &str, uri: &str, headers: &str, body: Value) -> Reply {
    let mut request = TestRequest::with_uri(uri).method(method.parse().unwrap());
    if !body.is_null() {
        request = request.set_json(body);
    }
    let headers: Vec<(&str, &str)> = headers
        .split('|')
        .filter_map(|header| header.split_once(": "))
        .collect();
    bench.send(with(request, &headers)).await
}

#[actix_web::test]
async fn every_pasted_key_works_and_a_wrong_one_is_refused_as_documented() {
    let store = "/api.bigcommerce.com/stores/g5cd38/v2/store";
    let liverpool = "/liverpool-prod.mirakl.net/api/account";
    // Method, address, good headers, bad headers, text of the refusal.
    let table: Vec<(&str, &str, String, String, &str)> = vec![
        (
            "GET",
            store,
            "X-Auth-Token: sandbox0000000000001".into(),
            "X-Auth-Token: nonsense000000000001".into(),
            "401",
        ),
        (
            "GET",
            "/bling.com.br/Api/v2/produtos/json/?apikey=sandboxkey00001",
            String::new(),
            "x: y".into(),
            "",
        ),
        (
            "GET",
            "/shop.acme.com/api/2.0/stores",
            basic("sandbox-a@example.com", "sandbox-secret"),
            basic("sandbox-a@example.com", "no"),
            "Unauthorized",
        ),
        (
            "GET",
            "/ecartpay.com/api/orders?limit=1",
            "Authorization: Bearer sandbox-tok-1".into(),
            "Authorization: Bearer no".into(),
            "Unauthorized",
        ),
        (
            "GET",
            "/app.ecwid.com/api/v3/1003/profile",
            "Authorization: Bearer secret_sandbox0000000001".into(),
            "Authorization: Bearer secret_no".into(),
            "INVALID_API_TOKEN",
        ),
        (
            "GET",
            "/api.jumpseller.com/v1/store/info.json",
            basic("sandbox00000000001", &LONG[..32]),
            basic("sandbox00000000001", "no"),
            "Unauthorized",
        ),
        (
            "GET",
            "/app.kometia.com/api/v1/products",
            basic("sk_sandbox0001", ""),
            basic("sk_no", ""),
            "Unauthorized",
        ),
        (
            "GET",
            liverpool,
            "Authorization: 5a5a5a5a-0000-0000-0000-000000002045".into(),
            "Authorization: Bearer 5a5a5a5a-0000-0000-0000-000000002045".into(),
            "Unauthorized",
        ),
        (
            "GET",
            "/api.awsli.com.br/v1/categoria?limit=1",
            "Authorization: chave_api 5a5a0000000000000001 aplicacao sandbox-app".into(),
            "Authorization: chave_api 5a5a0000000000000001 aplicacao no".into(),
            "Unauthorized",
        ),
        (
            "GET",
            "/shop.acme.com/rest/default/V1/store/storeConfigs",
            "Authorization: Bearer sandboxtok0000000000000000000001".into(),
            "Authorization: Bearer no".into(),
            "consumer isn't authorized",
        ),
        (
            "GET",
            "/nop.acme.com/api-backend/Store/GetAll",
            "Authorization: Bearer sandbox-tok-1".into(),
            "Authorization: Bearer no".into(),
            "Unauthorized",
        ),
        (
            "POST",
            "/odoo.acme.com/json/2/res.users/context_get",
            format!("Authorization: bearer 5a5a{}", "0".repeat(36)),
            "Authorization: bearer no".into(),
            "Invalid apikey",
        ),
        (
            "GET",
            "/ps.acme.com/api/?output_format=JSON",
            basic("5a5a0000000000000000000000000001", ""),
            basic("no", ""),
            "20",
        ),
        (
            "GET",
            "/ps9.acme.com/api/?output_format=JSON",
            basic("5a5a0000000000000000000000000001", ""),
            basic("no", ""),
            "20",
        ),
        (
            "GET",
            "/acme.myshoplaza.com/openapi/2026-01/shop",
            "Access-Token: sandbox-tok-1".into(),
            "Access-Token: no".into(),
            "Bad Request",
        ),
        (
            "GET",
            "/api.squarespace.com/1.0/authorization/website",
            "Authorization: Bearer sandbox-key-1|User-Agent: t".into(),
            "Authorization: Bearer no|User-Agent: t".into(),
            "AUTHORIZATION_ERROR",
        ),
        (
            "GET",
            "/verskis.acme.lt/api/",
            "Authorization: Bearer sandbox-1".into(),
            "Authorization: Bearer no".into(),
            "Unauthorized",
        ),
        (
            "GET",
            "/acme.vtexcommercestable.com.br/api/orders",
            "X-VTEX-API-AppKey: vtexappkey-sandbox-ABCD|X-VTEX-API-AppToken: SANDBOXSANDBOXSANDBOXSANDBOX".into(),
            "X-VTEX-API-AppKey: vtexappkey-sandbox-ABCD|X-VTEX-API-AppToken: NO".into(),
            "Access denied",
        ),
        (
            "POST",
            "/api.dooki.com.br/v2/auth/me",
            "User-Token: sandbox0000000001|User-Secret-Key: sk_sandboxsandboxsandbox".into(),
            "User-Token: sandbox0000000001|User-Secret-Key: no".into(),
            "Unauthenticated",
        ),
    ];
    for (method, uri, good, bad, refusal) in table {
        let bench = Bench::new();
        let known = call(&bench, method, uri, &good, Value::Null).await;
        assert_eq!(known.status, 200, "{uri}: {}", known.text);
        let refused = call(&bench, method, uri, &bad, Value::Null).await;
        assert!(refused.text.contains(refusal), "{uri}: {}", refused.text);
    }
}

#[actix_web::test]
async fn bodies_may_hold_keys() {
    let bench = Bench::new();
    let uri = "/acme.vtexcommercestable.com.br/api/vtexid/apptoken/login";
    let good = json!({ "appkey": "vtexappkey-sandbox-ABCD", "apptoken": "SANDBOXSANDBOXSANDBOXSANDBOX" });
    let known = call(&bench, "POST", uri, "", good).await;
    assert_eq!(known.text_at("/authStatus"), "Success", "{}", known.text);
    assert_eq!(known.text_at("/token").split('.').count(), 3);
    let bad = call(
        &bench,
        "POST",
        uri,
        "",
        json!({ "appkey": "vtexappkey-sandbox-ABCD", "apptoken": "NO" }),
    )
    .await;
    assert_eq!(bad.status, 401);

    let uri = "/api.tiny.com.br/api2/info.php";
    let token = "sandbox0000000000000000000000000001";
    let known = bench.form(uri, &[("token", token), ("formato", "json")], &[]).await;
    assert_eq!(
        known.text_at("/retorno/conta/cnpj_cpf"),
        "00.000.000/0001-91",
        "{}",
        known.text
    );
    let bad = bench.form(uri, &[("token", "no")], &[]).await;
    assert_eq!((bad.status, bad.text_at("/retorno/codigo_erro")), (200, "2".into()));
}

#[actix_web::test]
async fn logins_bring_tokens_and_wrong_passwords_do_not() {
    let bench = Bench::new();
    let uri = "/nop.acme.com/api-backend/Authenticate/GetToken";
    let user = |password: &str| json!({ "username": "sandbox-api", "email": "sandbox-api", "password": password });
    let token = call(&bench, "POST", uri, "", user("sandbox-secret"))
        .await
        .text_at("/token");
    let bearer = format!("Authorization: Bearer {token}");
    let stores = "/nop.acme.com/api-backend/Store/GetAll";
    assert_eq!(call(&bench, "GET", stores, &bearer, Value::Null).await.status, 200);
    let refused = call(&bench, "POST", uri, "", user("no")).await;
    assert_eq!(
        (refused.status, refused.text.as_str()),
        (401, "Username or password is incorrect")
    );
    bench.pass(604_800);
    assert_eq!(call(&bench, "GET", stores, &bearer, Value::Null).await.status, 401);

    let uri = "/acme.unicommerce.com/oauth/token?grant_type=password&client_id=my-trusted-client&username=sandbox-a&password=";
    let first = bench.get(&format!("{uri}sandbox-secret"), &[]).await;
    bench.pass(100);
    let second = bench.get(&format!("{uri}sandbox-secret"), &[]).await;
    assert_eq!(first.text_at("/access_token"), second.text_at("/access_token"));
    assert_eq!(second.json()["expires_in"], 43_100);
    assert_eq!(
        bench.get(&format!("{uri}no"), &[]).await.text_at("/error"),
        "invalid_grant"
    );
    let again = format!(
        "/acme.unicommerce.com/oauth/token?grant_type=refresh_token&client_id=my-trusted-client&refresh_token={}",
        first.text_at("/refresh_token")
    );
    assert_eq!(
        bench.get(&again, &[]).await.text_at("/refresh_token"),
        first.text_at("/refresh_token")
    );
    bench.pass(2_592_000);
    assert_eq!(bench.get(&again, &[]).await.text_at("/error"), "invalid_grant");

    let pasted = json!({ "refresh_token": "sandbox_refresh_acme-0001" });
    let renewed = call(&bench, "POST", "/public-api.shiphero.com/auth/refresh", "", pasted).await;
    assert!(renewed.json().get("refresh_token").is_none());
    let bearer = format!("Authorization: Bearer {}", renewed.text_at("/access_token"));
    let account = call(
        &bench,
        "POST",
        "/public-api.shiphero.com/graphql",
        &bearer,
        json!({ "query": "{}" }),
    )
    .await;
    assert_eq!(account.status, 200, "{}", account.text);
    let user = json!({ "username": "sandbox-a", "password": "sandbox-secret" });
    let pair = call(&bench, "POST", "/public-api.shiphero.com/auth/token", "", user).await;
    let again = json!({ "refresh_token": pair.text_at("/refresh_token") });
    assert_eq!(
        call(&bench, "POST", "/public-api.shiphero.com/auth/refresh", "", again)
            .await
            .status,
        200
    );
    let bad = json!({ "refresh_token": "no" });
    assert_eq!(
        call(&bench, "POST", "/public-api.shiphero.com/auth/refresh", "", bad)
            .await
            .status,
        401
    );
}

#[actix_web::test]
async fn clients_ask_for_tokens_of_their_own() {
    let bench = Bench::new();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "sandbox-a"),
        ("client_secret", "sandbox-secret"),
    ];
    let uri = "/auth.octopia-io.net/auth/realms/maas/protocol/openid-connect/token";
    let bearer = format!(
        "Authorization: Bearer {}",
        bench.form(uri, &form, &[]).await.text_at("/access_token")
    );
    let sellers = "/api.octopia-io.net/seller/v2/sellers";
    let known = call(
        &bench,
        "GET",
        sellers,
        &format!("{bearer}|SellerId: 98979"),
        Value::Null,
    )
    .await;
    assert_eq!(known.text_at("/shop_name"), "Simulated seller 98979", "{}", known.text);
    assert_eq!(
        call(&bench, "GET", sellers, &format!("{bearer}|SellerId: 1"), Value::Null)
            .await
            .status,
        403
    );

    let uri = "/shop.acme.com/admin-api/access_token";
    let infos = "/shop.acme.com/admin-api/api-clients/infos";
    let none = format!(
        "Authorization: Bearer {}",
        bench.form(uri, &form, &[]).await.text_at("/access_token")
    );
    assert_eq!(call(&bench, "GET", infos, &none, Value::Null).await.status, 200);
    let orders = "/shop.acme.com/admin-api/orders";
    assert_eq!(
        call(&bench, "GET", orders, &none, Value::Null).await.text_at("/detail"),
        "Invalid scope."
    );
    let scoped = [form[0], form[1], form[2], ("scope[]", "order_read")];
    let good = format!(
        "Authorization: Bearer {}",
        bench.form(uri, &scoped, &[]).await.text_at("/access_token")
    );
    assert_eq!(call(&bench, "GET", orders, &good, Value::Null).await.status, 200);

    let keys = basic("sandbox-pub-1", "sandbox-secret");
    let token = call(
        &bench,
        "POST",
        "/ecartpay.com/api/authorizations/token",
        &keys,
        Value::Null,
    )
    .await
    .text_at("/token");
    let orders = "/ecartpay.com/api/orders?limit=1";
    assert_eq!(
        call(&bench, "GET", orders, &format!("Authorization: {token}"), Value::Null)
            .await
            .status,
        200
    );
}

#[actix_web::test]
async fn an_odoo_key_renews_itself() {
    let bench = Bench::new();
    let old = format!("5a5a{}", "0".repeat(36));
    let generate = "/odoo.acme.com/json/2/res.users.apikeys/generate";
    let order = json!({ "key": old, "scope": null, "name": "broker", "expiration_date": "2026-01-01" });
    let fresh = call(&bench, "POST", generate, &format!("Authorization: bearer {old}"), order).await;
    let fresh = fresh.json().as_str().unwrap().to_owned();
    let bearer = format!("Authorization: bearer {fresh}");
    let revoke = "/odoo.acme.com/json/2/res.users.apikeys/revoke";
    assert_eq!(
        call(&bench, "POST", revoke, &bearer, json!({ "key": old }))
            .await
            .status,
        200
    );
    let me = "/odoo.acme.com/json/2/res.users/context_get";
    assert_eq!(call(&bench, "POST", me, &bearer, json!({})).await.status, 200);
    assert_eq!(
        call(&bench, "POST", me, &format!("Authorization: bearer {old}"), json!({}))
            .await
            .status,
        401
    );
    let long = json!({ "key": fresh, "scope": null, "name": "broker", "expiration_date": "2026-02-01" });
    assert_eq!(call(&bench, "POST", generate, &bearer, long).await.status, 422);
    bench.pass(84 * 86_400);
    assert_eq!(call(&bench, "POST", me, &bearer, json!({})).await.status, 401);
}

#[test]
fn every_platform_can_be_refused_and_says_how() {
    let all = Behaviour::embedded().unwrap();
    assert_eq!(all.len(), 51 + 2, "two are nobody's");
    for behaviour in all {
        let connects = behaviour.token.is_some() || !behaviour.call.keys.is_empty() || behaviour.quirk.is_some();
        assert!(connects, "{}", behaviour.slug);
        let refuses = behaviour
            .errors
            .keys()
            .any(|problem| format!("{problem:?}").starts_with("Credential"));
        assert!(refuses, "{}", behaviour.slug);
        assert!(
            !behaviour.clients.on_first_use.is_empty() || !behaviour.clients.demo.is_empty(),
            "{}",
            behaviour.slug
        );
    }
}
