//! Trying an app's own client at a platform, and telling how that went on the page it was asked for from.

use std::collections::BTreeMap;

use actix_web::web;

use super::{Answer, app_platform};
use crate::broker;
use crate::broker::platform_app_test::{self, Outcome, Tested, Verdict};
use crate::db::platform_apps::PlatformApp;
use crate::platform::Platform;
use crate::web::extract::{Admin, NeedsRole, Operator};
use crate::web::form::Submitted;
use crate::web::parts::Tone;
use crate::web::{Error, Frame, urls};

pub async fn submit(by: Admin<Operator>, path: web::Path<(String, String)>, submitted: Submitted) -> Answer {
    let (app, platform, own, _) = app_platform::find(&by, &path).await?;
    let own = own.ok_or_else(Error::not_found)?;
    let back = urls::admin_app_platform(app.id, &platform.slug);
    tried(&by, &platform, &own, &submitted, &back).await
}

/// Tries a client and goes back with the outcome.
pub(super) async fn tried<R: NeedsRole>(
    by: &Admin<R>,
    platform: &Platform,
    client: &PlatformApp,
    submitted: &Submitted,
    back: &str,
) -> Answer {
    let wanted = platform_app_test::wanted(&by.tools, platform);
    let given: BTreeMap<_, _> = wanted
        .iter()
        .map(|field| (field.name.clone(), submitted.secret(&field.name)))
        .collect();
    match platform_app_test::test(&by.tools, &by.asker(), client, &given).await {
        Ok(tested) => {
            let (tone, text) = told(&by.page, platform, &tested);
            Ok(by.told(tone, text, back))
        }
        Err(broker::Error::Invalid(_)) => Ok(by.told(Tone::Warn, by.say("admin-test-fields"), back)),
        Err(broker::Error::RateLimited { .. }) => Ok(by.told(Tone::Warn, by.say("admin-test-often"), back)),
        Err(error) => Err(error.into()),
    }
}

fn told(page: &Frame, platform: &Platform, tested: &Tested) -> (Tone, String) {
    let (tone, mut text) = outcome(page, platform, &tested.first);
    let Some(standby) = &tested.standby else {
        return (tone, text);
    };
    let (second, told) = outcome(page, platform, standby);
    text = format!("{text} {}", page.say_with("admin-test-standby", [("outcome", &*told)]));
    (if tone == Tone::Good { second } else { tone }, text)
}

fn outcome(page: &Frame, platform: &Platform, outcome: &Outcome) -> (Tone, String) {
    let (tone, key) = match outcome.verdict {
        Verdict::Accepted => (Tone::Good, "admin-test-accepted"),
        Verdict::Refused => (Tone::Bad, "admin-test-refused"),
        Verdict::Unclear => (Tone::Warn, "admin-test-unclear"),
        Verdict::NothingToTest => (Tone::Info, "admin-test-nothing"),
    };
    let (key, code) = match &outcome.needs {
        Some(needs) => ("admin-test-needs", needs.as_str()),
        None => (key, outcome.platform_code.as_deref().unwrap_or(&outcome.detail)),
    };
    (
        tone,
        page.say_with(key, [("platform", &*platform.name), ("code", code)]),
    )
}
