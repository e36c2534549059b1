//! Plays one case against the functions that the program itself calls, a forwarded call through the proxy's own
//! treatment of path and headers included.

use std::fmt::Debug;

use http::HeaderMap;
use llavero::broker::proxy::headers::forwarded;
use llavero::broker::proxy::path::Target;
use llavero::platform::answer::{CallAnswer, judge_call, peeks_body, reads_bodies};
use llavero::platform::hook::{self, Received};
use llavero::platform::obtain::{self, Start};
use llavero::platform::{BuildError, Failure, Method, Platform, PlatformRequest, revoke, sign, verify};

use super::difference::Differences;
use super::expected::Verdict;
use super::file::{Case, Kind, values};
use super::outcome::{compare_callback, compare_delivery, compare_failure, compare_grant, has};
use super::sent::{Sent, compare_url};
use super::stores::{compare_hook, compare_install, compare_shops, compare_store};

/// Where expected and got part; empty where they agree.
pub fn case(platform: &Platform, method: &Method, case: &Case) -> Vec<String> {
    let mut differences = Differences::default();
    match case.kind {
        Kind::First => {
            asked(
                obtain::first(method, &case.known(), &case.moment()),
                case,
                &mut differences,
            );
            brought(method, case, &mut differences);
        }
        Kind::Authorize => authorize(method, case, &mut differences),
        Kind::Callback => {
            let (query, now) = (case.query.as_deref().unwrap(), case.moment().now);
            let got = obtain::read_callback(method, query, &case.known(), now);
            compare_callback(
                case.expect.callback.as_ref().unwrap(),
                &got,
                &case.known(),
                &mut differences,
            );
        }
        Kind::Delivery => {
            let got = obtain::read_delivery(method, case.body.as_ref().unwrap().as_bytes());
            compare_delivery(case.expect.delivery.as_ref().unwrap(), &got, &mut differences);
        }
        Kind::Exchange => {
            asked(
                obtain::exchange(method, &case.known(), &case.moment()),
                case,
                &mut differences,
            );
            granted(method, case, &mut differences);
        }
        Kind::Refresh => {
            asked(
                obtain::refresh(method, &case.known(), &case.moment()).map(Some),
                case,
                &mut differences,
            );
            granted(method, case, &mut differences);
        }
        Kind::Call => call(method, case, &mut differences),
        Kind::Verdict => verdict(method, case, &mut differences),
        Kind::Verify => {
            asked(
                verify::request(method, &case.known(), &case.moment()),
                case,
                &mut differences,
            );
            verified(method, case, &mut differences);
        }
        Kind::Install => {
            let (query, now) = (case.query.as_deref().unwrap(), case.moment().now);
            let got = obtain::read_install(method, query, &case.known(), now);
            compare_install(case.expect.install.as_ref().unwrap(), &got, &mut differences);
        }
        Kind::Hook => {
            let webhook = case.hook.as_ref().unwrap();
            let received = Received {
                headers: &webhook.headers(),
                query: &webhook.query,
                body: webhook.body.as_bytes(),
            };
            let got = hook::read(platform, &received, &case.known(), case.moment().now);
            compare_hook(case.expect.hook.as_ref().unwrap(), &got, &mut differences);
        }
        Kind::Revoke => asked(
            revoke::request(method, &case.known(), &case.moment()),
            case,
            &mut differences,
        ),
    }
    differences.0
}

/// With the redirect URI of this attempt, as the program has it.
fn authorize(method: &Method, case: &Case, differences: &mut Differences) {
    let mut known = case.known();
    if let (Some(registered), Some(state)) = (known.get("redirect_uri"), known.get("state")) {
        let own = obtain::redirect_uri(method, registered, state);
        known.set("redirect_uri", own);
    }
    match (&case.expect.url, obtain::start(method, &known)) {
        (None, Ok(Start::Direct)) => {}
        (Some(expected), Ok(Start::Redirect { url })) => compare_url(url.as_str(), expected, differences),
        (expected, got) => {
            let expected = if expected.is_some() {
                "a page to go to"
            } else {
                "no page to go to"
            };
            differences.add("start", expected, got);
        }
    }
}

