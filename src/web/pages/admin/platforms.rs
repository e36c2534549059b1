//! The catalogue: each platform with its methods, and whether the installation has a client there.

use std::collections::HashSet;

use askama::Template;

use super::{Answer, shown};
use crate::broker::platform_apps::app_fields;
use crate::db;
use crate::domain::store::Mode;
use crate::platform::Platform;
use crate::platform::descriptor::Confidence;
use crate::web::extract::{Admin, Viewer};
use crate::web::parts::{Badge, Crumb, Tone};
use crate::web::{Frame, urls};

#[derive(Template)]
#[template(path = "pages/admin/platforms.html")]
pub struct Platforms {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub rows: Vec<Row>,
    /// Those that owners define.
    pub custom_href: &'static str,
}

pub struct Row {
    pub href: String,
    pub name: String,
    pub methods: String,
    pub confidence: Badge,
    pub live: Badge,
    pub sandbox: Badge,
}

pub(super) fn row(page: &Frame, platform: &Platform, clients: &HashSet<(String, Mode)>) -> Row {
    let client = |mode: Mode| {
        if app_fields(platform).is_empty() {
            Badge::new(Tone::Idle, page.say("admin-client-none"))
        } else if clients.contains(&(platform.slug.clone(), mode)) {
            Badge::new(Tone::Good, page.say("admin-client-set"))
        } else {
            Badge::new(Tone::Idle, page.say("admin-client-unset"))
        }
    };
    let methods: Vec<&str> = platform
        .methods
        .iter()
        .map(|method| method.name.in_(page.language))
        .collect();
    Row {
        href: urls::admin_platform(&platform.slug),
        name: platform.name.clone(),
        methods: methods.join(" · "),
        confidence: confidence(page, platform.confidence),
        live: client(Mode::Live),
        sandbox: client(Mode::Sandbox),
    }
}

/// What the catalogue's facts rest on.
pub(super) fn confidence(page: &Frame, confidence: Confidence) -> Badge {
    match confidence {
        Confidence::Documented => Badge::new(Tone::Good, page.say("admin-documented")),
        Confidence::Recalled => Badge::new(Tone::Info, page.say("admin-recalled")),
        Confidence::Undocumented => Badge::new(Tone::Warn, page.say("admin-undocumented")),
    }
}

pub async fn show(by: Admin<Viewer>) -> Answer {
    let clients = by.read(|conn| db::platform_apps::list(conn, None)).await?;
    let clients: HashSet<(String, Mode)> = clients
        .into_iter()
        .map(|client| (client.platform, client.mode))
        .collect();
    let platforms = by.tools.catalogue.all().into_iter();
    shown(Platforms {
        crumbs: by.crumbs([Crumb::here(by.say("admin-platforms"))]),
        custom_href: urls::ADMIN_CUSTOM_PLATFORMS,
        rows: platforms.map(|platform| row(&by.page, platform, &clients)).collect(),
        page: by.page.clone(),
    })
}
