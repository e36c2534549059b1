//! From a request at `{base}/HOST[:PORT]/PATH` to the behaviour that serves that host, through the faults ordered for it,
//! to the answer. A request is logged when its fate is decided, before any delay of its answer, so that a client that
//! hangs up meanwhile is still seen to have been served.

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::rt::{spawn, time::sleep};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, stream};
use serde_json::json;

use super::api::{self, Visit};
use super::behaviour::Owner;
use super::call::{Answer, Call, Content, Pairs};
use super::control_partner;
use super::delivery::{self, Delivery};
use super::fault::{Fault, FaultEffect};
use super::log::Fate;
use super::login;
use super::oauth;
use super::problem::Problem;
use super::quirk;
use super::server::State;
use super::template::{fill, fill_text};
use super::world::World;

/// How much of a body is kept for judging and for the log, in bytes.
pub const KEPT_BODY: usize = 1 << 20;
const SCHEME: &str = "x-sandbox-scheme";

/// What follows from a request: an answer, or a request of the platform's own first.
pub enum Next {
    Answer(Answer),
    Deliver(Delivery),
}

/// What kind of request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Page,
    Token,
    Call,
}

pub async fn gateway(request: HttpRequest, mut payload: web::Payload, state: web::Data<State>) -> HttpResponse {
    let Some(mut call) = read_head(&request) else {
        return HttpResponse::NotFound().json(
            json!({ "error": "The path must be /HOST/PATH; the control API is described at /_control/openapi.json." }),
        );
    };
    let state = state.get_ref().clone();
    let now = state.now();
    let Some(index) = state.serving(&call) else {
        let error = format!("No simulated platform answers at {}.", call.address());
        return HttpResponse::NotFound().json(json!({ "error": error }));
    };
    if call.path.ends_with("/_echo") {
        return echo_stream(&state, index, &call, now, payload);
    }
    let mut kept = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let Ok(chunk) = chunk else { break };
        call.body_bytes += chunk.len() as u64;
        let room = KEPT_BODY.saturating_sub(kept.len()).min(chunk.len());
        kept.extend_from_slice(&chunk[..room]);
    }
    call.body = kept.freeze();

    let fault = take_fault(&state, index, &call, now);
    let delay = Duration::from_millis(fault.delay_ms);
    let before = Duration::from_millis(fault.delay_before_ms);
    let done = if before.is_zero() {
        perform(&state, index, &call, &fault).await
    } else {
        // In a task of its own: the sender may be gone by the time it is processed.
        let task = spawn(async move {
            sleep(before).await;
            perform(&state, index, &call, &fault).await
        });
        task.await.unwrap_or(None)
    };
    if !delay.is_zero() {
        sleep(delay).await;
    }
    match done {
        Some((answer, clock)) => respond(answer, clock),
        None => hang_up(),
    }
}

/// The request without its body, its URL turned back into the original one.
fn read_head(request: &HttpRequest) -> Option<Call> {
    let pattern = request.match_pattern().unwrap_or_default();
    let prefix = pattern.split('{').next().unwrap_or("/");
    let below = request.uri().path().strip_prefix(prefix)?;
    let (host, path) = match below.find('/') {
        Some(end) => below.split_at(end),
        None => (below, "/"),
    };
    let host = percent_encoding::percent_decode_str(host)
        .decode_utf8()
        .ok()?
        .to_ascii_lowercase();
    if host.is_empty() {
        return None;
    }
    let headers: Pairs = request
        .headers()
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let query = request.uri().query().unwrap_or_default();
    let names_scheme = |part: &&str| {
        part.split('=')
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(SCHEME))
    };
    let mut scheme = query
        .split('&')
        .find(names_scheme)
        .and_then(|part| part.split_once('='))
        .map(|(_, value)| value);
    scheme = scheme.or_else(|| {
        headers
            .iter()
            .find(|(name, _)| name == SCHEME)
            .map(|(_, value)| value.as_str())
    });
    let https = scheme != Some("http");
    let kept: Vec<&str> = query.split('&').filter(|part| !names_scheme(part)).collect();
    Some(Call {
        method: request.method().as_str().to_owned(),
        https,
        host,
        path: path.to_owned(),
        query: kept.join("&"),
        headers,
        body: Bytes::new(),
        body_bytes: 0,
    })
}

