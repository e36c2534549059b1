//! The demo partner of the development set-up: plays a partner's back end over real HTTP against our own API, and shows
//! each request with its answer and the line to repeat it. Mounted in development only, never for anybody's real app.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::{Value, json};
use url::Url;

use self::ask::{Asked, Line};
use crate::app::App;
use crate::domain::problem::Problem;
use crate::platform::Platform;
use crate::web::form::Submitted;
use crate::web::page::{Page, see_other};
use crate::web::parts::Fact;
use crate::web::{Demo, Error, Frame, Site, urls};

mod ask;
pub mod webhooks;

#[derive(Template)]
#[template(path = "pages/demo/home.html")]
struct Home {
    page: Frame,
    connect: &'static str,
    permanent: String,
    /// What the simulated platforms accept; empty without them.
    accounts: String,
    stores: Vec<Fact>,
    /// Empty: it has no endpoint.
    webhooks: &'static str,
}

#[derive(Template)]
#[template(path = "pages/demo/calls.html")]
struct Calls {
    page: Frame,
    title: String,
    text: String,
    tone: &'static str,
    arrived: Vec<Fact>,
    lines: Vec<Line>,
    /// What the buttons need: the demo partner keeps nothing.
    held: Option<Held>,
    home: &'static str,
    call: &'static str,
    expire: &'static str,
}

/// The store that the buttons are about.
struct Held {
    token: String,
    platform: String,
    method: String,
}

/// `GET /demo`
pub async fn show(
    app: web::Data<App>,
    site: web::Data<Site>,
    demo: web::Data<Demo>,
    frame: Frame,
) -> Result<HttpResponse, Error> {
    let asked = Asked::get(urls::API_STORES).with_key(&demo.api_key);
    let stores = ask::send(&app, &site, asked, "").await?.json;
    let stores = stores
        .as_ref()
        .and_then(|json| json["data"].as_array())
        .into_iter()
        .flatten();
    let sandbox = site
        .options
        .sandbox_url
        .as_ref()
        .map(|url| url.as_str().trim_end_matches('/'));
    Page(Home {
        accounts: sandbox
            .map(|sandbox| format!("{sandbox}/_control/accounts"))
            .unwrap_or_default(),
        stores: stores
            .map(|store| Fact::text(text(&store["name"]), text(&store["status"])))
            .collect(),
        webhooks: demo.inbox.as_ref().map_or("", |_| urls::DEMO_WEBHOOKS),
        connect: urls::DEMO_CONNECT,
        permanent: urls::connect_app(demo.app_id),
        page: frame,
    })
    .with_status(StatusCode::OK)
}

/// `POST /demo/connect`: asks for a connect session and sends the browser there.
pub async fn connect(
    app: web::Data<App>,
    site: web::Data<Site>,
    demo: web::Data<Demo>,
    _submitted: Submitted,
) -> Result<HttpResponse, Error> {
    let body = json!({
        "customer_id": "demo-customer",
        "return_url": site.absolute(urls::DEMO_RETURN),
        "state": "the-demo-partners-own-state",
    });
    let asked = Asked::post(urls::API_CONNECT_SESSIONS, body).with_key(&demo.api_key);
    let answered = ask::send(&app, &site, asked, "").await?;
    match answered.json.as_ref().and_then(|json| json["url"].as_str()) {
        Some(url) => Ok(see_other(url)),
        None => Err(Error::of(Problem::Internal).caused_by(format!("no session: {}", answered.line.answer))),
    }
}

