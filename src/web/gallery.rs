//! Every template part on sample pages, written to `target/gallery/` in three languages, to be looked at (small and large,
//! light and dark). `gallery_checks.rs` holds what can be told without looking.

use std::collections::BTreeMap;
use std::path::PathBuf;

use actix_web::test::TestRequest;
use actix_web::web;
use askama::Template;

use super::form::{Choice, Form, Input};
use super::i18n::Language;
use super::page::AdminBar;
use super::parts::*;
use super::urls::Group;
use super::{Error, Frame, Site};
use crate::domain::problem::Problem;

#[derive(Template)]
#[template(path = "gallery/connect.html")]
struct Connect {
    page: Frame,
    steps: Vec<Step>,
    left: Plate,
    right: Plate,
    form: Form,
}

#[derive(Template)]
#[template(path = "gallery/choose.html")]
struct Choose {
    page: Frame,
    choices: Vec<PlatformChoice>,
}

#[derive(Template)]
#[template(path = "gallery/done.html")]
struct Done {
    page: Frame,
}

#[derive(Template)]
#[template(path = "gallery/overview.html")]
struct Overview {
    page: Frame,
    crumbs: Vec<Crumb>,
    figures: Vec<Figure>,
    chart: Bars,
    rows: Vec<(&'static str, &'static str, &'static str, Badge, Badge)>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "gallery/store.html")]
struct Store {
    page: Frame,
    crumbs: Vec<Crumb>,
    badge: Badge,
    facts: Vec<Fact>,
    events: Vec<Event>,
    curl: &'static str,
}

fn site() -> web::Data<Site> {
    Site::sample("http://localhost", Box::new(|| [7; 32]))
}

fn connect(mut page: Frame) -> String {
    page.sandbox = true;
    let choices = ["Read", "Read and write"].map(|label| Choice {
        value: label.to_owned(),
        label: label.to_owned(),
    });
    let mut form = Form::new(vec![
        Input::code("store_url", "Store address")
            .help("Address of the site, with https and with its folder if it lives in one")
            .example("https://shop.acme.com")
            .value("http:/shop.acme"),
        Input::code("consumer_key", "Consumer key")
            .help("OpenCounter > Settings > Advanced > API > Add key")
            .example("ck_0123456789abcdef0123456789abcdef01234567"),
        Input::secret("consumer_secret", "Consumer secret").help("Shown once, beside the consumer key"),
        Input::select("permission", "Permission", choices.into()),
        Input::area("note", "Note").optional(),
        Input::check("agree", "I may connect this store on behalf of its owner"),
    ]);
    form.refuse("store_url", "This is not a web address.");
    form.refuse("consumer_secret", "OpenCounter does not accept this key.");
    let (left, right) = (Plate::new("Northwind ERP", ""), Plate::new("OpenCounter", ""));
    let steps = Step::list(["Choose", "Details", "Approve", "Done"].map(str::to_owned), 1);
    Connect {
        page,
        steps,
        left,
        right,
        form,
    }
    .render()
    .unwrap()
}

fn choose(page: Frame) -> String {
    let names = [
        "Almacenia",
        "Feria Abierta",
        "Northgate Commerce Cloud (Lyra)",
        "Vendora",
        "Bigbarn Marketplace",
        "OpenCounter",
    ];
    let choice = |name: &str| PlatformChoice {
        plate: Plate::new(name, ""),
        href: "/x".to_owned(),
        note: if name.len() > 12 {
            "Sign in there and approve".to_owned()
        } else {
            "With an API key".to_owned()
        },
        find: String::new(),
    };
    Choose {
        page,
        choices: names.map(choice).into(),
    }
    .render()
    .unwrap()
}

fn done(mut page: Frame) -> String {
    page.flash = Some(Flash {
        tone: Tone::Good,
        text: "Saved.".to_owned(),
    });
    Done { page }.render().unwrap()
}

fn admin(mut page: Frame) -> Frame {
    page.admin = Some(AdminBar {
        email: "maría.fernández-de-la-vega@northwind.example".to_owned(),
        role: "Operator".to_owned(),
    });
    page
}

fn overview(page: Frame) -> String {
    let figure = |value: &str, label: &str, tone, href: &str| Figure {
        value: value.to_owned(),
        label: label.to_owned(),
        tone,
        href: href.to_owned(),
    };
    let bar = |(at, (good, bad)): (usize, &(u64, u64))| Bar {
        label: format!("{at} Nov"),
        good: *good,
        bad: *bad,
    };
    let counts = [
        (120, 0),
        (130, 2),
        (90, 0),
        (70, 40),
        (140, 5),
        (150, 0),
        (155, 1),
        (80, 0),
        (60, 0),
        (152, 3),
        (149, 0),
        (160, 0),
        (30, 90),
        (155, 4),
    ];
    let mut page = admin(page);
    page.flash = Some(Flash {
        tone: Tone::Good,
        text: "The store was verified: the platform accepts it.".to_owned(),
    });
    Overview {
        page,
        crumbs: vec![Crumb::link("Overview", "/admin"), Crumb::here("Stores")],
        figures: vec![
            figure("1,284", "connected", Tone::Good, "/a"),
            figure("7", "need re-authorization", Tone::Bad, "/b"),
            figure("3", "refresh failing", Tone::Warn, "/c"),
            figure("41", "expire within 30 days", Tone::Info, "/d"),
            figure("99.98 %", "calls answered", Tone::Good, ""),
        ],
        chart: Bars {
            title: "Refreshes a day".to_owned(),
            good: "succeeded".to_owned(),
            bad: "failed".to_owned(),
            bars: counts.iter().enumerate().map(bar).collect(),
        },
        rows: vec![
            (
                "Tienda Ñandú",
                "customer 4711",
                "Feria Abierta",
                Badge::new(Tone::Good, "Connected"),
                Badge::new(Tone::Good, "OK"),
            ),
            (
                "acme-outlet.vendora.example",
                "customer 12",
                "Vendora",
                Badge::new(Tone::Bad, "Needs re-authorization"),
                Badge::new(Tone::Warn, "Refresh in doubt"),
            ),
            (
                "https://shop.a-rather-long-name-of-a-store.example.com/tienda",
                "customer 9",
                "OpenCounter",
                Badge::new(Tone::Idle, "Revoked"),
                Badge::new(Tone::Info, "Platform unavailable"),
            ),
        ],
        pager: Pager {
            shown: "50 stores".to_owned(),
            first: "/a".to_owned(),
            next: "/b".to_owned(),
        },
    }
    .render()
    .unwrap()
}

fn store(page: Frame) -> String {
    let event = |tone, title: &str, detail: &str| Event {
        tone,
        title: title.to_owned(),
        at: "2026-11-20T10:12:00Z".to_owned(),
        when: "20 Nov 2026, 10:12 UTC".to_owned(),
        detail: detail.to_owned(),
    };
    let mut page = admin(page);
    page.sandbox = true;
    Store {
        page,
        crumbs: vec![
            Crumb::link("Overview", "/admin"),
            Crumb::link("Stores", "/s"),
            Crumb::here("Tienda Ñandú"),
        ],
        badge: Badge::new(Tone::Bad, "Needs re-authorization"),
        facts: vec![
            Fact::code("Id", "store_019c0f2e8a7b7c6d9e8f0a1b2c3d4e5f"),
            Fact::text("Platform", "Feria Abierta"),
            Fact::text("Merchant", "Lucía Peña, lucia@example.mx"),
            Fact::text("Access token expires", "in 4 hours (20 Nov 2026, 14:12 UTC)"),
        ],
        events: vec![
            event(
                Tone::Bad,
                "Refused",
                "invalid_grant: the refresh token is no longer valid",
            ),
            event(Tone::Warn, "No answer", "The platform did not answer within 30 s"),
            event(Tone::Good, "Refreshed", ""),
            event(Tone::Idle, "Connected", "By Lucía Peña"),
        ],
        curl: "curl -H 'Authorization: Bearer llv_st_...' \\\n  https://llavero.example/v1/proxy/users/me",
    }
    .render()
    .unwrap()
}

fn error(page: Frame) -> String {
    let failure =
        Error::of(Problem::PlatformUnavailable)
            .retry_after(30)
            .render(Group::Merchant, Some(page), "8f1c2a90d3");
    let body = actix_web::body::MessageBody::try_into_bytes(failure.into_body()).unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

type Sample = (&'static str, &'static str, fn(Frame) -> String);

const SAMPLES: [Sample; 6] = [
    ("connect", "/connect/x", connect),
    ("choose", "/connect/x", choose),
    ("done", "/connect/x", done),
    ("overview", "/admin/stores", overview),
    ("store", "/admin/stores/x", store),
    ("error", "/connect/x", error),
];

/// All samples in all languages, by file name.
fn pages() -> BTreeMap<String, String> {
    let site = site();
    let mut pages = BTreeMap::new();
    for (name, path, render) in SAMPLES {
        for &language in Language::ALL {
            let uri = format!("{path}?locale={}", language.as_str());
            let request = TestRequest::get().uri(&uri).app_data(site.clone()).to_http_request();
            let html = render(Frame::of(site.clone(), &request));
            pages.insert(format!("{name}.{}.html", language.as_str()), html);
        }
    }
    pages
}

#[test]
fn every_part_renders_and_the_gallery_is_written() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/gallery");
    std::fs::create_dir_all(folder.join("assets")).unwrap();
    for (name, content) in site().assets.all() {
        let text = String::from_utf8(content.to_vec()).map(|text| text.replace("url(\"/assets/", "url(\""));
        let content = text.map_or(content.to_vec(), String::into_bytes);
        std::fs::write(folder.join("assets").join(name), content).unwrap();
    }
    for (name, html) in pages() {
        std::fs::write(folder.join(name), html.replace("\"/assets/", "\"assets/")).unwrap();
    }
}

#[path = "gallery_checks.rs"]
mod checks;
