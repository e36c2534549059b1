//! What is said of stores: by the verify call, by a connection that starts at the platform, by a webhook.

use llavero::platform::hook::{Hook, HookKind, HookRefusal};
use llavero::platform::obtain::{CallbackRefusal, Install};
use llavero::platform::verify::StoreFacts;

use super::difference::Differences;
use super::expected::{ExpectedHook, ExpectedInstall, ExpectedShop, ExpectedStore, HookOutcome, InstallOutcome};
use super::file::values;
use super::outcome::has;

pub fn compare_store(expected: &ExpectedStore, got: &StoreFacts, differences: &mut Differences) {
    for (what, wanted, got) in [
        ("platform_store_id", &expected.platform_store_id, &got.platform_store_id),
        ("name", &expected.name, &got.name),
        ("url", &expected.url, &got.url),
    ] {
        if wanted.is_some() {
            differences.equal(what, wanted, got);
        }
    }
}

pub fn compare_shops(expected: &[ExpectedShop], got: &StoreFacts, differences: &mut Differences) {
    let ids = |ids: Vec<&str>| ids.join(", ");
    differences.equal(
        "shops",
        ids(expected.iter().map(|shop| shop.platform_store_id.as_str()).collect()),
        ids(got.shops.iter().map(|shop| shop.platform_store_id.as_str()).collect()),
    );
    for (wanted, got) in expected.iter().zip(&got.shops) {
        if wanted.name.is_some() {
            differences.equal("shop's name", &wanted.name, &got.name);
        }
        has(&values(&wanted.values), &got.values, differences);
    }
}

pub fn compare_install(
    expected: &ExpectedInstall,
    got: &Result<Option<Install>, CallbackRefusal>,
    differences: &mut Differences,
) {
    match (expected.outcome, got) {
        (InstallOutcome::Proven, Ok(Some(Install::Begin(brought) | Install::Approved(brought)))) => {
            has(&values(&expected.values), brought, differences);
        }
        (InstallOutcome::Named, Ok(Some(Install::Named(named)))) => {
            has(&values(&expected.values), named, differences);
        }
        (InstallOutcome::Refused, Err(_)) => {}
        (outcome, got) => differences.add("install", outcome, got),
    }
}

pub fn compare_hook(expected: &ExpectedHook, got: &Result<Hook, HookRefusal>, differences: &mut Differences) {
    let outcome = match got {
        Ok(hook) => match hook.kind {
            HookKind::Uninstalled => HookOutcome::Uninstalled,
            HookKind::MaybeUninstalled => HookOutcome::MaybeUninstalled,
            HookKind::Privacy | HookKind::AccountClosed | HookKind::Other => HookOutcome::Ignored,
        },
        Err(_) => HookOutcome::Refused,
    };
    if outcome != expected.outcome {
        differences.add("hook", expected.outcome, got);
    } else if let (Some(wanted), Ok(hook)) = (&expected.platform_store_id, got) {
        differences.equal(
            "platform_store_id",
            Some(wanted.as_str()),
            hook.platform_store_id.as_deref(),
        );
    }
}
