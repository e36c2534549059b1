//! The edge as a whole: errors take the shape of who asks, headers and cookies are there, forged forms are refused.

use actix_web::body::to_bytes;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, HttpResponse, web};

use crate::domain::problem::Problem;
use crate::web::form::Submitted;
use crate::web::{Error, Frame, Site, routes};

fn site(public_url: &str) -> web::Data<Site> {
    Site::sample(public_url, Box::new(|| [7; 32]))
}

async fn token(page: Frame) -> String {
    page.form_token().to_owned()
}

async fn submit(form: Submitted) -> String {
    form.text("shop").to_owned()
}

async fn fail(path: web::Path<String>) -> Result<HttpResponse, Error> {
    Err(match path.as_str() {
        "outage" => Error::of(Problem::Unavailable).caused_by("connection refused by 10.0.0.1"),
        "unauthenticated" => Error::of(Problem::Unauthenticated),
        _ => Error::invalid("shop", "is not an address"),
    })
}

async fn json(body: web::Json<std::collections::BTreeMap<String, u32>>) -> String {
    body.len().to_string()
}

fn map(config: &mut web::ServiceConfig) {
    for start in ["", "/admin", "/v1"] {
        config
            .service(web::resource(format!("{start}/form")).get(token).post(submit))
            .service(web::resource(format!("{start}/fail/{{how}}")).get(fail).post(fail));
    }
    config.service(web::resource("/v1/json").post(json));
    config.configure(|config| routes::configure(config, None));
}

async fn call_at(public_url: &str, request: TestRequest) -> ServiceResponse {
    let app = App::new()
        .app_data(site(public_url))
        .configure(map)
        .wrap(from_fn(super::edge));
    init_service(app).await.call(request.to_request()).await.unwrap()
}

async fn call(request: TestRequest) -> ServiceResponse {
    call_at("http://localhost:8080", request).await
}

async fn text(response: ServiceResponse) -> String {
    String::from_utf8(to_bytes(response.into_body()).await.unwrap().to_vec()).unwrap()
}

fn header<'a>(response: &'a ServiceResponse, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[actix_web::test]
async fn programs_get_problem_json_and_never_the_cause() {
    let response = call(
        TestRequest::get()
            .uri("/v1/fail/outage")
            .insert_header(("x-request-id", "abc-1")),
    )
    .await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&response, "content-type"), "application/problem+json");
    assert_eq!(
        (header(&response, "retry-after"), header(&response, "x-request-id")),
        ("5", "abc-1")
    );
    let body = text(response).await;
    let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&problem["code"], &problem["status"], &problem["request_id"]),
        (&"unavailable".into(), &503.into(), &"abc-1".into())
    );
    assert!(!body.contains("10.0.0.1"));
}

#[actix_web::test]
async fn people_get_a_page_in_their_language() {
    let request = TestRequest::get()
        .uri("/fail/outage")
        .insert_header(("accept-language", "es-MX"));
    let response = call(request).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = text(response).await;
    assert!(body.contains("<html lang=\"es\">") && !body.contains("10.0.0.1") && !body.contains("error-unavailable"));
}

#[actix_web::test]
async fn every_problem_has_words_in_every_language() {
    let site = site("http://localhost");
    for problem in Problem::ALL {
        for &language in crate::web::i18n::Language::ALL {
            for part in ["title", "text"] {
                let key = format!("error-{}-{part}", problem.code().replace('_', "-"));
                assert!(site.texts.has(language, &key), "{key} in {}", language.as_str());
            }
        }
    }
}

#[actix_web::test]
async fn a_401_names_the_scheme_and_a_signed_out_admin_is_sent_to_sign_in() {
    let response = call(TestRequest::get().uri("/v1/fail/unauthenticated")).await;
    assert_eq!(
        (response.status(), header(&response, "www-authenticate")),
        (StatusCode::UNAUTHORIZED, "Bearer")
    );
    let response = call(TestRequest::get().uri("/admin/fail/unauthenticated")).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(
        header(&response, "location"),
        "/admin/sign-in?next=%2Fadmin%2Ffail%2Funauthenticated"
    );
}

#[actix_web::test]
async fn unknown_addresses_and_methods_are_problems_too() {
    let response = call(TestRequest::get().uri("/v1/nothing")).await;
    assert_eq!(
        (response.status(), header(&response, "content-type")),
        (StatusCode::NOT_FOUND, "application/problem+json")
    );
    let response = call(TestRequest::delete().uri("/v1/json")).await;
    assert_eq!(
        (response.status(), header(&response, "allow")),
        (StatusCode::METHOD_NOT_ALLOWED, "POST")
    );
    assert!(text(response).await.contains("\"method_not_allowed\""));
    assert!(
        text(call(TestRequest::get().uri("/nothing")).await)
            .await
            .starts_with("<!doctype html>")
    );
}

#[actix_web::test]
async fn a_refused_body_tells_the_place_but_repeats_no_value() {
    let request = TestRequest::post()
        .uri("/v1/json")
        .insert_header(("content-type", "application/json"));
    let response = call(request.set_payload("{\"a\": \"llv_sk_secret\"}")).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let body = text(response).await;
    assert!(body.contains("line 1") && !body.contains("llv_sk_secret"), "{body}");
}

#[actix_web::test]
async fn pages_are_not_stored_send_no_referrer_and_run_nothing_inline() {
    let response = call_at("https://llavero.example", TestRequest::get().uri("/form")).await;
    assert_eq!(header(&response, "cache-control"), "no-store");
    assert_eq!(header(&response, "referrer-policy"), "no-referrer");
    let policy = header(&response, "content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe") && !policy.contains(" http:"));
    assert!(header(&response, "set-cookie").starts_with("__Host-llavero_browser="));
    assert!(header(&response, "set-cookie").contains("Secure"));
}

#[actix_web::test]
async fn an_asset_may_be_kept_for_ever() {
    let href = site("http://localhost").assets.href("llavero.css");
    let response = call(TestRequest::get().uri(&href)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(header(&response, "cache-control").contains("immutable"));
    assert_eq!(header(&response, "content-type"), "text/css; charset=utf-8");
}

/// A post of the form with the browser's cookie and `token`.
fn post(uri: &str, cookie: &str, token: &str) -> TestRequest {
    TestRequest::post()
        .uri(uri)
        .insert_header(("cookie", cookie.to_owned()))
        .set_payload(format!("shop=acme&form_token={token}"))
}

#[actix_web::test]
async fn a_form_counts_only_with_its_browsers_token_and_from_our_own_page() {
    for uri in ["/form", "/admin/form"] {
        let shown = call(TestRequest::get().uri(uri)).await;
        let cookie = header(&shown, "set-cookie").split(';').next().unwrap().to_owned();
        let token = text(shown).await;

        let accepted = call(post(uri, &cookie, &token).insert_header(("sec-fetch-site", "same-origin"))).await;
        assert_eq!(
            (accepted.status(), text(accepted).await.as_str()),
            (StatusCode::OK, "acme")
        );
        let null_origin = call(post(uri, &cookie, &token).insert_header(("origin", "null"))).await;
        assert_eq!(null_origin.status(), StatusCode::OK);

        let foreign = call(post(uri, &cookie, &token).insert_header(("sec-fetch-site", "cross-site"))).await;
        assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
        let foreign = call(post(uri, &cookie, &token).insert_header(("origin", "https://evil.example"))).await;
        assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
        assert_eq!(call(post(uri, "", &token)).await.status(), StatusCode::FORBIDDEN);
        assert_eq!(call(post(uri, &cookie, "AAAA")).await.status(), StatusCode::FORBIDDEN);
    }
}