/// The request of a case that may also expect that nothing is asked. It has to be there wherever an answer is.
fn asked(got: Result<Option<PlatformRequest>, BuildError>, case: &Case, differences: &mut Differences) {
    match (got, &case.expect.request) {
        (Ok(None), _) if case.expect.nothing => {}
        (Ok(Some(request)), Some(expected)) => Sent::from(request).compare(expected, differences),
        (Ok(Some(_)), None) if !case.expect.nothing => {}
        (got, _) => differences.add("request", if case.expect.nothing { "none" } else { "one" }, got),
    }
}

fn brought(method: &Method, case: &Case, differences: &mut Differences) {
    let Some(answer) = &case.answer else { return };
    match obtain::read_first(method, &answer.received()) {
        Ok(got) if case.expect.failure.is_none() => has(&values(&case.expect.values), &got, differences),
        got => failed(case, got, differences),
    }
}

fn granted(method: &Method, case: &Case, differences: &mut Differences) {
    let Some(answer) = &case.answer else { return };
    let got = obtain::read_grant(method, &case.known(), &answer.received(), case.moment().now);
    match (&case.expect.grant, got) {
        (Some(expected), Ok(grant)) => compare_grant(expected, &grant, method, &case.known(), differences),
        (_, got) => failed(case, got, differences),
    }
}

fn verified(method: &Method, case: &Case, differences: &mut Differences) {
    let Some(answer) = &case.answer else { return };
    let got = verify::read(method, &answer.received(), &case.known());
    match got {
        Ok(facts) if case.expect.store.is_some() || case.expect.shops.is_some() => {
            if let Some(expected) = &case.expect.store {
                compare_store(expected, &facts, differences);
            }
            if let Some(expected) = &case.expect.shops {
                compare_shops(expected, &facts, differences);
            }
        }
        got => failed(case, got, differences),
    }
}

fn failed<T: Debug>(case: &Case, got: Result<T, Failure>, differences: &mut Differences) {
    match (&case.expect.failure, got) {
        (Some(expected), Err(failure)) => compare_failure(expected, &failure, differences),
        (Some(_), got) => differences.add("answer", "a failure", got),
        (None, got) => differences.add("answer", "a success", got),
    }
}

/// As the proxy does it: the caller's headers filtered, the address below the store's root, signed, written out.
fn call(method: &Method, case: &Case, differences: &mut Differences) {
    let (request, known) = (case.request.as_ref().unwrap(), case.known());
    let (path, query) = match request.path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (request.path.as_str(), None),
    };
    let target = Target {
        path: path.to_owned(),
        query: query.map(str::to_owned),
    };
    let root = method.root(&known).unwrap();
    let unsigned = target.below(&root).unwrap();
    let mut signed = PlatformRequest::new(request.method.parse().unwrap(), unsigned.clone());
    signed.headers = forwarded(&request.headers(), reads_bodies(method));
    signed.body = request.body.clone().into();
    match sign::sign(method, &known, &mut signed, &case.moment()) {
        Ok(()) => {
            let url = target.as_written(&root, &unsigned, &signed.url).unwrap().to_string();
            let sent = Sent {
                url,
                ..Sent::from(signed)
            };
            sent.compare(case.expect.request.as_ref().unwrap(), differences);
        }
        Err(error) => differences.add("request", "one", error),
    }
}

/// As the proxy does it: no more of the body is looked at than the catalogue asks for.
fn verdict(method: &Method, case: &Case, differences: &mut Differences) {
    let answer = case.answer.as_ref().unwrap().received();
    let peeked = answer.body.len().min(peeks_body(method, answer.status));
    let headers: &HeaderMap = &answer.headers;
    let got = match judge_call(method, answer.status, headers, &answer.body[..peeked]) {
        CallAnswer::Passed => Verdict::Passed,
        CallAnswer::Unauthorized => Verdict::Unauthorized,
        CallAnswer::Unclear => Verdict::Unclear,
    };
    differences.equal("verdict", case.expect.verdict.unwrap(), got);
}
