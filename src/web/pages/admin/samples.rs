//! Every admin page with sample values, rendered in three languages and written to `target/gallery/`, to be looked at. The
//! tests hold what can be told without looking.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::time::Instant;

use actix_web::test::TestRequest;
use actix_web::web;
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::moments::Moment;
use super::*;
use crate::db::types::Texts;
use crate::domain::admin::{ActorKind, Role};
use crate::domain::id::{ApiKeyId, AuditEventId, CredentialId, Id, JobId, NoticeId, PartnerId, RefreshLogId};
use crate::domain::job::JobStatus;
use crate::domain::notice::{Audience, NoticeKind, NoticeStatus};
use crate::domain::refresh::{RefreshOutcome, RefreshTrigger};
use crate::domain::store::{MerchantMail, StatusReason, StoreHealth, StoreStatus};
use crate::platform::Catalogue;
use crate::web::form::{Choice, Form, Input};
use crate::web::i18n::Language;
use crate::web::page::AdminBar;
use crate::web::parts::{Badge, Crumb, Fact, Pager, Tone};
use crate::web::site::SiteOptions;
use crate::web::{Site, urls};

fn now() -> DateTime<Utc> {
    "2026-11-22T10:31:07Z".parse().unwrap()
}

fn ago(minutes: i64) -> DateTime<Utc> {
    now() - TimeDelta::minutes(minutes)
}

fn id<I: Id>() -> I {
    I::make(1_763_800_000_000, [7; 10])
}

fn moment(page: &Frame, minutes: i64) -> Moment {
    Moment::of(page, now(), ago(minutes))
}

fn crumbs(labels: &[&str]) -> Vec<Crumb> {
    let (last, before) = labels.split_last().unwrap();
    let before = before.iter().map(|label| Crumb::link(*label, "/admin"));
    before.chain([Crumb::here(*last)]).collect()
}

fn store() -> db::stores::Store {
    db::stores::Store {
        id: id(),
        app_id: id(),
        credential_id: id(),
        platform_app_id: None,
        platform: "acme-market".to_owned(),
        method: "authorization".to_owned(),
        platform_store_id: "468424240".to_owned(),
        url: Some("https://acme-market.example/TIENDA-NANDU".to_owned()),
        name: "Tienda Ñandú".to_owned(),
        customer_id: Some("4711".to_owned()),
        merchant_email: Some("lucia@example.mx".to_owned()),
        merchant_name: Some("Lucía Peña".to_owned()),
        merchant_locale: Some("es".to_owned()),
        metadata: json!({}),
        status: StoreStatus::NeedsReauthorization,
        status_reason: Some(StatusReason::GrantRefused),
        status_since: ago(190),
        evidence: Some(json!({ "class": "dead", "platform_code": "invalid_grant", "http_status": 400 })),
        health: StoreHealth::RefreshFailing,
        sequence: 4,
        connected_at: ago(90_000),
        updated_at: ago(190),
        last_used_at: Some(ago(3)),
        values_sealed: None,
    }
}

fn app_row() -> db::apps::App {
    db::apps::App {
        id: id(),
        partner_id: PartnerId::make(1, [1; 10]),
        name: "Northwind ERP".to_owned(),
        logo_url: None,
        mode: Mode::Sandbox,
        return_urls: Texts(vec!["https://erp.northwind.example/stores/connected".to_owned()]),
        merchant_mail: MerchantMail::Llavero,
        expose_credentials: false,
        signing_secret_sealed: Vec::new(),
        previous_signing_secret_sealed: None,
        signing_secret_changes_at: None,
        ecartapi_redirect: false,
        created_at: ago(120_000),
    }
}