fn kind(visit: &Visit<'_>) -> Kind {
    let authorize = visit
        .behaviour
        .authorize
        .as_ref()
        .is_some_and(|rules| rules.path.matches(&visit.call.path));
    let token = visit.behaviour.token_at(&visit.call.path).is_some();
    if authorize || quirk::has_page(visit) || control_partner::is_store_page(visit) {
        Kind::Page
    } else if token || quirk::is_token_call(visit) {
        Kind::Token
    } else {
        Kind::Call
    }
}

fn take_fault(state: &State, index: usize, call: &Call, now: DateTime<Utc>) -> Fault {
    let Some(behaviour) = state.behaviours().get(index) else {
        return Fault::default();
    };
    let visit = Visit { behaviour, call, now };
    let kind = kind(&visit);
    if kind == Kind::Page {
        return Fault::default();
    }
    let mut world = state.world();
    let store = visit.subject(&world);
    world
        .faults
        .take(&behaviour.slug, store.as_deref(), kind == Kind::Token)
        .unwrap_or_default()
}

/// Decides and logs the request's fate. `None`: no answer. Else the answer, and what the platform's clock shows.
async fn perform(state: &State, index: usize, call: &Call, fault: &Fault) -> Option<(Answer, DateTime<Utc>)> {
    let behaviour = state.behaviours().get(index)?;
    let visit = Visit {
        behaviour,
        call,
        now: state.now(),
    };
    let kind = kind(&visit);
    let store = visit.subject(&state.world());
    let instead = match (fault.effect, fault.status) {
        (Some(FaultEffect::Refuse), _) => Some(refusal(&visit, kind)),
        (_, Some(status)) => Some(failure(&visit, fault, status)),
        _ => None,
    };
    let hangs_up = matches!(fault.effect, Some(FaultEffect::LostAnswer | FaultEffect::Unprocessed));
    let processed = match (fault.effect, &instead) {
        (Some(FaultEffect::Unprocessed | FaultEffect::Refuse), _) => false,
        (_, Some(_)) => fault.processed,
        _ => true,
    };
    let own = if processed {
        let next = process(&mut state.world(), &visit, kind);
        match next {
            Next::Answer(answer) => Some(answer),
            Next::Deliver(delivery) => Some(deliver(state, delivery).await),
        }
    } else {
        None
    };
    let answer = if hangs_up { None } else { instead.or(own) };
    let answer = answer.map(|answer| quirk::in_wanted_form(&visit, answer));
    let mut world = state.world();
    let clock = visit.clock(&world, store.as_deref());
    let fate = Fate {
        at: visit.now,
        platform: &behaviour.slug,
        store,
        token_call: kind == Kind::Token,
        processed,
        status: answer.as_ref().map(|answer| answer.status),
    };
    world.log.add(call, fate);
    answer.map(|answer| (answer, clock))
}

fn process(world: &mut World, visit: &Visit<'_>, kind: Kind) -> Next {
    if let Some(next) = quirk::own(world, visit) {
        return next;
    }
    let rules = visit.behaviour.token_at(&visit.call.path);
    match (kind, &visit.behaviour.authorize, rules) {
        (Kind::Page, _, _) if control_partner::is_store_page(visit) => {
            Next::Answer(control_partner::store_page(world, visit))
        }
        (Kind::Page, Some(page), _) => Next::Answer(login::authorize(world, visit, page)),
        (Kind::Token, _, Some(rules)) => Next::Answer(oauth::token(world, visit, rules)),
        _ => Next::Answer(api::answer(world, visit)),
    }
}

