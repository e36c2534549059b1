//! What data cannot say about a simulated platform: a few narrow hooks, one place that knows which platform uses which.

mod falabella;
mod shopify;
mod walmart;
pub mod woocommerce;

use serde_json::Value;

use super::api::{Caller, Visit};
use super::behaviour::{QuirkName, TokenRules};
use super::call::{Answer, Pairs};
use super::oauth::Refusal;
use super::problem::Problem;
use super::world::{Registration, World};

/// The store that a call names in a way of its own.
pub fn subject(visit: &Visit<'_>) -> Option<String> {
    match visit.behaviour.quirk {
        Some(QuirkName::Falabella) => visit.call.query_value("UserID"),
        _ => None,
    }
}

/// Judges a call whose credential is more than a token in a place; `None` = judged as any other.
pub fn authenticate(world: &mut World, visit: &Visit<'_>) -> Option<Result<Caller, Answer>> {
    match visit.behaviour.quirk? {
        QuirkName::Falabella => Some(falabella::authenticate(world, visit)),
        QuirkName::Woocommerce => Some(woocommerce::authenticate(world, visit)),
        QuirkName::Walmart => walmart::lacks_basic(world, visit).map(Err),
        QuirkName::Shopify => None,
    }
}

/// Adds the platform's own signature to what it sends back with the browser.
pub fn sign_callback(visit: &Visit<'_>, secret: &str, pairs: &mut Pairs) {
    if visit.behaviour.quirk == Some(QuirkName::Shopify) {
        shopify::sign_callback(secret, pairs);
    }
}

/// A grant that is not one of the three standard ones.
pub fn other_grant(
    world: &mut World,
    visit: &Visit<'_>,
    rules: &TokenRules,
    client: &Registration,
    pairs: &[(String, String)],
) -> Result<Value, Refusal> {
    match visit.behaviour.quirk {
        Some(QuirkName::Shopify) => shopify::exchange_token(world, visit, rules, client, pairs),
        _ => Err((Problem::UnsupportedGrant, "this grant is not supported".to_owned())),
    }
}

/// The last word on a token answer.
pub fn finish_token(visit: &Visit<'_>, answer: Answer) -> Answer {
    match visit.behaviour.quirk {
        Some(QuirkName::Walmart) => walmart::as_xml_unless_json_is_wanted(visit, answer),
        _ => answer,
    }
}

/// The last word on an answer to a call.
pub fn finish_call(visit: &Visit<'_>, answer: Answer) -> Answer {
    match visit.behaviour.quirk {
        Some(QuirkName::Woocommerce) => woocommerce::only_fields(visit, answer),
        Some(QuirkName::Falabella) => falabella::success(visit, answer),
        _ => answer,
    }
}

/// A page of its own at this address, beside the one of the behaviour file.
pub fn has_key_page(visit: &Visit<'_>) -> bool {
    visit.behaviour.quirk == Some(QuirkName::Woocommerce) && woocommerce::is_key_page(visit)
}
