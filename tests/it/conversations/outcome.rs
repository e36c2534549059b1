//! What is read from callbacks, deliveries and answers, held against what the documentation says they mean. Lifetimes and
//! identities are compared as they count in the end: an answer's own, else the method's.

use std::time::Duration;

use llavero::platform::obtain::{CallbackAnswer, CallbackRefusal, Grant};
use llavero::platform::{Failure, Method, Values};

use super::difference::Differences;
use super::expected::{Absent, ExpectedCallback, ExpectedDelivery, ExpectedFailure, ExpectedGrant, Outcome};
use super::file::values;

/// `known` is what the session began with: an approval adds to it.
pub fn compare_callback(
    expected: &ExpectedCallback,
    got: &Result<CallbackAnswer, CallbackRefusal>,
    known: &Values,
    differences: &mut Differences,
) {
    let refusal = got.as_ref().err().map(reason);
    if let Some(wrong) = refusal.filter(|reason| expected.not_refused_for.iter().any(|listed| listed == reason)) {
        differences.add("callback", "not refused for this", wrong);
    }
    let Some(outcome) = expected.outcome else { return };
    match (outcome, got) {
        (Outcome::Approved, Ok(CallbackAnswer::Approved(brought))) => {
            has(&values(&expected.values), &brought.over(known), differences);
        }
        (Outcome::Denied, Ok(CallbackAnswer::Denied { code, .. })) => {
            if let Some(wanted) = &expected.code {
                differences.equal("code", wanted, code);
            }
        }
        (Outcome::Refused, Err(refusal)) => {
            let got = reason(refusal);
            let mut wanted = expected.reason.iter().chain(&expected.any_reason).peekable();
            if wanted.peek().is_some() && !wanted.any(|wanted| wanted == got) {
                differences.add(
                    "reason",
                    expected.reason.iter().chain(&expected.any_reason).collect::<Vec<_>>(),
                    got,
                );
            }
        }
        (outcome, got) => differences.add("callback", outcome, got),
    }
}

pub fn compare_delivery(
    expected: &ExpectedDelivery,
    got: &Result<(String, Values), CallbackRefusal>,
    differences: &mut Differences,
) {
    match (expected.outcome, got) {
        (Outcome::Approved, Ok((state, brought))) => {
            differences.equal("state", expected.state.as_ref(), Some(state));
            has(&values(&expected.values), brought, differences);
        }
        (Outcome::Refused, Err(refusal)) => {
            if let Some(wanted) = &expected.reason {
                differences.equal("reason", wanted.as_str(), reason(refusal));
            }
        }
        (outcome, got) => differences.add("delivery", outcome, got),
    }
}

pub(super) fn has(wanted: &Values, got: &Values, differences: &mut Differences) {
    for (name, value) in wanted.iter() {
        differences.equal(&format!("value `{name}`"), Some(value.expose()), got.get(name));
    }
}

fn reason(refusal: &CallbackRefusal) -> &'static str {
    match refusal {
        CallbackRefusal::MissingParameter(_) => "missing_parameter",
        CallbackRefusal::BadSignature => "bad_signature",
        CallbackRefusal::StaleTimestamp => "stale_timestamp",
        CallbackRefusal::OtherStore => "other_store",
        CallbackRefusal::OtherRequest => "other_request",
        CallbackRefusal::Issuer => "issuer",
        CallbackRefusal::UnsafeValue(_) => "unsafe_value",
    }
}

pub fn compare_grant(
    expected: &ExpectedGrant,
    got: &Grant,
    method: &Method,
    known: &Values,
    differences: &mut Differences,
) {
    differences.equal(
        "access_token",
        expected.access_token.as_deref(),
        got.values.get("access_token"),
    );
    differences.equal(
        "refresh_token",
        expected.refresh_token.as_deref(),
        got.values.get("refresh_token"),
    );

    has(&values(&expected.values), &got.values, differences);

    let default = |life: Option<Duration>, lives: bool| life.filter(|_| lives);
    let access = got.access_expires_in.or(default(method.lifetimes.access, true));
    let refresh = got
        .refresh_expires_in
        .or(default(method.lifetimes.refresh, got.has_refresh_token()));
    let absent = |what| expected.absent.contains(&what);
    for (name, wanted, got, is_absent) in [
        (
            "access_expires_in",
            expected.access_expires_in,
            access,
            absent(Absent::AccessExpiresIn),
        ),
        (
            "refresh_expires_in",
            expected.refresh_expires_in,
            refresh,
            absent(Absent::RefreshExpiresIn),
        ),
    ] {
        if wanted.is_some() || is_absent {
            differences.equal(name, wanted, got.map(|life| life.as_secs()));
        }
    }

    let id = got
        .platform_store_id
        .clone()
        .or_else(|| method.typed_identity(&got.values.over(known)).ok().flatten());
    if expected.platform_store_id.is_some() || absent(Absent::PlatformStoreId) {
        differences.equal(
            "platform_store_id",
            expected.platform_store_id.as_deref(),
            id.as_deref(),
        );
    }
}

pub fn compare_failure(expected: &ExpectedFailure, got: &Failure, differences: &mut Differences) {
    let kinds: Vec<_> = expected.kind.iter().chain(&expected.any_of).collect();
    if !kinds.contains(&&got.kind) {
        differences.add("failure", kinds, got);
    }
    if expected.code.is_some() {
        differences.equal("code", expected.code.as_deref(), got.code.as_deref());
    }
    if expected.retry_after.is_some() {
        differences.equal(
            "retry_after",
            expected.retry_after,
            got.retry_after.map(|wait| wait.as_secs()),
        );
    }
}
