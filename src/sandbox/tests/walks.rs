//! Every platform with a code flow, walked through: approve, exchange, verify, refresh; and a bad secret, a used code and
//! a bad token, each answered with the platform's own error. One line a platform, one walk for all.

use actix_web::test::TestRequest;
use serde_json::{Map, Value, json};

use super::{Bench, Reply, with};
use crate::sandbox::signature::{base64, challenge};

#[derive(Clone, Copy)]
enum Send {
    Form,
    Json,
    Get,
}

struct Walk {
    slug: &'static str,
    authorize: &'static str,
    token: (&'static str, Send),
    /// Sends the client as Basic instead of in the body.
    basic: bool,
    /// Names of code, client id and client secret, and further members as `name=value&...`.
    names: [&'static str; 3],
    grant: &'static str,
    more: &'static str,
    code_from: &'static str,
    access: &'static str,
    refresh: Option<(&'static str, &'static str)>,
    /// Method, address and headers as `name: value|...`, `{t}` = the token.
    verify: (&'static str, &'static str, &'static str),
    /// Where the verify answer says what.
    says: (&'static str, &'static str),
    /// Texts inside the answers to a bad secret, a used code and a bad token.
    errors: [&'static str; 3],
}

const STANDARD: [&str; 3] = ["code", "client_id", "client_secret"];
const BACK: &str = "redirect_uri=http%3A%2F%2Flocalhost%2Fback&state=state0001";
const BEARER: &str = "Authorization: Bearer {t}";

fn walks() -> Vec<Walk> {
    let plain = |slug, authorize, token: &'static str, verify, says, errors| Walk {
        slug,
        authorize,
        token: (token, Send::Form),
        basic: false,
        names: STANDARD,
        grant: "authorization_code",
        more: "redirect_uri=http://localhost/back",
        code_from: "code",
        access: "/access_token",
        refresh: Some(("/refresh_token", token)),
        verify: ("GET", verify, BEARER),
        says,
        errors,
    };
    vec![
        Walk {
            basic: true,
            verify: (
                "GET",
                "/api.allegro.pl/me",
                "Authorization: Bearer {t}|Accept: application/vnd.allegro.public.v1+json",
            ),
            ..plain(
                "allegro",
                "/allegro.pl/auth/oauth/authorize?response_type=code&client_id=sandbox-client",
                "/allegro.pl/auth/oauth/token",
                "",
                ("/id", "44300000"),
                ["invalid_client", "invalid_grant", "invalid_token"],
            )
        },
        Walk {
            code_from: "spapi_oauth_code",
            verify: (
                "GET",
                "/sellingpartnerapi-na.amazon.com/sellers/v1/marketplaceParticipations",
                "x-amz-access-token: {t}",
            ),
            ..plain(
                "amazon",
                "/sellercentral.amazon.com.mx/apps/authorize/consent?application_id=amzn1.sp.solution.1",
                "/api.amazon.com/auth/o2/token",
                "",
                ("/payload/0/storeName", "Simulated seller one"),
                ["invalid_client", "invalid_grant", "revoked, malformed or invalid"],
            )
        },
        Walk {
            token: ("/login.bigcommerce.com/oauth2/token", Send::Json),
            more: "redirect_uri=http://localhost/back&scope=s&context=stores/g5cd38",
            refresh: None,
            verify: (
                "GET",
                "/api.bigcommerce.com/stores/g5cd38/v2/store",
                "X-Auth-Token: {t}",
            ),
            ..plain(
                "bigcommerce",
                "/login.bigcommerce.com/app/sandbox-client/install?",
                "",
                "",
                ("/id", "g5cd38"),
                ["invalid_client", "invalid_grant", "401"],
            )
        },
        Walk {
            basic: true,
            ..plain(
                "bling",
                "/www.bling.com.br/Api/v3/oauth/authorize?response_type=code&client_id=sandbox-client",
                "/api.bling.com.br/Api/v3/oauth/token",
                "/api.bling.com.br/Api/v3/empresas/me/dados-basicos",
                ("/data/id", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
                ["invalid_client", "invalid_grant", "invalid_token"],
            )
        },
        Walk {
            basic: true,
            refresh: Some(("/none", "/api.ebay.com/identity/v1/oauth2/token")),
            ..plain(
                "ebay",
                "/auth.ebay.com/oauth2/authorize?response_type=code&scope=s&client_id=sandbox-client",
                "/api.ebay.com/identity/v1/oauth2/token",
                "/apiz.ebay.com/commerce/identity/v1/user/",
                ("/userId", "k1mUniqueUserOne"),
                ["invalid_client", "invalid_grant", "1001"],
            )
        },
        Walk {
            refresh: None,
            ..plain(
                "ecwid",
                "/my.ecwid.com/api/oauth/authorize?response_type=code&scope=s&client_id=sandbox-client",
                "/my.ecwid.com/api/oauth/token",
                "/app.ecwid.com/api/v3/1003/profile",
                ("/account/accountName", "Simulated store 1003"),
                ["invalid_client", "invalid_grant", "INVALID_API_TOKEN"],
            )
        },
        Walk {
            more: "redirect_uri=http://localhost/back&code_verifier=verifier",
            verify: (
                "GET",
                "/openapi.etsy.com/v3/application/users/me",
                "Authorization: Bearer {t}|x-api-key: sandbox-client:sandbox-secret",
            ),
            ..plain(
                "etsy",
                "/www.etsy.com/oauth/connect?response_type=code&scope=s&client_id=sandbox-client&code_challenge_method=S256&code_challenge={challenge}",
                "/api.etsy.com/v3/public/oauth/token",
                "",
                ("/shop_id", "87654321"),
                ["", "invalid_grant", "invalid_token"],
            )
        },
        plain(
            "jumpseller",
            "/accounts.jumpseller.com/oauth/authorize?response_type=code&client_id=sandbox-client",
            "/accounts.jumpseller.com/oauth/token",
            "/api.jumpseller.com/v1/store/info.json",
            ("/store/code", "acme-jumpseller"),
            ["invalid_client", "invalid_grant", "Unauthorized"],
        ),
        Walk {
            token: ("/app.multivende.com/oauth/access-token", Send::Json),
            access: "/token",
            refresh: Some(("/refreshToken", "/app.multivende.com/oauth/access-token")),
            ..plain(
                "multivende",
                "/app.multivende.com/apps/authorize?response_type=code&client_id=sandbox-client",
                "",
                "/app.multivende.com/api/d/info",
                ("/name", "Comercio Simulado Uno"),
                ["invalid_client", "invalid_grant", "Unauthorized"],
            )
        },
        Walk {
            authorize: "/odoo.acme.com/restapi/1.0/common/oauth2/authorize?response_type=code&client_id=sandboxkey00000001",
            more: "odoo",
            ..plain(
                "odoo",
                "",
                "/odoo.acme.com/restapi/1.0/common/oauth2/access_token",
                "/odoo.acme.com/restapi/1.0/object/res.company/search",
                ("", ""),
                ["invalid_client", "invalid_grant", "invalid_token"],
            )
        },
        Walk {
            basic: true,
            ..plain(
                "quickbooks",
                "/appcenter.intuit.com/connect/oauth2?response_type=code&scope=s&client_id=sandbox-client",
                "/oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
                "/quickbooks.api.intuit.com/v3/company/9130347598765432/companyinfo/9130347598765432",
                ("/CompanyInfo/CompanyName", "Simulated Company One"),
                ["invalid_client", "invalid_grant", "3200"],
            )
        },
        Walk {
            refresh: Some(("/refresh_token", "/login.salesforce.com/services/oauth2/token")),
            ..plain(
                "salesforce",
                "/login.salesforce.com/services/oauth2/authorize?response_type=code&client_id=sandbox-client",
                "/login.salesforce.com/services/oauth2/token",
                "/acme.my.salesforce.com/services/oauth2/userinfo",
                ("/organization_id", "00D000000000001EAA"),
                ["invalid_client", "invalid_grant", "INVALID_SESSION_ID"],
            )
        },
        Walk {
            token: ("/acme.myshoplaza.com/admin/oauth/token", Send::Json),
            verify: ("GET", "/acme.myshoplaza.com/openapi/2026-01/shop", "Access-Token: {t}"),
            ..plain(
                "shoplazza",
                "/acme.myshoplaza.com/admin/oauth/authorize?response_type=code&client_id=sandbox-client",
                "/acme.myshoplaza.com/admin/oauth/token",
                "",
                ("/shop/domain", "acme.myshoplaza.com"),
                ["invalid_client", "invalid_grant", "Unauthorized"],
            )
        },
        Walk {
            basic: true,
            token: ("/login.squarespace.com/api/1/login/oauth/provider/tokens", Send::Json),
            verify: (
                "GET",
                "/api.squarespace.com/1.0/authorization/website",
                "Authorization: Bearer {t}|User-Agent: test",
            ),
            ..plain(
                "squarespace",
                "/login.squarespace.com/api/1/login/oauth/provider/authorize?access_type=offline&scope=s&client_id=sandbox-client",
                "/login.squarespace.com/api/1/login/oauth/provider/tokens",
                "",
                ("/id", "5a5a5a5a5a5a5a5a5a5a5a01"),
                ["invalid_client", "invalid_grant", "AUTHORIZATION_ERROR"],
            )
        },
        Walk {
            token: ("/www.tiendanube.com/apps/authorize/token", Send::Json),
            refresh: None,
            verify: (
                "GET",
                "/api.tiendanube.com/2025-03/1001/store",
                "Authentication: bearer {t}|User-Agent: test",
            ),
            ..plain(
                "tienda-nube",
                "/www.tiendanube.com/apps/sandbox-client/authorize?",
                "",
                "",
                ("/country", "AR"),
                ["invalid_client", "invalid_grant", "Unauthorized"],
            )
        },
        plain(
            "tiny",
            "/accounts.tiny.com.br/realms/tiny/protocol/openid-connect/auth?response_type=code&scope=openid&client_id=sandbox-client",
            "/accounts.tiny.com.br/realms/tiny/protocol/openid-connect/token",
            "/api.tiny.com.br/public-api/v3/info",
            ("/cpfCnpj", "00.000.000/0001-91"),
            ["invalid_client", "invalid_grant", "codigo_erro"],
        ),
        Walk {
            authorize: "/loja.commercesuite.com.br/auth.php?response_type=code&consumer_key=sandbox-client&callback=http%3A%2F%2Flocalhost%2Fback",
            names: ["code", "consumer_key", "consumer_secret"],
            grant: "",
            more: "",
            refresh: Some(("/refresh_token", "GET")),
            verify: ("GET", "/loja.commercesuite.com.br/web_api/info/?access_token={t}", ""),
            ..plain(
                "tray",
                "",
                "/loja.commercesuite.com.br/web_api/auth",
                "",
                ("/cnpj", "00.000.000/0001-91"),
                ["1099", "400", "1000"],
            )
        },
        plain(
            "vend",
            "/secure.retail.lightspeed.app/connect?response_type=code&scope=s&client_id=sandbox-client",
            "/acme.retail.lightspeed.app/api/1.0/token",
            "/acme.retail.lightspeed.app/api/2.0/retailer",
            ("/data/domain_prefix", "acme"),
            ["invalid_client", "invalid_grant", "Unauthorized"],
        ),
        Walk {
            names: ["authorization_code", "client_id", "client_secret"],
            grant: "",
            more: "",
            code_from: "authorization_code",
            refresh: None,
            verify: ("GET", "/api.weebly.com/v1/user", "x-weebly-access-token: {t}"),
            ..plain(
                "weebly",
                "/www.weebly.com/app-center/oauth/authorize?client_id=sandbox-client&user_id=123456&site_id=987654321",
                "/www.weebly.com/app-center/oauth/access_token",
                "",
                ("/user_id", "123456"),
                ["invalid_client", "invalid_grant", "401"],
            )
        },
        Walk {
            more: "redirect_uri=http://localhost/back&code_verifier=verifier",
            verify: (
                "POST",
                "/api.dooki.com.br/v2/auth/me",
                "Authorization: Bearer {t}|X-Partner-Client-ID: sandbox-client",
            ),
            ..plain(
                "yampi",
                "/auth.yampi.com.br/oauth/authorize?response_type=code&client_id=sandbox-client&code_challenge_method=S256&code_challenge={challenge}",
                "/auth.yampi.com.br/oauth/token",
                "",
                ("/data/merchants/0/alias", "minha-loja"),
                ["", "invalid_grant", "Unauthenticated"],
            )
        },
        Walk {
            verify: (
                "GET",
                "/www.zohoapis.com/inventory/v1/organizations",
                "Authorization: Zoho-oauthtoken {t}",
            ),
            ..plain(
                "zoho-inventory",
                "/accounts.zoho.com/oauth/v2/auth?response_type=code&scope=s&access_type=offline&client_id=sandbox-client",
                "/accounts.zoho.com/oauth/v2/token",
                "",
                ("/organizations/0/organization_id", "10234695"),
                ["invalid_client_secret", "invalid_code", "57"],
            )
        },
        Walk {
            token: ("/auth.tiktok-shops.com/api/v2/token/get", Send::Get),
            names: ["auth_code", "app_key", "app_secret"],
            grant: "authorized_code",
            more: "",
            access: "/data/access_token",
            refresh: Some(("/data/refresh_token", "/auth.tiktok-shops.com/api/v2/token/refresh")),
            ..plain(
                "tiktok-shop",
                "/services.tiktokshop.com/open/authorize?service_id=sandbox-client",
                "",
                "",
                ("", ""),
                ["36004002", "36004004", "36009004"],
            )
        },
    ]
}

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
