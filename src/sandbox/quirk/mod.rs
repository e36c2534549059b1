//! What data cannot say about a simulated platform: a few narrow hooks, one place that knows which platform uses which.

mod alibaba;
mod amazon;
mod claro_shop;
mod ebay;
mod falabella;
mod magento1;
mod magento2;
mod oauth1;
mod odoo;
mod opencart;
mod prestashop;
mod shein;
mod shopify;
mod temu;
mod tiktok_shop;
mod walmart;
mod weebly;
mod wix;
mod woocommerce;

use serde_json::{Value, json};

use super::api::{Caller, Visit};
use super::behaviour::QuirkName;
use super::call::{Answer, Pairs};
use super::gateway::Next;
use super::jwt;
use super::oauth::Refusal;
use super::problem::Problem;
use super::rules::TokenRules;
use super::template::Values;
use super::world::{Registration, World};

/// The store that a call names in a way of its own.
pub fn subject(visit: &Visit<'_>) -> Option<String> {
    match visit.behaviour.quirk {
        Some(QuirkName::Falabella) => visit.call.query_value("UserID"),
        Some(QuirkName::ClaroShop) => claro_shop::subject(visit),
        _ => None,
    }
}

/// Judges a call whose credential is more than a token in a place; `None` = judged as any other.
pub fn authenticate(world: &mut World, visit: &Visit<'_>) -> Option<Result<Caller, Answer>> {
    match visit.behaviour.quirk? {
        QuirkName::Falabella => Some(falabella::authenticate(world, visit)),
        QuirkName::Woocommerce => Some(woocommerce::authenticate(world, visit)),
        QuirkName::Walmart => walmart::lacks_basic(world, visit).map(Err),
        QuirkName::Alibaba => Some(alibaba::authenticate(world, visit)),
        QuirkName::ClaroShop => Some(claro_shop::authenticate(world, visit)),
        QuirkName::Magento1 => Some(magento1::authenticate(world, visit)),
        QuirkName::Magento2 => Some(magento2::authenticate(world, visit)),
        QuirkName::Opencart => Some(opencart::authenticate(world, visit)),
        QuirkName::Shein => Some(shein::authenticate(world, visit)),
        QuirkName::TiktokShop => Some(tiktok_shop::authenticate(world, visit)),
        _ => None,
    }
}

/// The client that signed a token call.
pub fn signed_client(
    world: &mut World,
    visit: &Visit<'_>,
    _pairs: &[(String, String)],
) -> Result<Registration, Refusal> {
    match visit.behaviour.quirk {
        Some(QuirkName::Alibaba) => alibaba::signed_client(world, visit),
        _ => Err((Problem::UnknownClient, "nothing is signed here".to_owned())),
    }
}

/// Adds the platform's own signature to what it sends back with the browser.
pub fn sign_callback(visit: &Visit<'_>, secret: &str, pairs: &mut Pairs) {
    match visit.behaviour.quirk {
        Some(QuirkName::Shopify) => shopify::sign_callback(visit, secret, pairs),
        Some(QuirkName::Wix) => wix::sign_callback(visit, secret, pairs),
        _ => {}
    }
}

/// Adds the platform's own proof to what it opens an app's install address with.
pub fn sign_install(visit: &Visit<'_>, secret: &str, pairs: &mut Pairs) {
    match visit.behaviour.quirk {
        Some(QuirkName::Weebly) => weebly::sign_install(secret, pairs),
        _ => sign_callback(visit, secret, pairs),
    }
}

/// The header that a message is signed with by a key that the platform publishes.
pub fn published_key(message: &str) -> String {
    ebay::signed(message)
}

/// Turns what an authorization request writes in a way of its own into the standard form.
pub fn read_authorize(visit: &Visit<'_>, pairs: &mut Pairs) {
    match visit.behaviour.quirk {
        Some(QuirkName::Amazon) => amazon::read_authorize(visit, pairs),
        Some(QuirkName::Shein) => shein::read_authorize(pairs),
        _ => {}
    }
}

/// A grant that is not one of the standard ones.
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

/// The form that the caller asked for; of every answer, refusals and failures included.
pub fn in_wanted_form(visit: &Visit<'_>, answer: Answer) -> Answer {
    match visit.behaviour.quirk {
        Some(QuirkName::Prestashop) => prestashop::as_xml_unless_json_is_wanted(visit, answer),
        _ => answer,
    }
}

/// What an answer can name beside the account's values.
pub fn more_values(world: &World, visit: &Visit<'_>, caller: &Caller) -> Values {
    match (visit.behaviour.quirk, &caller.key) {
        (Some(QuirkName::Vtex), Some(key)) => {
            let expires = visit.clock(world, Some(&caller.account)).timestamp() + 6 * 3600;
            let claims = json!({ "account": caller.account, "sub": key, "exp": expires });
            Values::from([
                ("user_token".to_owned(), jwt::own(&claims).into()),
                ("user_token_expires".to_owned(), expires.into()),
            ])
        }
        _ => Values::new(),
    }
}

/// A page of its own at this address, beside the one of the behaviour file.
pub fn has_page(visit: &Visit<'_>) -> bool {
    match visit.behaviour.quirk {
        Some(QuirkName::Woocommerce) => woocommerce::is_key_page(visit),
        Some(QuirkName::Magento1) => magento1::is_page(visit),
        Some(QuirkName::Wix) => wix::is_installer(visit),
        _ => false,
    }
}

/// A token call of its own, beside those of the behaviour file.
pub fn is_token_call(visit: &Visit<'_>) -> bool {
    match visit.behaviour.quirk {
        Some(QuirkName::Magento1) => magento1::is_token_call(visit),
        Some(QuirkName::Odoo) => odoo::is_token_call(visit),
        Some(QuirkName::Opencart) => opencart::is_token_call(visit),
        Some(QuirkName::Shein) => shein::is_token_call(visit),
        Some(QuirkName::Temu) => temu::is_token_call(visit),
        _ => false,
    }
}

/// Answers what the platform answers in a way of its own.
pub fn own(world: &mut World, visit: &Visit<'_>) -> Option<Next> {
    let page = visit
        .behaviour
        .authorize
        .as_ref()
        .is_some_and(|page| page.path.matches(&visit.call.path));
    let answer = match visit.behaviour.quirk? {
        QuirkName::Woocommerce if woocommerce::is_key_page(visit) => return Some(woocommerce::key_page(world, visit)),
        QuirkName::Magento1 if magento1::is_page(visit) => magento1::authorize(world, visit),
        QuirkName::Magento1 if magento1::is_token_call(visit) => magento1::token(world, visit),
        QuirkName::Opencart if opencart::is_token_call(visit) => opencart::log_in(world, visit),
        QuirkName::Shein if shein::is_token_call(visit) => shein::exchange(world, visit),
        QuirkName::Shein if page => shein::lacks_query(visit)?,
        QuirkName::Temu if !page => temu::answer(world, visit),
        QuirkName::Wix if wix::is_installer(visit) => wix::installer(world, visit),
        QuirkName::Wix if wix::is_token_info(visit) => wix::token_info(world, visit),
        QuirkName::Odoo => odoo::renewal(world, visit)?,
        QuirkName::Walmart => walmart::lacks_seller(world, visit)?,
        _ => return None,
    };
    Some(Next::Answer(answer))
}
