//! Trying the installation's client at a platform.

use actix_web::web;

use super::app_platform_test::tried;
use super::{Answer, platform_app};
use crate::web::extract::{Admin, Operator};
use crate::web::form::Submitted;
use crate::web::{Error, urls};

pub async fn submit(by: Admin<Operator>, path: web::Path<(String, String)>, submitted: Submitted) -> Answer {
    let (platform, mode, set) = platform_app::find(&by, &path).await?;
    let set = set.ok_or_else(Error::not_found)?;
    let back = urls::admin_platform_app(&platform.slug, mode);
    tried(&by, &platform, &set, &submitted, &back).await
}