fn credential() -> db::credentials::Credential {
    db::credentials::Credential {
        id: id(),
        app_id: id(),
        platform: "acme-market".to_owned(),
        method: "authorization".to_owned(),
        platform_app_id: None,
        values_sealed: Some(Vec::new()),
        spares_sealed: None,
        asks_spare: false,
        grant_no: 2,
        saved_attempt: 41,
        next_attempt: 43,
        lease_attempt: None,
        lease_owner: None,
        lease_since: None,
        lease_until: None,
        lease_saved_attempt: None,
        in_doubt_since: None,
        doubt_sent_at: None,
        unsettled_at: None,
        access_issued_at: Some(ago(400)),
        access_expires_at: Some(ago(40)),
        refresh_expires_at: Some(ago(-200_000)),
        reauthorize_by: None,
        refresh_at: Some(ago(-100_000)),
        scopes: Some(Texts(vec![
            "offline_access".to_owned(),
            "read".to_owned(),
            "write".to_owned(),
        ])),
        failing_since: Some(ago(200)),
        failures: 3,
        last_failure: None,
        retry_at: None,
        dead_at: None,
        held_verdict_at: None,
    }
}

fn refresh(outcome: RefreshOutcome, minutes: i64) -> db::refresh_logs::RefreshLog {
    db::refresh_logs::RefreshLog {
        id: RefreshLogId::make(1, [1; 10]),
        app_id: id(),
        credential_id: CredentialId::make(1, [1; 10]),
        platform: "acme-market".to_owned(),
        platform_app_id: None,
        trigger: RefreshTrigger::Call,
        outcome,
        platform_code: Some("invalid_grant".to_owned()),
        http_status: Some(400),
        detail: Some("the refresh token is no longer valid".to_owned()),
        duration_ms: 412,
        grant_no: 2,
        attempt: 42,
        saved_before: 41,
        saved_after: 41,
        started_at: ago(minutes),
    }
}

fn job(status: JobStatus) -> db::jobs::JobRow {
    db::jobs::JobRow {
        id: JobId::make(1_763_800_000_000, [3; 10]),
        kind: "refresh_credential".to_owned(),
        payload: json!({}),
        app_id: None,
        platform: Some("acme-market".to_owned()),
        status,
        due_at: ago(30),
        attempts: 12,
        max_attempts: 12,
        last_error: Some("the platform did not answer within 30 s".to_owned()),
        created_at: ago(300),
        finished_at: None,
    }
}

fn notice() -> db::notices::Notice {
    db::notices::Notice {
        id: NoticeId::make(1, [1; 10]),
        kind: NoticeKind::NeedsReauthorization,
        audience: Audience::Merchant,
        app_id: None,
        store_id: Some(id()),
        platform_app_id: None,
        incident: String::new(),
        recipient: Some("lucia@example.mx".to_owned()),
        language: Language::Es,
        details: json!({}),
        status: NoticeStatus::Sent,
        error: None,
        created_at: ago(189),
        sent_at: Some(ago(188)),
    }
}

fn event(action: &str, subject: String, minutes: i64) -> db::audit::AuditEvent {
    db::audit::AuditEvent {
        id: AuditEventId::make(1, [1; 10]),
        app_id: None,
        actor_kind: ActorKind::Admin,
        actor: Some("admin_1".to_owned()),
        action: action.to_owned(),
        subject,
        details: json!({ "platform": "acme-market", "reason": "revoked_by_admin" }),
        request_id: None,
        at: ago(minutes),
    }
}

fn list_row(page: &Frame, name: &str, status: StoreStatus, health: StoreHealth) -> stores::Row {
    stores::Row {
        href: urls::admin_store(id::<StoreId>()),
        name: name.to_owned(),
        below: page.say_with("admin-customer", [("id", "4711")]),
        platform: "Acme Market".to_owned(),
        app: "Northwind ERP".to_owned(),
        mode: words::mode(page, Mode::Live),
        status: words::status(page, status),
        since: moment(page, 190),
        health: words::health(page, health),
        used: moment(page, 3),
    }
}

