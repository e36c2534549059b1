//! Platforms that owners define without code. A definition passes the catalogue's checks before it is kept, and a change
//! never takes from connected stores what they need. Every process reads them at its start and again when one changed; a
//! definition that cannot be used any more (written for another release) costs its own stores their calls, and nobody else.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::platform_apps::place;
use super::{Delivered, Error, FieldError};
use crate::app::App;
use crate::db;
use crate::db::audit::NewAuditEvent;
use crate::db::custom_platforms::{CustomPlatform, InUse, Kept};
use crate::db::listen::News;
use crate::db::types::Texts;
use crate::domain::admin::Actor;
use crate::domain::id::AppId;
use crate::domain::problem::Problem;
use crate::platform::custom::{self, Defined};
use crate::platform::{Catalogue, CatalogueError, Platform, Values};

/// Between two tries while the database is away.
const PAUSE: Duration = Duration::from_millis(500);

/// A definition as an owner gives it.
#[derive(Debug, Clone)]
pub struct Definition {
    pub text: String,
    /// The form's answers that it was made from, to be shown there again.
    pub answers: Option<serde_json::Value>,
}

/// Adds a platform for one app, or for all of the installation; its slug, which never changes.
///
/// Errors: `Invalid`, the keys of the definition as fields; `owner` or `slug` where these cannot be.
pub async fn add(app: &App, owner: Option<AppId>, definition: Definition, actor: Actor) -> Result<String, Error> {
    // Without one, reading says why there is none.
    let slug = custom::slug_of(&definition.text).unwrap_or_default();
    let platform = custom::read(&slug, &definition.text, owner).map_err(refused)?;
    let kept = kept(&platform, definition);
    let event = event(app, actor, owner, "custom_platform.added", &slug, &kept.definition);
    let made = slug.clone();
    app.db
        .transaction(move |conn| {
            if let Some(owner) = owner
                && db::apps::find(conn, owner)?.is_none()
            {
                return Err(invalid("owner", "no such app"));
            }
            match db::custom_platforms::insert(conn, &slug, owner, &kept) {
                Err(db::Error::Conflict { .. }) => return Err(invalid("slug", TAKEN)),
                done => done?,
            }
            db::audit::insert(conn, &event)?;
            Ok(db::listen::notify_platforms(conn)?)
        })
        .await?;
    load(app).await?;
    Ok(made)
}

/// What is said of a slug that another definition has.
pub const TAKEN: &str = "another platform has it";

/// Changes a definition. `Invalid` where stores that are connected would not work any more.
pub async fn change(app: &App, slug: &str, definition: Definition, actor: Actor) -> Result<(), Error> {
    let found = find(app, slug).await?;
    let platform = custom::read(slug, &definition.text, found.app_id).map_err(refused)?;
    let kept = kept(&platform, definition);
    let event = event(
        app,
        actor,
        found.app_id,
        "custom_platform.changed",
        slug,
        &kept.definition,
    );
    let slug = slug.to_owned();
    app.db
        .transaction(move |conn| {
            let before = db::custom_platforms::lock(conn, &slug)?.ok_or(Error::NotFound)?;
            let used = db::custom_platforms::in_use(conn, &slug)?;
            let before = custom::read(&slug, &before.definition, before.app_id).ok();
            let broken = custom::breaks(before.as_ref(), &platform, &used.methods);
            if !broken.is_empty() {
                let wrong = broken.into_iter().map(|(key, message)| FieldError::new(key, message));
                return Err(Error::Invalid(wrong.collect()));
            }
            db::custom_platforms::update(conn, &slug, &kept)?;
            db::audit::insert(conn, &event)?;
            Ok(db::listen::notify_platforms(conn)?)
        })
        .await?;
    load(app).await
}