/// `GET /demo/return`: what a partner's return page does with the code.
pub async fn arrive(
    app: web::Data<App>,
    site: web::Data<Site>,
    demo: web::Data<Demo>,
    frame: Frame,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let query: Vec<(String, String)> = url::form_urlencoded::parse(request.query_string().as_bytes())
        .into_owned()
        .collect();
    let arrived = query.iter().map(|(name, value)| Fact::code(name, value)).collect();
    let code = query
        .iter()
        .find(|(name, _)| name == "code")
        .map(|(_, code)| code.as_str());
    let Some(code) = code else {
        return page(frame, "demo-failed", "warn", arrived, Vec::new(), None);
    };
    let asked = Asked::post(urls::API_EXCHANGE, json!({ "code": code })).with_key(&demo.api_key);
    let exchanged = ask::send(&app, &site, asked, &frame.say("demo-exchange")).await?;
    let Some(json) = exchanged.json.filter(|json| json["store"].is_object()) else {
        return page(frame, "demo-refused", "warn", arrived, vec![exchanged.line], None);
    };
    let mut lines = vec![exchanged.line];
    let Some(token) = json["access_token"].as_str() else {
        return page(frame, "demo-again", "good", arrived, lines, None);
    };
    let (platform, method) = (text(&json["store"]["platform"]), text(&json["store"]["method"]));
    let held = Held {
        token: token.to_owned(),
        platform,
        method,
    };
    lines.push(first_call(&app, &site, &frame, &held).await?);
    page(frame, "demo-connected", "good", arrived, lines, Some(held))
}

/// `POST /demo/call`: the same proxied call once more.
pub async fn call(
    app: web::Data<App>,
    site: web::Data<Site>,
    frame: Frame,
    submitted: Submitted,
) -> Result<HttpResponse, Error> {
    let held = held(&submitted);
    let line = first_call(&app, &site, &frame, &held).await?;
    let (key, tone) = if line.good {
        ("demo-called", "info")
    } else {
        ("demo-not-called", "warn")
    };
    page(frame, key, tone, Vec::new(), vec![line], Some(held))
}

/// `POST /demo/expire`: the simulated platform forgets its access tokens; the store's token keeps working.
pub async fn expire(
    app: web::Data<App>,
    site: web::Data<Site>,
    frame: Frame,
    submitted: Submitted,
) -> Result<HttpResponse, Error> {
    let held = held(&submitted);
    let sandbox = site.options.sandbox_url.as_ref().ok_or_else(Error::not_found)?;
    let address = format!(
        "{}/_control/expire-access-tokens",
        sandbox.as_str().trim_end_matches('/')
    );
    let asked = Asked::post(address.as_str(), json!({ "platform": held.platform }));
    let expired = ask::send(&app, &site, asked, &frame.say("demo-expire")).await?;
    page(
        frame,
        "demo-expired",
        "info",
        Vec::new(),
        vec![expired.line],
        Some(held),
    )
}

fn held(submitted: &Submitted) -> Held {
    let text = |name| submitted.text(name).to_owned();
    Held {
        token: text("token"),
        platform: text("platform"),
        method: text("method"),
    }
}

async fn first_call(app: &App, site: &Site, frame: &Frame, held: &Held) -> Result<Line, Error> {
    let platform = app.catalogue.platform(&held.platform);
    let example = platform.and_then(|platform| ask::harmless_call(app, platform, &held.method));
    let asked = example
        .unwrap_or_else(|| Asked::get("/v1/proxy/"))
        .with_token(&held.token);
    let name = platform.map_or(held.platform.as_str(), |platform: &Platform| platform.name.as_str());
    let title = frame.say_with("demo-call", [("platform", name)]);
    Ok(ask::send(app, site, asked, &title).await?.line)
}

fn page(
    frame: Frame,
    key: &str,
    tone: &'static str,
    arrived: Vec<Fact>,
    lines: Vec<Line>,
    held: Option<Held>,
) -> Result<HttpResponse, Error> {
    Page(Calls {
        title: frame.say(&format!("{key}-title")),
        text: frame.say(&format!("{key}-text")),
        tone,
        arrived,
        lines,
        held,
        home: urls::DEMO,
        call: urls::DEMO_CALL,
        expire: urls::DEMO_EXPIRE,
        page: frame,
    })
    .with_status(StatusCode::OK)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Our own address or another one.
fn whole(site: &Site, address: &str) -> Result<Url, Error> {
    let address = if address.starts_with('/') {
        site.absolute(address)
    } else {
        address.to_owned()
    };
    address
        .parse()
        .map_err(|_| Error::of(Problem::Internal).caused_by("not an address"))
}
