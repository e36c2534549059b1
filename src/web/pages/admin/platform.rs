//! One platform as the catalogue has it: how stores are connected, what is asked, how long what is given lives; and the
//! installation's clients there.

use actix_web::web;
use askama::Template;

use super::{Answer, moments, platform_fields, platforms, shown};
use crate::domain::store::Mode;
use crate::platform::{Grace, IdentitySource, Method, Platform, Renewal};
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
    pub documentation: String,
    pub register: Vec<Fact>,
    pub methods: Vec<MethodShown>,
    /// Label and address of the installation's client, by mode.
    pub clients: Vec<(String, String)>,
}

pub struct MethodShown {
    pub name: String,
    pub choose: String,
    pub facts: Vec<Fact>,
    pub fields: Vec<FieldShown>,
    pub assumed: Vec<String>,
}

pub struct FieldShown {
    pub label: String,
    pub name: String,
    pub help: String,
    pub example: String,
    pub is_secret: bool,
}

pub(super) fn of(page: Frame, crumbs: Vec<Crumb>, platform: &Platform, redirect_uri: String) -> PlatformPage {
    let client = |mode: Mode| {
        let label = super::words::mode(&page, mode).label;
        (label, urls::admin_platform_app(&platform.slug, mode))
    };
    PlatformPage {
        crumbs,
        name: platform.name.clone(),
        confidence: platforms::confidence(&page, platform.confidence),
        documentation: platform.documentation.clone(),
        register: platform_fields::to_register(&page, platform, redirect_uri),
        methods: platform.methods.iter().map(|one| method(&page, one)).collect(),
        clients: Mode::ALL.iter().map(|mode| client(*mode)).collect(),
        page,
    }
}

fn method(page: &Frame, method: &Method) -> MethodShown {
    let life = |life: Option<std::time::Duration>| {
        life.map_or_else(|| page.say("admin-no-end"), |life| moments::length(page, life))
    };
    let renewal = match method.renewal {
        Renewal::Never => page.say("admin-renewal-never"),
        Renewal::AskAgain => page.say("admin-renewal-ask"),
        Renewal::RefreshToken => page.say("admin-renewal-refresh"),
    };
    let identity = match method.identity {
        IdentitySource::Platform => page.say("admin-identity-platform"),
        IdentitySource::Typed => page.say("admin-identity-typed"),
    };
    let mut facts = vec![
        Fact::code(page.say("admin-id"), method.id.clone()),
        Fact::text(page.say("admin-renewal"), renewal),
        Fact::text(page.say("admin-access-life"), life(method.lifetimes.access)),
        Fact::text(page.say("admin-identity"), identity),
    ];
    if method.renewal == Renewal::RefreshToken {
        facts.insert(
            3,
            Fact::text(page.say("admin-refresh-life"), life(method.lifetimes.refresh)),
        );
        facts.insert(4, Fact::text(page.say("admin-grace"), grace(page, &method.grace)));
    }
    let fields = method.fields.iter().map(|field| FieldShown {
        label: field.label.in_(page.language).to_owned(),
        name: field.name.clone(),
        help: field.help.in_(page.language).to_owned(),
        example: field.example.clone(),
        is_secret: field.secret,
    });
    MethodShown {
        name: method.name.in_(page.language).to_owned(),
        choose: method.choose.in_(page.language).to_owned(),
        facts,
        fields: fields.collect(),
        assumed: method.assumed.clone(),
    }
}

/// What the platform does with a refresh token that was used.
fn grace(page: &Frame, grace: &Grace) -> String {
    let for_a_time =
        |key: &str, time: std::time::Duration| page.say_with(key, [("time", &*moments::length(page, time))]);
    match grace {
        Grace::None => page.say("admin-grace-none"),
        Grace::NotRotating => page.say("admin-grace-not-rotating"),
        Grace::SamePair(time) => for_a_time("admin-grace-same", *time),
        Grace::AnotherPair(time) => for_a_time("admin-grace-another", *time),
        Grace::Replaces(time) => for_a_time("admin-grace-replaces", *time),
        Grace::UntilFirstUse(time) => for_a_time("admin-grace-first-use", *time),
    }
}

pub async fn show(by: Admin<Viewer>, slug: web::Path<String>, site: web::Data<Site>) -> Answer {
    let platform = by.tools.catalogue.platform(&slug).ok_or_else(Error::not_found)?;
    let crumbs = by.crumbs([
        Crumb::link(by.say("admin-platforms"), urls::ADMIN_PLATFORMS),
        Crumb::here(platform.name.clone()),
    ]);
    let redirect_uri = crate::platform::redirect_uri(&site.options.public_url, &platform.slug);
    shown(of(by.page.clone(), crumbs, platform, redirect_uri))
}
