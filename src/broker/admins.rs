//! Admins: added by a command or an owner, let in by a one-time link and then a password, each sign-in rate limited by
//! account and by address.

use std::sync::Arc;
use std::time::Duration;

use super::apps::audit;
use super::{Error, FieldError};
use crate::app::{App, network};
use crate::crypto::{hash_password, verify_password};
use crate::db;
use crate::domain::access_token::{self, TokenHash, TokenKind};
use crate::domain::admin::{Actor, Role};
use crate::domain::id::{AdminId, AuditEventId, Id};
use crate::domain::secret::Secret;

/// How long a sign-in link works.
pub const LINK_LIFE: chrono::Duration = chrono::Duration::hours(24);
/// Failed sign-ins within [`WINDOW`] after which an account must wait.
const ACCOUNT_LIMIT: i64 = 5;
/// The same for a network address, which many people may share, or one IPv6 network, which is one person's.
const ADDRESS_LIMIT: i64 = 30;
const WINDOW: chrono::Duration = chrono::Duration::minutes(15);
/// In place of an account, where a link is tried: no mail address.
const LINKS: &str = "(sign-in links)";
/// Shortest password taken, in characters.
pub const PASSWORD_LENGTH: usize = 12;

/// A hash that nobody has: a sign-in to an unknown account takes as long as any other.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bGxhdmVyb2xsYXZlcm8xMg$el0STtV2b44jMA403bo8RJhUQF3Vc/aBqyqwRY5DZZc";

/// Adds an admin and makes the first sign-in link. An address that is there already is a conflict.
pub async fn add(app: &Arc<App>, email: &str, role: Role, actor: Actor) -> Result<(AdminId, Secret), Error> {
    let email = checked_email(email)?;
    let id: AdminId = app.id();
    let (token, hash) = new_link(app);
    let expires_at = app.now() + LINK_LIFE;
    let details = serde_json::json!({ "email": email, "role": role });
    let event = audit(app, actor, None, "admin.added", id.to_string(), details);
    app.db
        .transaction(move |conn| {
            if db::admins::find_by_email(conn, &email)?.is_some() {
                return Err(Error::Conflict(format!(
                    "{email} is an admin already; make a new link instead"
                )));
            }
            db::admins::insert(conn, id, &email, role)?;
            db::admins::insert_link(conn, id, hash, expires_at)?;
            db::audit::insert(conn, &event)?;
            Ok((id, token))
        })
        .await
}

/// Makes another one-time sign-in link for an admin.
pub async fn link(app: &Arc<App>, email: &str, actor: Actor) -> Result<Secret, Error> {
    let email = checked_email(email)?;
    let (token, hash) = new_link(app);
    let expires_at = app.now() + LINK_LIFE;
    let event = audit(
        app,
        actor,
        None,
        "admin.link_made",
        email.clone(),
        serde_json::json!({}),
    );
    app.db
        .transaction(move |conn| {
            let admin = db::admins::find_by_email(conn, &email)?
                .filter(|admin| admin.disabled_at.is_none())
                .ok_or(Error::NotFound)?;
            db::admins::insert_link(conn, admin.id, hash, expires_at)?;
            db::audit::insert(conn, &event)?;
            Ok(token)
        })
        .await
}

fn new_link(app: &App) -> (Secret, TokenHash) {
    let token = access_token::mint(TokenKind::SignInLink, app.random.bytes());
    let hash = TokenHash::of(token.expose());
    (token, hash)
}

/// Whose unspent link this is, without spending it.
pub async fn find_link(app: &Arc<App>, token: &str) -> Result<db::admins::Admin, Error> {
    let hash = access_token::hash(TokenKind::SignInLink, token).map_err(|_| Error::LinkExpired)?;
    app.db
        .run(move |conn| {
            let id = db::admins::find_link(conn, hash)?.ok_or(Error::LinkExpired)?;
            living(db::admins::find(conn, id)?).ok_or(Error::LinkExpired)
        })
        .await
}

