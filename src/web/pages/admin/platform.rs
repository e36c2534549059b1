//! One platform as the catalogue has it: how stores are connected, what is asked, how long what is given lives; and the
//! installation's clients there.

use actix_web::web;
use askama::Template;

use super::platform_facts::{self, MethodShown};
use super::{Answer, platform_fields, platforms, shown};
use crate::domain::admin::Role;
use crate::domain::store::Mode;
use crate::platform::facts::{self, Addresses};
use crate::platform::{Platform, custom};
use crate::web::extract::{Admin, Viewer};
use crate::web::parts::{Badge, Crumb, Fact};
use crate::web::{Error, Frame, Site, urls};

#[derive(Template)]
#[template(path = "pages/admin/platform.html")]
pub struct PlatformPage {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub name: String,
    pub confidence: Badge,
    /// The facts are confirmed by nobody.
    pub unconfirmed: bool,
    pub documentation: String,
    pub facts: Vec<Fact>,
    pub register: Vec<Fact>,
    pub methods: Vec<MethodShown>,
    /// Label and address of the installation's client, by mode.
    pub clients: Vec<(String, String)>,
    /// Where its definition is changed; empty: it is built in, or the reader may not.
    pub edit: String,
}

pub(super) fn of(page: Frame, crumbs: Vec<Crumb>, platform: &Platform, addresses: &Addresses) -> PlatformPage {
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
        facts: platform_facts::of_platform(&page, &facts),
        register: platform_fields::to_register(&page, platform, addresses),
        methods: methods
            .map(|(at, one)| platform_facts::of_method(&page, one, at == 0))
            .collect(),
        clients: Mode::ALL.iter().map(|mode| client(*mode)).collect(),
        edit: String::new(),
        name: facts.name,
        documentation: facts.documentation,
        page,
    }
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
    shown(PlatformPage {
        edit,
        ..of(by.page.clone(), crumbs, platform, &addresses)
    })
}