async fn deliver(state: &State, delivery: Delivery) -> Answer {
    match delivery::post(&delivery).await {
        Ok(200) => delivery.delivered,
        Ok(_) | Err(_) => {
            state.world().registrations.remove(&delivery.key);
            delivery.failed
        }
    }
}

fn refusal(visit: &Visit<'_>, kind: Kind) -> Answer {
    let problem = match (kind, visit.behaviour.clients.owner) {
        (Kind::Token, Owner::Account) => Problem::UnknownClient,
        (Kind::Token, Owner::App) => Problem::RefreshRefused,
        _ => Problem::CredentialRefused,
    };
    visit.refuse(problem, "refused by order")
}

fn failure(visit: &Visit<'_>, fault: &Fault, status: u16) -> Answer {
    let problem = if status == 429 {
        Problem::Throttled
    } else {
        Problem::Down
    };
    let shape = visit.behaviour.shape(problem, &visit.call.path);
    let mut values = visit.values();
    values.insert("detail".to_owned(), "failed by order".into());
    let body = fault.body.clone().unwrap_or_else(|| fill(&shape.body, &values));
    let mut answer = Answer::json(status, body);
    for (name, text) in &shape.headers {
        answer = answer.with_header(name, fill_text(text, &values));
    }
    if let Some(seconds) = fault.retry_after {
        answer
            .headers
            .retain(|(name, _)| !name.eq_ignore_ascii_case("retry-after"));
        answer = answer.with_header("retry-after", seconds.to_string());
    }
    answer
}

/// Sends a body back while it comes in.
fn echo_stream(state: &State, index: usize, call: &Call, now: DateTime<Utc>, payload: web::Payload) -> HttpResponse {
    let Some(behaviour) = state.behaviours().get(index) else {
        return HttpResponse::NotFound().finish();
    };
    let visit = Visit { behaviour, call, now };
    let mut world = state.world();
    let judged = api::authenticate(&mut world, &visit);
    let store = visit.subject(&world);
    let status = judged.as_ref().map_or_else(|refusal| refusal.status, |_| 200);
    let fate = Fate {
        at: now,
        platform: &behaviour.slug,
        store: store.clone(),
        token_call: false,
        processed: true,
        status: Some(status),
    };
    world.log.add(call, fate);
    if let Err(refusal) = judged {
        return respond(refusal, visit.clock(&world, store.as_deref()));
    }
    let kind = call
        .header("content-type")
        .unwrap_or("application/octet-stream")
        .to_owned();
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, kind))
        .streaming(payload)
}

fn respond(answer: Answer, clock: DateTime<Utc>) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponseBuilder::new(status);
    for (name, value) in answer.headers {
        response.append_header((name, value));
    }
    response.insert_header((header::DATE, clock.format("%a, %d %b %Y %H:%M:%S GMT").to_string()));
    match answer.content {
        Content::Json(body) => response.json(body),
        Content::Text(kind, text) => response.insert_header((header::CONTENT_TYPE, kind)).body(text),
        Content::Typed(kind, text) => response.insert_header((header::CONTENT_TYPE, kind)).body(text),
        Content::Empty => response.finish(),
        Content::Chunks { count, bytes, pause_ms } => {
            let chunk = Bytes::from(vec![b'.'; bytes]);
            let chunks = stream::unfold(0, move |sent| {
                let chunk = chunk.clone();
                async move {
                    if sent == count {
                        return None;
                    }
                    if sent > 0 && pause_ms > 0 {
                        sleep(Duration::from_millis(pause_ms)).await;
                    }
                    Some((Ok::<_, actix_web::Error>(chunk), sent + 1))
                }
            });
            response.streaming(chunks)
        }
    }
}

/// Closes the connection without an answer: a body that fails before its first byte takes the head with it.
fn hang_up() -> HttpResponse {
    let lost = stream::once(async { Err::<Bytes, _>(actix_web::error::ErrorGone("no answer")) });
    HttpResponse::Ok().streaming(lost)
}
