//! An app's own OAuth client at a platform. Written, never read back: secrets leave this module sealed, and only what is
//! no secret is kept readable beside them.

use std::collections::BTreeMap;

use super::asker::Asker;
use super::{Error, FieldError};
use crate::app::App;
use crate::crypto::Place;
use crate::db;
use crate::db::audit::NewAuditEvent;
use crate::db::platform_apps::NewPlatformApp;
use crate::domain::admin::Actor;
use crate::domain::id::{Id, PlatformAppId};
use crate::domain::secret::Secret;
use crate::domain::store::Mode;
use crate::platform::{Field, FieldProblem, Platform, Values};

/// What a partner registered at a platform.
#[derive(Debug)]
pub struct Registered {
    pub fields: BTreeMap<String, Secret>,
    /// A second set of secrets, tried when the first is refused, while they roll over.
    pub standby: Option<BTreeMap<String, Secret>>,
}

/// Sets the app's own client at a platform, replacing what was there.
pub async fn put(
    app: &App,
    asker: &Asker,
    owner: &db::apps::App,
    slug: &str,
    registered: Registered,
) -> Result<(), Error> {
    let platform = app.catalogue.platform_for(owner.id, slug).ok_or(Error::NotFound)?;
    let fields = app_fields(platform);
    if fields.is_empty() {
        return Err(Error::Conflict(format!(
            "Nothing has to be registered at {}",
            platform.name
        )));
    }
    let ClientValues { first: values, standby } = check(platform, &registered)?;
    let public = public_values(&fields, &values);

    let (owner_id, mode, slug) = (owner.id, owner.mode, slug.to_owned());
    let (sealer, asker, new_id, event) = (app.sealer.clone(), asker.clone(), app.id::<PlatformAppId>(), app.id());
    app.db
        .transaction(move |conn| {
            let found = db::platform_apps::find_own(conn, owner_id, &slug)?;
            let id = found.as_ref().map_or(new_id, |found| found.id);
            let seal = |column, values: &Values| sealer.seal(place(id, column), values.to_bytes().expose());
            let values_sealed = seal("values_sealed", &values);
            let standby_sealed = standby.as_ref().map(|standby| seal("standby_sealed", standby));
            if found.is_none() {
                let new = NewPlatformApp {
                    id,
                    app_id: Some(owner_id),
                    platform: &slug,
                    mode,
                    shared: false,
                    values_sealed: &values_sealed,
                    public_values: public.clone(),
                };
                db::platform_apps::insert(conn, &new)?;
            }
            if found.is_some() || standby_sealed.is_some() {
                let standby = standby_sealed.as_deref();
                db::platform_apps::update_values(conn, id, &values_sealed, standby, &public)?;
            }
            let details = serde_json::json!({ "platform": slug, "standby": standby_sealed.is_some() });
            db::audit::insert(conn, &asker.did(event, owner_id, "platform_app.set", id, details))?;
            Ok::<_, Error>(())
        })
        .await
}

/// The values of a client, checked, and those with its second set of secrets in place.
#[derive(Debug)]
pub struct ClientValues {
    pub first: Values,
    pub standby: Option<Values>,
}

/// Checks what is to be registered; `Invalid` names each field that is wrong, as `fields.` or `standby.` and its name.
pub fn check(platform: &Platform, registered: &Registered) -> Result<ClientValues, Error> {
    let (fields, mut wrong) = (app_fields(platform), Vec::new());
    let first = checked(platform, &fields, "fields", &registered.fields, true, &mut wrong);
    let standby = registered.standby.as_ref().map(|given| {
        // The second set is laid over the first: what does not change needs no repetition.
        checked(platform, &fields, "standby", given, false, &mut wrong).over(&first)
    });
    if wrong.is_empty() {
        Ok(ClientValues { first, standby })
    } else {
        Err(Error::Invalid(wrong))
    }
}

