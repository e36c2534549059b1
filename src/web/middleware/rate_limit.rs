//! What is left of a caller's budget, on each of our answers (IETF draft "RateLimit header fields for HTTP"); answers of
//! platforms keep their own.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::app::rates::{Budget, WINDOW};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

pub fn add(headers: &mut HeaderMap, budget: &Budget) {
    let until = whole_seconds(budget.refused_for.unwrap_or(budget.whole_in));
    let policy = format!("\"{}\";q={};w={}", budget.name, budget.most, WINDOW.as_secs());
    let left = format!("\"{}\";r={};t={until}", budget.name, budget.left);
    for (name, value) in [(POLICY, policy), (LEFT, left)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
