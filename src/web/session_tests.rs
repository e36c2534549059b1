//! Sessions over rows in memory: what is stored, what sign-in renews, and what an outage looks like.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, init_service, read_body};
use actix_web::{App, HttpResponse};

use super::*;
use crate::domain::id::Id;
use crate::web::form::Submitted;
use crate::web::{Frame, middleware as edges};

#[derive(Default)]
struct Memory {
    rows: Mutex<HashMap<SessionHash, Value>>,
    away: AtomicBool,
}

impl Memory {
    fn rows(&self) -> Result<std::sync::MutexGuard<'_, HashMap<SessionHash, Value>>, SessionRowsError> {
        match self.away.load(Ordering::SeqCst) {
            true => Err(SessionRowsError("the database is away".into())),
            false => Ok(self.rows.lock().unwrap()),
        }
    }
}

#[async_trait]
impl SessionRows for Memory {
    async fn load(&self, key: SessionHash) -> Result<Option<Value>, SessionRowsError> {
        Ok(self.rows()?.get(&key).cloned())
    }
    async fn save(&self, key: SessionHash, state: Value, _: Duration) -> Result<(), SessionRowsError> {
        self.rows()?.insert(key, state);
        Ok(())
    }
    async fn update(&self, key: SessionHash, state: Value, _: Duration) -> Result<bool, SessionRowsError> {
        Ok(self.rows()?.get_mut(&key).map(|row| *row = state).is_some())
    }
    async fn touch(&self, _: SessionHash, _: Duration) -> Result<(), SessionRowsError> {
        Ok(())
    }
    async fn delete(&self, key: SessionHash) -> Result<(), SessionRowsError> {
        self.rows()?.remove(&key);
        Ok(())
    }
}

async fn enter(session: Session, site: web::Data<Site>) -> HttpResponse {
    flash(
        &session,
        &Flash {
            tone: Tone::Good,
            text: "Welcome".to_owned(),
        },
    );
    match sign_in(&session, &site, AdminId::make(1, [1; 10])) {
        true => HttpResponse::NoContent().finish(),
        false => HttpResponse::InternalServerError().finish(),
    }
}

async fn look(session: Session, page: Frame) -> String {
    let flash = page.flash.as_ref().map_or("", |flash| flash.text.as_str());
    format!("{}|{flash}|{}", admin_id(&session).is_some(), page.form_token())
}

async fn change(_: Submitted) -> &'static str {
    "changed"
}

struct Browser {
    rows: Arc<Memory>,
    cookies: HashMap<String, String>,
    site: web::Data<Site>,
}

impl Browser {
    fn new() -> Self {
        let count = AtomicU8::new(1);
        let site = Site::sample(
            "http://localhost",
            Box::new(move || [count.fetch_add(1, Ordering::SeqCst); 32]),
        );
        Self {
            rows: Arc::default(),
            cookies: HashMap::new(),
            site,
        }
    }

    async fn send(&mut self, request: TestRequest) -> Result<ServiceResponse, actix_web::Error> {
        let admin = web::scope("/admin")
            .wrap(middleware(self.rows.clone(), self.site.clone(), &[9; 64]))
            .service(web::resource("/enter").get(enter))
            .service(web::resource("/look").get(look).post(change));
        let app = App::new()
            .app_data(self.site.clone())
            .service(admin)
            .wrap(from_fn(edges::edge));
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request.insert_header(("cookie", cookies.join("; "))).to_request();
        let response = init_service(app).await.call(request).await?;
        for cookie in response.response().cookies() {
            self.cookies.insert(cookie.name().to_owned(), cookie.value().to_owned());
        }
        Ok(response)
    }

    async fn get(&mut self, uri: &str) -> String {
        let response = self.send(TestRequest::get().uri(uri)).await.unwrap();
        String::from_utf8(read_body(response).await.to_vec()).unwrap()
    }
}

#[actix_web::test]
async fn sign_in_renews_the_session_and_old_form_tokens_end() {
    let mut browser = Browser::new();
    let before = browser.get("/admin/look").await;
    assert!(before.starts_with("false||"));
    browser.get("/admin/enter").await;
    let first = browser.cookies[COOKIE].clone();
    let after = browser.get("/admin/look").await;
    assert!(after.starts_with("true|Welcome|"), "{after}");
    assert!(
        browser.get("/admin/look").await.starts_with("true||"),
        "a message is told once"
    );
    browser.get("/admin/enter").await;
    assert_ne!(first, browser.cookies[COOKIE]);
    assert_eq!(browser.rows.rows().unwrap().len(), 1);

    for (page, status) in [
        (before, StatusCode::FORBIDDEN),
        (browser.get("/admin/look").await, StatusCode::OK),
    ] {
        let token = page.rsplit('|').next().unwrap().to_owned();
        let post = TestRequest::post()
            .uri("/admin/look")
            .set_payload(format!("form_token={token}"));
        assert_eq!(browser.send(post).await.unwrap().status(), status);
    }
}

#[actix_web::test]
async fn the_rows_do_not_hold_the_cookies_key() {
    let mut browser = Browser::new();
    browser.get("/admin/enter").await;
    let cookie = &browser.cookies[COOKIE];
    let rows = browser.rows.rows().unwrap();
    let (key, state) = rows.iter().next().unwrap();
    assert!(!cookie.contains(&URL_SAFE_NO_PAD.encode(key)) && !state.to_string().contains(cookie.as_str()));
}

#[actix_web::test]
async fn rows_out_of_reach_are_503_and_not_signed_out() {
    let mut browser = Browser::new();
    browser.get("/admin/enter").await;
    browser.rows.away.store(true, Ordering::SeqCst);
    let error = browser.send(TestRequest::get().uri("/admin/look")).await.err().unwrap();
    let answer = error.error_response();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    for header in ["retry-after", "x-request-id", "content-security-policy"] {
        assert!(answer.headers().contains_key(header), "{header}");
    }
}