/// Sets the installation's client at a platform, which apps of `mode` inherit. `values` are taken as they are.
pub async fn set_installation(
    app: &App,
    slug: &str,
    mode: Mode,
    values: ClientValues,
    actor: Actor,
) -> Result<(), Error> {
    let platform = app.catalogue.platform(slug).ok_or(Error::NotFound)?;
    let ClientValues { first: values, standby } = values;
    let public = public_values(&app_fields(platform), &values);
    let (slug, sealer, new_id, event) = (slug.to_owned(), app.sealer.clone(), app.id::<PlatformAppId>(), app.id());
    app.db
        .transaction(move |conn| {
            let found = db::platform_apps::find_installation(conn, &slug, mode)?;
            let id = found.as_ref().map_or(new_id, |found| found.id);
            let seal = |column, values: &Values| sealer.seal(place(id, column), values.to_bytes().expose());
            let values_sealed = seal("values_sealed", &values);
            let standby_sealed = standby.as_ref().map(|standby| seal("standby_sealed", standby));
            if found.is_none() {
                let new = NewPlatformApp {
                    id,
                    app_id: None,
                    platform: &slug,
                    mode,
                    shared: true,
                    values_sealed: &values_sealed,
                    public_values: public.clone(),
                };
                db::platform_apps::insert(conn, &new)?;
            }
            if found.is_some() || standby_sealed.is_some() {
                let standby = standby_sealed.as_deref();
                db::platform_apps::update_values(conn, id, &values_sealed, standby, &public)?;
            }
            let event = NewAuditEvent {
                id: event,
                app: None,
                request_id: actor.request_id.clone(),
                actor,
                action: "platform_app.set",
                subject: id.to_string(),
                details: serde_json::json!({ "platform": slug, "mode": mode, "standby": standby_sealed.is_some() }),
            };
            db::audit::insert(conn, &event)?;
            Ok::<_, Error>(())
        })
        .await
}

/// Where the sealed values of a platform app stand.
pub fn place(id: PlatformAppId, column: &'static str) -> Place<'static> {
    Place {
        table: "platform_apps",
        column,
        row: id.uuid(),
    }
}

/// What may be shown of a platform app's values.
fn public_values(fields: &[&Field], values: &Values) -> serde_json::Value {
    let shown = fields.iter().filter(|field| !field.secret);
    shown
        .filter_map(|field| Some((field.name.clone(), serde_json::Value::from(values.get(&field.name)?))))
        .collect()
}

/// The fields that any connect method of the platform wants registered, each once.
pub fn app_fields(platform: &Platform) -> Vec<&Field> {
    let mut fields: Vec<&Field> = Vec::new();
    for field in platform.methods.iter().flat_map(|method| &method.app_fields) {
        if !fields.iter().any(|known| known.name == field.name) {
            fields.push(field);
        }
    }
    fields
}

/// The values that are as they should be; the others go to `wrong`. With `complete` all that one connect method needs
/// must be there.
fn checked(
    platform: &Platform,
    fields: &[&Field],
    at: &str,
    given: &BTreeMap<String, Secret>,
    complete: bool,
    wrong: &mut Vec<FieldError>,
) -> Values {
    let mut values = Values::new();
    for name in given
        .keys()
        .filter(|name| !fields.iter().any(|field| field.name == **name))
    {
        let known: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        wrong.push(FieldError::new(
            format!("{at}.{name}"),
            format!("unknown here; known: {}", known.join(", ")),
        ));
    }
    let needed = platform
        .methods
        .iter()
        .filter(|method| !method.app_fields.is_empty())
        .any(|method| {
            let needs = method
                .app_fields
                .iter()
                .filter(|field| field.required && field.default.is_none());
            needs.into_iter().all(|field| given.contains_key(&field.name))
        });
    for field in fields {
        let text = given.get(&field.name).map(Secret::expose).unwrap_or_default();
        match field.check(text, false) {
            Ok(value) if value.is_empty() => {}
            Ok(value) => values.set(field.name.clone(), value),
            Err(FieldProblem::Missing) if !complete || (needed && !given.contains_key(&field.name)) => {}
            Err(problem) => wrong.push(FieldError::new(format!("{at}.{}", field.name), problem.to_string())),
        }
    }
    values
}