/// Removes a platform that nothing uses, and the clients registered there. `Conflict` while stores or connect sessions
/// use it.
pub async fn remove(app: &App, slug: &str, actor: Actor) -> Result<(), Error> {
    let found = find(app, slug).await?;
    let event = event(
        app,
        actor,
        found.app_id,
        "custom_platform.removed",
        slug,
        &found.definition,
    );
    let (slug, sealer) = (slug.to_owned(), app.sealer.clone());
    app.db
        .transaction(move |conn| {
            db::custom_platforms::lock(conn, &slug)?.ok_or(Error::NotFound)?;
            let used = db::custom_platforms::in_use(conn, &slug)?;
            if !is_free(&used) {
                return Err(Error::Conflict(format!(
                    "{} stores and {} connect sessions use this platform",
                    used.stores, used.sessions
                )));
            }
            db::custom_platforms::delete(conn, &slug)?;
            // A later platform of the same slug must not be sent their secrets.
            for client in db::custom_platforms::delete_clients(conn, &slug)? {
                let nothing = sealer.seal(place(client, "values_sealed"), Values::new().to_bytes().expose());
                db::platform_apps::update_values(conn, client, &nothing, None, &serde_json::json!({}))?;
            }
            db::audit::insert(conn, &event)?;
            Ok(db::listen::notify_platforms(conn)?)
        })
        .await?;
    load(app).await
}

/// Whether nothing stands against a removal.
pub fn is_free(used: &InUse) -> bool {
    used.stores == 0 && used.sessions == 0
}

async fn find(app: &App, slug: &str) -> Result<CustomPlatform, Error> {
    let slug = slug.to_owned();
    let found = app.db.run(move |conn| db::custom_platforms::find(conn, &slug)).await?;
    found.ok_or(Error::NotFound)
}

/// Why a definition as it stands cannot be used; empty: it can.
pub fn faults(row: &CustomPlatform) -> Vec<CatalogueError> {
    custom::read(&row.slug, &row.definition, row.app_id)
        .err()
        .unwrap_or_default()
}

/// What a store is told whose platform is not in the catalogue.
pub fn missing(platform: &str, method: &str) -> Error {
    if !custom::is_custom(platform) {
        return Error::Internal(format!("no connect method {platform}/{method} in the catalogue"));
    }
    Error::Platform {
        problem: Problem::PlatformAppMisconfigured,
        detail: format!(
            "The definition of the platform {platform} cannot be used: an admin of this installation has to mend it."
        ),
        retry_after: None,
        delivered: Delivered::No,
    }
}

/// Reads all definitions anew.
pub async fn load(app: &App) -> Result<(), Error> {
    let reading = app.catalogue.begin_reading();
    let all = app.db.run(db::custom_platforms::list).await?;
    take(&app.catalogue, reading, all);
    Ok(())
}

/// The same at the start of a process.
pub fn load_blocking(db: &db::Db, catalogue: &Catalogue) -> Result<(), db::Error> {
    let reading = catalogue.begin_reading();
    take(catalogue, reading, db.run_blocking(db::custom_platforms::list)?);
    Ok(())
}

fn take(catalogue: &Catalogue, reading: u64, all: Vec<CustomPlatform>) {
    let all = all.into_iter().map(|row| Defined {
        slug: row.slug,
        owner: row.app_id,
        text: row.definition,
    });
    for broken in catalogue.take_customs(reading, all.collect()) {
        for error in broken.errors {
            tracing::error!(platform = broken.slug, %error, "a platform's definition cannot be used");
        }
    }
}

/// Reads the definitions whenever one changed in any process, until told to stop.
pub async fn follow(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut news = app.listener.subscribe();
    loop {
        if let Err(error) = load(&app).await {
            tracing::warn!(%error, "the platforms defined here could not be read");
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => continue,
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
        loop {
            tokio::select! {
                heard = news.recv() => match heard {
                    Ok(News::Platforms | News::Anything) | Err(RecvError::Lagged(_)) => break,
                    Ok(_) => {}
                    Err(RecvError::Closed) => return,
                },
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }
}

fn kept(platform: &Platform, definition: Definition) -> Kept {
    Kept {
        definition: definition.text,
        methods: Texts(platform.methods.iter().map(|method| method.id.clone()).collect()),
        answers: definition.answers,
    }
}

fn refused(errors: Vec<CatalogueError>) -> Error {
    let wrong = errors
        .into_iter()
        .map(|error| FieldError::new(error.key, error.message));
    Error::Invalid(wrong.collect())
}

fn invalid(field: &str, message: &str) -> Error {
    Error::Invalid(vec![FieldError::new(field, message)])
}

fn event(
    app: &App,
    actor: Actor,
    owner: Option<AppId>,
    action: &'static str,
    slug: &str,
    definition: &str,
) -> NewAuditEvent {
    NewAuditEvent {
        id: app.id(),
        app: owner,
        request_id: actor.request_id.clone(),
        actor,
        action,
        subject: slug.to_owned(),
        details: serde_json::json!({ "platform": slug, "definition": definition }),
    }
}
