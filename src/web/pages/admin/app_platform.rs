//! An app's own client at a platform: set here, never read back. Without one the installation's is inherited.

use actix_web::web;
use askama::Template;

use super::moments::Moment;
use super::{Answer, app, find_app, frame_of, mark, platform_fields, refused, shown};
use crate::broker::{platform_app_test, platform_apps};
use crate::db;
use crate::db::platform_apps::PlatformApp;
use crate::domain::admin::Role;
use crate::domain::refresh::SecretSet;
use crate::platform::Platform;
use crate::web::extract::{Admin, NeedsRole, Owner, Viewer};
use crate::web::form::{Form, Submitted};
use crate::web::parts::{Badge, Crumb, Fact, Tone};
use crate::web::{Error, Frame, Site, urls};

/// Also the page of the installation's client, see `platform_app`.
#[derive(Template)]
#[template(path = "pages/admin/platform_app.html")]
pub struct ClientPage {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub title: String,
    /// How things stand, with the tone of it.
    pub badge: Badge,
    pub texts: Vec<String>,
    pub register: Vec<Fact>,
    pub documentation: String,
    /// `None`: nothing has to be registered, or the reader may not.
    pub form: Option<Form>,
    pub action: String,
    pub cancel: String,
    /// Trying the client that is set: what has to be told for it, and where to.
    pub test: Option<(Form, String)>,
}

/// What a test of the client asks for; `None` where none is set, or the reader may not.
pub(super) fn test_form<R>(by: &Admin<R>, platform: &Platform, set: Option<&PlatformApp>) -> Option<Form> {
    set.filter(|_| by.may(Role::Operator) && platform_app_test::is_testable(platform))?;
    let wanted = platform_app_test::wanted(&by.tools, platform);
    let inputs = wanted
        .into_iter()
        .map(|field| platform_fields::input(&by.page, field).optional());
    Some(Form::new(inputs.collect()))
}

/// The client that is set, in words.
pub(super) fn standing<R>(by: &Admin<R>, set: Option<&PlatformApp>, unset: Badge) -> (Badge, Vec<String>) {
    let Some(set) = set else { return (unset, Vec::new()) };
    let moment = |at| Moment::of(&by.page, by.now(), at).long();
    let mut texts = vec![
        by.page
            .say_with("admin-client-set-at", [("when", &*moment(set.updated_at))]),
    ];
    if set.standby_sealed.is_some() {
        texts.push(by.say("admin-client-standby-set"));
        let since = set.secrets_used_since.map(moment).unwrap_or_default();
        texts.push(match set.secrets_used {
            None => by.say("admin-client-took-neither"),
            Some(SecretSet::Current) => by.page.say_with("admin-client-took-current", [("when", &*since)]),
            Some(SecretSet::Standby) => by.page.say_with("admin-client-took-standby", [("when", &*since)]),
        });
    }
    let mut badge = Badge::new(Tone::Good, by.say("admin-client-set"));
    if let Some(since) = set.verdicts_held_at {
        badge = Badge::new(Tone::Warn, by.say("admin-held"));
        texts.push(by.page.say_with("admin-held-text", [("when", &*moment(since))]));
    }
    if let Some(since) = set.paused_at {
        badge = Badge::new(Tone::Bad, by.say("admin-paused"));
        let code = set.pause_code.as_deref().unwrap_or("-");
        texts.push(
            by.page
                .say_with("admin-paused-text", [("when", &*moment(since)), ("code", code)]),
        );
    }
    (badge, texts)
}

pub(super) async fn find<R: NeedsRole>(
    by: &Admin<R>,
    path: &(String, String),
) -> Result<(db::apps::App, Platform, Option<PlatformApp>, Option<PlatformApp>), Error> {
    let (app, _) = find_app(by, &path.0).await?;
    let platform = by
        .tools
        .catalogue
        .platform_for(app.id, &path.1)
        .cloned()
        .ok_or_else(Error::not_found)?;
    let (id, mode, slug) = (app.id, app.mode, path.1.clone());
    let (own, shared) = by
        .read(move |conn| {
            let own = db::platform_apps::find_own(conn, id, &slug)?;
            Ok((own, db::platform_apps::find_installation(conn, &slug, mode)?))
        })
        .await?;
    Ok((app, platform, own, shared.filter(|shared| shared.shared)))
}

fn page<R>(
    by: &Admin<R>,
    site: &Site,
    (app, platform): (&db::apps::App, &Platform),
    (own, shared): (Option<&PlatformApp>, Option<&PlatformApp>),
    form: Form,
) -> ClientPage {
    let needs = !form.inputs.is_empty();
    let unset = match shared {
        _ if !needs => Badge::new(Tone::Idle, by.say("admin-client-none")),
        Some(_) => Badge::new(Tone::Good, by.say("admin-client-inherited")),
        None => Badge::new(Tone::Warn, by.say("admin-client-missing")),
    };
    let (badge, texts) = standing(by, own, unset);
    let addresses = platform_fields::addresses(site, Some(app.id), &platform.slug);
    let test = test_form(by, platform, own);
    ClientPage {
        page: frame_of(by, app.mode),
        crumbs: app::crumbs_to(by, app, platform.name.clone()),
        title: by.page.say_with(
            "admin-client-title",
            [("platform", &*platform.name), ("app", &*app.name)],
        ),
        badge,
        texts,
        register: platform_fields::to_register(&by.page, platform, &addresses),
        documentation: platform.documentation.clone(),
        form: Some(form).filter(|_| needs && by.may(Role::Owner)),
        action: urls::admin_app_platform(app.id, &platform.slug),
        cancel: urls::admin_app(app.id),
        test: test.map(|form| (form, urls::admin_app_platform_test(app.id, &platform.slug))),
    }
}

pub async fn show(by: Admin<Viewer>, path: web::Path<(String, String)>, site: web::Data<Site>) -> Answer {
    let (app, platform, own, shared) = find(&by, &path).await?;
    let form = platform_fields::form(&by.page, &platform, own.as_ref());
    shown(page(
        &by,
        &site,
        (&app, &platform),
        (own.as_ref(), shared.as_ref()),
        form,
    ))
}

pub async fn submit(
    by: Admin<Owner>,
    path: web::Path<(String, String)>,
    site: web::Data<Site>,
    submitted: Submitted,
) -> Answer {
    let (app, platform, own, shared) = find(&by, &path).await?;
    let mut form = platform_fields::form(&by.page, &platform, own.as_ref()).filled(&submitted);
    let registered = platform_fields::registered(&platform, &submitted);
    match platform_apps::put(&by.tools, &by.asker(), &app, &platform.slug, registered).await {
        Ok(()) => Ok(by.done(by.say("admin-client-saved"), &urls::admin_app(app.id))),
        Err(error) => {
            mark(&by.page, &mut form, error)?;
            refused(page(
                &by,
                &site,
                (&app, &platform),
                (own.as_ref(), shared.as_ref()),
                form,
            ))
        }
    }
}
