//! `/v1/platforms/{slug}/app`: the app's own client at a platform. Written, tried, and never read back.

use std::collections::BTreeMap;

use actix_web::web::Path;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Answer, done, ok};
use crate::broker::needs_sandbox;
use crate::broker::platform_app_test;
use crate::broker::platform_apps::{self, Registered};
use crate::domain::secret::Secret;
use crate::web::extract::{Body, PartnerKey, PlatformsWrite};

/// The app's own client at a platform.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlatformAppRegistration)]
pub(super) struct RegisteredJson {
    /// By the names of the platform's `app_fields`.
    fields: BTreeMap<String, Secret>,
    /// A second set of secrets that stands by while they roll over.
    standby: Option<BTreeMap<String, Secret>>,
}

pub async fn put(by: PartnerKey<PlatformsWrite>, slug: Path<String>, body: Body) -> Answer {
    let given: RegisteredJson = body.read()?;
    let registered = Registered {
        fields: given.fields,
        standby: given.standby,
    };
    platform_apps::put(&by.tools, &by.asker(), &by.app, &slug, registered).await?;
    done()
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlatformAppTest)]
pub(super) struct TestJson {
    /// Fields of the merchant that decide where the platform is asked, a shop's address for instance; and what else does,
    /// where a connection brings it.
    #[serde(default)]
    fields: BTreeMap<String, Secret>,
}

/// `POST /v1/platforms/{slug}/app/test`, `{fields?}` -> `{platform, method, verdict, platform_code, http_status, detail,
/// needs, standby}`. `verdict`: `accepted` (the platform accepts the client), `refused` (it refuses the client itself), `unclear`
/// (it could not be told; `needs` names a value that only a connection brings, if that is why) or `nothing_to_test`; `standby` is the same of the second set of secrets, or `null`. A missing
/// field is `invalid_request` and named; an app without a client of its own is `conflict`; 10 tries at once and one each
/// 6 seconds are taken of an app.
pub async fn test(by: PartnerKey<PlatformsWrite>, slug: Path<String>, body: Body) -> Answer {
    let given: TestJson = body.read()?;
    needs_sandbox(&by.tools, by.app.mode)?;
    let tested = platform_app_test::test_own(&by.tools, &by.asker(), &by.app, &slug, &given.fields).await?;
    ok(&tested)
}
