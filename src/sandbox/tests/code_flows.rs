//! One entry a platform with a code flow: where its pages and calls are, the names it gives them, and what its refusals
//! say. Written from the documentation, as the behaviours are.

#[derive(Clone, Copy)]
pub enum Send {
    Form,
    Json,
    Get,
}

pub struct Walk {
    pub slug: &'static str,
    pub authorize: &'static str,
    pub token: (&'static str, Send),
    /// Sends the client as Basic instead of in the body.
    pub basic: bool,
    /// Names of code, client id and client secret, and further members as `name=value&...`.
    pub names: [&'static str; 3],
    pub grant: &'static str,
    pub more: &'static str,
    pub code_from: &'static str,
    pub access: &'static str,
    pub refresh: Option<(&'static str, &'static str)>,
    /// Method, address and headers as `name: value|...`, `{t}` = the token.
    pub verify: (&'static str, &'static str, &'static str),
    /// Where the verify answer says what.
    pub says: (&'static str, &'static str),
    /// Texts inside the answers to a bad secret, a used code and a bad token.
    pub errors: [&'static str; 3],
}

const STANDARD: [&str; 3] = ["code", "client_id", "client_secret"];
pub const BACK: &str = "redirect_uri=http%3A%2F%2Flocalhost%2Fback&state=state0001";
const BEARER: &str = "Authorization: Bearer {t}";

pub fn walks() -> Vec<Walk> {
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
                ["invalid_client", "invalid_grant", "Bad Request"],
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
            ["invalid_client", "invalid_grant", "Unauthorized"],
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
