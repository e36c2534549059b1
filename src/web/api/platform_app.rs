//! `PUT /v1/platforms/{slug}/app`: the app's own client at a platform. Write-only.

use std::collections::BTreeMap;

use actix_web::web::Path;
use serde::Deserialize;

use super::{Answer, done};
use crate::broker::platform_apps::{self, Registered};
use crate::domain::secret::Secret;
use crate::web::extract::{Body, PartnerKey, PlatformsWrite};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegisteredJson {
    fields: BTreeMap<String, Secret>,
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