/// Spends a sign-in link once; sets the password if one is given (an admin without one must give one). `address` is the
/// browser's network address.
pub async fn spend_link(
    app: &Arc<App>,
    token: &str,
    password: Option<Secret>,
    address: &str,
) -> Result<db::admins::Admin, Error> {
    let hash = access_token::hash(TokenKind::SignInLink, token).map_err(|_| Error::LinkExpired)?;
    if let Some(password) = &password {
        check_password(password)?;
    }
    let (from, attempt) = (network(address), app.id::<AuditEventId>().uuid());
    let since = app.now() - WINDOW;
    // Looked up first: a stranger's made-up link costs no hashing.
    app.db
        .run(move |conn| {
            db::sessions::insert_failure(conn, attempt, LINKS, &from)?;
            let (_, by_address) = db::sessions::count_failures(conn, LINKS, &from, since)?;
            if by_address > ADDRESS_LIMIT {
                db::admin_roles::forget_attempt(conn, attempt)?;
                return Err(too_many());
            }
            let id = db::admins::find_link(conn, hash)?.ok_or(Error::LinkExpired)?;
            living(db::admins::find(conn, id)?).map(drop).ok_or(Error::LinkExpired)
        })
        .await?;
    // Hashing takes tens of milliseconds of processor time: not on a worker thread, and not in the transaction.
    let password_hash = match password {
        Some(password) => {
            let random = app.random.clone();
            Some(blocking(move || hash_password(&password, &random)).await?)
        }
        None => None,
    };
    let app_for_event = app.clone();
    app.db
        .transaction(move |conn| {
            let id = db::admins::take_link(conn, hash)?.ok_or(Error::LinkExpired)?;
            let admin = living(db::admins::find(conn, id)?).ok_or(Error::LinkExpired)?;
            match &password_hash {
                Some(password_hash) => {
                    db::admins::set_password(conn, id, password_hash)?;
                    // Whoever knew the old password is out.
                    db::admin_roles::end_sessions_of(conn, id)?;
                    db::admins::spend_links_of(conn, id)?;
                }
                None if admin.password_hash.is_none() => {
                    return Err(Error::Invalid(vec![FieldError::new("password", "choose a password")]));
                }
                None => {}
            }
            db::admin_roles::forget_attempt(conn, attempt)?;
            let actor = Actor::admin(id);
            let event = audit(
                &app_for_event,
                actor,
                None,
                "admin.link_used",
                id.to_string(),
                serde_json::json!({}),
            );
            db::audit::insert(conn, &event)?;
            Ok(admin)
        })
        .await
}

/// Signs an admin in by password. `address` is the browser's network address. The same answer for an unknown account
/// and a wrong password.
pub async fn sign_in(app: &Arc<App>, email: &str, password: Secret, address: &str) -> Result<db::admins::Admin, Error> {
    let account: String = email.trim().to_lowercase().chars().take(254).collect();
    if account.chars().any(char::is_control) {
        return Err(Error::Unauthenticated);
    }
    let (address, attempt) = (address.to_owned(), app.id::<AuditEventId>().uuid());
    let since = app.now() - WINDOW;
    let from = network(&address);
    let admin = app
        .db
        .run(move |conn| {
            // Noted before the password is looked at, so that many tries at once can't pass the limit together.
            db::sessions::insert_failure(conn, attempt, &account, &from)?;
            let (by_account, by_address) = db::sessions::count_failures(conn, &account, &from, since)?;
            if by_account > ACCOUNT_LIMIT || by_address > ADDRESS_LIMIT {
                db::admin_roles::forget_attempt(conn, attempt)?;
                return Err(too_many());
            }
            Ok(living(db::admins::find_by_email(conn, &account)?))
        })
        .await?;
    let known = admin
        .as_ref()
        .and_then(|admin| admin.password_hash.clone())
        .unwrap_or_else(|| NOBODY.to_owned());
    let right = blocking(move || verify_password(&password, &known)).await?;
    let admin = admin.filter(|_| right).ok_or(Error::Unauthenticated)?;
    let id = admin.id;
    let details = serde_json::json!({ "address": address });
    let event = audit(app, Actor::admin(id), None, "admin.signed_in", id.to_string(), details);
    app.db
        .transaction::<_, db::Error, _>(move |conn| {
            db::admin_roles::forget_attempt(conn, attempt)?;
            db::audit::insert(conn, &event)
        })
        .await?;
    Ok(admin)
}