fn list_rows(page: &Frame) -> Vec<stores::Row> {
    vec![
        list_row(
            page,
            "Tienda Ñandú",
            StoreStatus::NeedsReauthorization,
            StoreHealth::RefreshFailing,
        ),
        list_row(page, "acme-outlet.example", StoreStatus::Connected, StoreHealth::Ok),
        list_row(
            page,
            "https://shop.a-rather-long-name-of-a-store.example.com/tienda",
            StoreStatus::Connected,
            StoreHealth::RefreshInDoubt,
        ),
        stores::Row {
            health: words::frozen(page),
            ..list_row(page, "moved.example", StoreStatus::Connected, StoreHealth::Ok)
        },
        list_row(page, "Old shop", StoreStatus::Revoked, StoreHealth::Ok),
    ]
}

fn pager(shown: String) -> Pager {
    Pager {
        shown,
        first: "/admin".to_owned(),
        next: "/admin".to_owned(),
    }
}

#[path = "sample_customs.rs"]
mod customs;
#[path = "sample_lists.rs"]
mod lists;
#[path = "sample_pages.rs"]
mod pages;
#[path = "sample_webhooks.rs"]
mod webhooks;

#[expect(clippy::disallowed_methods, reason = "samples time nothing")]
fn site() -> web::Data<Site> {
    let options = SiteOptions {
        public_url: "https://llavero.example".parse().unwrap(),
        sandbox_url: None,
        plain_http_stores: true,
        make_key: Box::new(|| [7; 32]),
        monotonic: Box::new(Instant::now),
    };
    web::Data::new(Site::new(options).unwrap())
}

/// All pages in all languages, by file name.
fn all() -> BTreeMap<String, String> {
    let site = site();
    let mut found = BTreeMap::new();
    for (name, path, render) in pages::ALL {
        for language in Language::ALL {
            let uri = format!("{path}?locale={}", language.as_str());
            let request = TestRequest::get().uri(&uri).app_data(site.clone()).to_http_request();
            let mut page = Frame::of(site.clone(), &request);
            page.admin = Some(AdminBar {
                email: "maria.fernandez@northwind.example".to_owned(),
                role: words::role(&page, Role::Owner),
            });
            found.insert(format!("admin-{name}.{}.html", language.as_str()), render(page));
        }
    }
    found
}

#[test]
fn every_admin_page_renders_and_is_written_to_the_gallery() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/gallery");
    std::fs::create_dir_all(folder.join("assets")).unwrap();
    for (name, content) in site().assets.all() {
        let text = String::from_utf8(content.to_vec()).map(|text| text.replace("url(\"/assets/", "url(\""));
        let content = text.map_or(content.to_vec(), String::into_bytes);
        std::fs::write(folder.join("assets").join(name), content).unwrap();
    }
    for (name, html) in all() {
        std::fs::write(folder.join(name), html.replace("\"/assets/", "\"assets/")).unwrap();
    }
}

#[test]
fn admin_pages_have_one_heading_labelled_fields_words_for_all_and_nothing_inline() {
    for (name, html) in all() {
        let page = scraper::Html::parse_document(&html);
        let found = |what: &str| {
            page.select(&scraper::Selector::parse(what).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!((found("h1").len(), found("main").len()), (1, 1), "{name}");
        for field in found("main .field input, main .field select, main .field textarea") {
            let id = field.value().id().unwrap();
            assert_eq!(found(&format!("label[for='{id}']")).len(), 1, "label of {id} in {name}");
        }
        for form in found("form[method=post]") {
            let token = scraper::Selector::parse("input[name=form_token]").unwrap();
            assert_eq!(form.select(&token).count(), 1, "form token in {name}");
        }
        for cell in found("table.list td:not(.lead)") {
            assert!(
                cell.value().attr("data-label").is_some(),
                "a cell without its label in {name}"
            );
        }
        for refused in [" style=", "<style", "<script", " onclick=", "javascript:"] {
            assert!(!html.contains(refused), "{refused} in {name}");
        }
        // A text that is missing is shown as its key.
        let text: String = page.root_element().text().collect();
        assert!(!text.contains("admin-"), "a missing text in {name}: {text}");
    }
}
