//! The installation's own client at a platform, which apps of one mode inherit: set here, never read back.

use actix_web::web;

use super::app_platform::{ClientPage, standing, test_form};
use super::{Answer, frame_of, mark, platform_fields, refused, shown, words};
use crate::broker::platform_apps;
use crate::db;
use crate::db::platform_apps::PlatformApp;
use crate::domain::admin::Role;
use crate::domain::store::Mode;
use crate::platform::Platform;
use crate::web::extract::{Admin, Owner, Viewer};
use crate::web::form::{Form, Submitted};
use crate::web::parts::{Badge, Crumb, Tone};
use crate::web::{Error, Site, urls};

pub(super) async fn find<R>(
    by: &Admin<R>,
    (slug, mode): &(String, String),
) -> Result<(Platform, Mode, Option<PlatformApp>), Error> {
    let platform = by
        .tools
        .catalogue
        .platform(slug)
        .cloned()
        .ok_or_else(Error::not_found)?;
    let (slug, mode) = (slug.clone(), mode.parse::<Mode>().map_err(|_| Error::not_found())?);
    let set = by
        .read(move |conn| db::platform_apps::find_installation(conn, &slug, mode))
        .await?;
    Ok((platform, mode, set))
}

fn page<R>(
    by: &Admin<R>,
    site: &Site,
    (platform, mode): (&Platform, Mode),
    set: Option<&PlatformApp>,
    form: Form,
) -> ClientPage {
    let needs = !form.inputs.is_empty();
    let unset = match needs {
        true => Badge::new(Tone::Idle, by.say("admin-client-unset")),
        false => Badge::new(Tone::Idle, by.say("admin-client-none")),
    };
    let (badge, mut texts) = standing(by, set, unset);
    texts.push(
        by.page
            .say_with("admin-client-shared", [("mode", &*words::mode(&by.page, mode).label)]),
    );
    let addresses = platform_fields::addresses(site, None, &platform.slug);
    let test = test_form(by, platform, set);
    let back = urls::admin_platform(&platform.slug);
    ClientPage {
        page: frame_of(by, mode),
        crumbs: by.crumbs([
            Crumb::link(by.say("admin-platforms"), urls::ADMIN_PLATFORMS),
            Crumb::link(platform.name.clone(), back.clone()),
            Crumb::here(by.say("admin-installation-client")),
        ]),
        title: by
            .page
            .say_with("admin-installation-title", [("platform", &*platform.name)]),
        badge,
        texts,
        register: platform_fields::to_register(&by.page, platform, &addresses),
        documentation: platform.documentation.clone(),
        form: Some(form).filter(|_| needs && by.may(Role::Owner)),
        action: urls::admin_platform_app(&platform.slug, mode),
        cancel: back,
        test: test.map(|form| (form, urls::admin_platform_app_test(&platform.slug, mode))),
    }
}

pub async fn show(by: Admin<Viewer>, path: web::Path<(String, String)>, site: web::Data<Site>) -> Answer {
    let (platform, mode, set) = find(&by, &path).await?;
    let form = platform_fields::form(&by.page, &platform, set.as_ref());
    shown(page(&by, &site, (&platform, mode), set.as_ref(), form))
}

pub async fn submit(
    by: Admin<Owner>,
    path: web::Path<(String, String)>,
    site: web::Data<Site>,
    submitted: Submitted,
) -> Answer {
    let (platform, mode, set) = find(&by, &path).await?;
    let mut form = platform_fields::form(&by.page, &platform, set.as_ref()).filled(&submitted);
    match platform_apps::check(&platform, &platform_fields::registered(&platform, &submitted)) {
        Ok(values) => {
            platform_apps::set_installation(&by.tools, &platform.slug, mode, values, by.actor()).await?;
            Ok(by.done(by.say("admin-client-saved"), &urls::admin_platform(&platform.slug)))
        }
        Err(error) => {
            mark(&by.page, &mut form, error)?;
            refused(page(&by, &site, (&platform, mode), set.as_ref(), form))
        }
    }
}
