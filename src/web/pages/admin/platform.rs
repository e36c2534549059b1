//! One platform as the catalogue has it: how stores are connected, what is asked, how long what is given lives; and the
//! installation's clients there.

use std::collections::BTreeMap;

use actix_web::web;
use askama::Template;
use chrono::{DateTime, Utc};

use super::platform_facts::{self, MethodShown};
use super::{Answer, moments, platform_fields, platforms, shown};
use crate::app::App;
use crate::domain::admin::Role;
use crate::domain::store::Mode;
use crate::platform::facts::{self, Addresses};
use crate::platform::{Platform, custom};
use crate::web::extract::{Admin, Viewer};
use crate::web::parts::{Badge, Crumb, Fact};
use crate::web::{Error, Frame, Site, urls};

/// Hosts that host themselves may be many.
const SHOWN: usize = 20;

#[derive(Template)]
#[template(path = "pages/admin/platform.html")]
pub struct PlatformPage {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub name: String,
    pub confidence: Badge,
    /// The facts are confirmed by nobody.
    pub unconfirmed: bool,
    /// Hosts whose token calls pause, in words.
    pub outages: Vec<String>,
    pub documentation: String,
    pub facts: Vec<Fact>,
    pub register: Vec<Fact>,
    pub methods: Vec<MethodShown>,
    /// Documented ways that are left out, and why.
    pub not_offered: Vec<(String, String)>,
    /// Label and address of the installation's client, by mode.
    pub clients: Vec<(String, String)>,
    /// Where its definition is changed; empty: it is built in, or the reader may not.
    pub edit: String,
}

/// A host whose token calls pause.
pub(super) struct Pause {
    pub host: String,
    pub since: DateTime<Utc>,
    /// When the next probe may be made.
    pub next: DateTime<Utc>,
}

impl Pause {
    fn told(&self, page: &Frame) -> String {
        let (since, next) = (moments::full(page, self.since), moments::full(page, self.next));
        page.say_with(
            "admin-outage-text",
            [("host", &*self.host), ("when", &*since), ("next", &*next)],
        )
    }
}

pub(super) fn of(
    page: Frame,
    crumbs: Vec<Crumb>,
    platform: &Platform,
    pauses: &[Pause],
    addresses: &Addresses,
) -> PlatformPage {
    let client = |mode: Mode| {
        let label = super::words::mode(&page, mode).label;
        (label, urls::admin_platform_app(&platform.slug, mode))
    };
    let facts = facts::of(platform, page.language, addresses);
    let methods = facts.methods.iter().enumerate();
    PlatformPage {
        crumbs,
        confidence: platforms::confidence(&page, platform.confidence),
        unconfirmed: facts.unconfirmed,
        outages: pauses.iter().map(|pause| pause.told(&page)).collect(),
        facts: platform_facts::of_platform(&page, &facts),
        register: platform_fields::to_register(&page, platform, addresses),
        methods: methods
            .map(|(at, one)| MethodShown {
                // Said once of the whole platform.
                unconfirmed: one.unconfirmed && !facts.unconfirmed,
                ..platform_facts::of_method(&page, one, at == 0)
            })
            .collect(),
        not_offered: facts
            .not_offered
            .iter()
            .map(|left_out| (left_out.way.clone(), left_out.because.clone()))
            .collect(),
        clients: Mode::ALL.iter().map(|mode| client(*mode)).collect(),
        edit: String::new(),
        name: facts.name,
        documentation: facts.documentation,
        page,
    }
}

/// Those of the platform that this process knows of, by host; clients of several apps may meet the same one.
fn pauses(app: &App, platform: &str) -> Vec<Pause> {
    let mut found: BTreeMap<String, Pause> = BTreeMap::new();
    for gate in app.token_gates.list() {
        let Some(outage) = gate.outage.filter(|_| gate.platform == platform) else {
            continue;
        };
        let host = gate.key.host;
        let known = found.entry(host.clone()).or_insert(Pause {
            host,
            since: outage.since,
            next: outage.probe_at,
        });
        known.since = known.since.min(outage.since);
        known.next = known.next.min(outage.probe_at);
    }
    found.into_values().take(SHOWN).collect()
}

pub async fn show(by: Admin<Viewer>, slug: web::Path<String>, site: web::Data<Site>) -> Answer {
    let platform = by.tools.catalogue.platform(&slug).ok_or_else(Error::not_found)?;
    let crumbs = by.crumbs([
        Crumb::link(by.say("admin-platforms"), urls::ADMIN_PLATFORMS),
        Crumb::here(platform.name.clone()),
    ]);
    let addresses = platform_fields::addresses(&site, None, &platform.slug);
    let edit = match custom::is_custom(&platform.slug) && by.may(Role::Owner) {
        true => urls::admin_custom_platform(&platform.slug),
        false => String::new(),
    };
    let pauses = pauses(&by.tools, &platform.slug);
    shown(PlatformPage {
        edit,
        ..of(by.page.clone(), crumbs, platform, &pauses, &addresses)
    })
}