/// Gives an admin another role. `Conflict`: nobody would be left who is an owner.
pub async fn set_role(app: &Arc<App>, id: AdminId, role: Role, actor: Actor) -> Result<(), Error> {
    let details = serde_json::json!({ "role": role });
    let event = audit(app, actor, None, "admin.role_changed", id.to_string(), details);
    app.db
        .transaction(move |conn| {
            keep_an_owner(conn, id, role == Role::Owner)?;
            if !db::admin_roles::set_role(conn, id, role)? {
                return Err(Error::NotFound);
            }
            db::audit::insert(conn, &event)?;
            Ok(())
        })
        .await
}

/// Refuses an admin's sign-in and ends every session of theirs, or lets them in again.
pub async fn set_disabled(app: &Arc<App>, id: AdminId, disabled: bool, actor: Actor) -> Result<(), Error> {
    let action = if disabled { "admin.disabled" } else { "admin.enabled" };
    let event = audit(app, actor, None, action, id.to_string(), serde_json::json!({}));
    app.db
        .transaction(move |conn| {
            keep_an_owner(conn, id, !disabled)?;
            if !db::admin_roles::set_disabled(conn, id, disabled)? {
                return Err(Error::NotFound);
            }
            if disabled {
                db::admin_roles::end_sessions_of(conn, id)?;
                db::admins::spend_links_of(conn, id)?;
            }
            db::audit::insert(conn, &event)?;
            Ok(())
        })
        .await
}

/// `Conflict` if there is no owner besides `id`, who is about to stop being one unless `stays`.
fn keep_an_owner(conn: &mut db::Conn, id: AdminId, stays: bool) -> Result<(), Error> {
    let owners = db::admin_roles::lock_owners(conn)?;
    if stays || !owners.contains(&id) || owners.len() > 1 {
        return Ok(());
    }
    Err(Error::Conflict(
        "Nobody else is an owner: make somebody one first".to_owned(),
    ))
}

/// Ends an admin's session from the admin pages, the admin's own or, for an owner, anybody's.
pub async fn end_session(app: &Arc<App>, session: uuid::Uuid, of: Option<AdminId>, actor: Actor) -> Result<(), Error> {
    let event = audit(
        app,
        actor,
        None,
        "session.ended",
        session.to_string(),
        serde_json::json!({}),
    );
    app.db
        .transaction(move |conn| {
            if !db::sessions::delete(conn, session, of)? {
                return Err(Error::NotFound);
            }
            db::audit::insert(conn, &event)?;
            Ok(())
        })
        .await
}

fn too_many() -> Error {
    Error::RateLimited {
        retry_after: Duration::from_secs(15 * 60),
    }
}

fn living(admin: Option<db::admins::Admin>) -> Option<db::admins::Admin> {
    admin.filter(|admin| admin.disabled_at.is_none())
}

fn check_password(password: &Secret) -> Result<(), Error> {
    let length = password.expose().chars().count();
    if !(PASSWORD_LENGTH..=256).contains(&length) {
        let message = format!("must have {PASSWORD_LENGTH} to 256 characters");
        return Err(Error::Invalid(vec![FieldError::new("password", message)]));
    }
    Ok(())
}

fn checked_email(email: &str) -> Result<String, Error> {
    let email = email.trim().to_lowercase();
    let shaped = email
        .split_once('@')
        .is_some_and(|(local, host)| !local.is_empty() && !host.is_empty() && !host.contains('@'));
    if !shaped || email.len() > 254 || email.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Error::Invalid(vec![FieldError::new("email", "must be a mail address")]));
    }
    Ok(email)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|joined| Error::Internal(format!("a thread ended: {joined}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Random;

    #[test]
    fn a_sign_in_to_nobody_costs_as_much_as_to_somebody_and_fails() {
        let made = hash_password(&"anything".into(), &Random::seeded(1));
        let cost = |phc: &str| phc.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(cost(NOBODY), cost(&made), "{made}");
        assert_eq!(NOBODY.len(), made.len());
        // Only a hash that can be read is worked through.
        assert!(verify_password(&"nobody signs in with this".into(), NOBODY));
    }
}
