//! One store: its state in words with what the state rests on, its facts and tokens, what happened, and what can be done.

use actix_web::web;
use askama::Template;
use chrono::{DateTime, Utc};

use super::moments::Moment;
use super::{Answer, find_store, frame_of, shown, store_timeline, words};
use crate::broker::connect;
use crate::db;
use crate::db::access_tokens::AccessToken;
use crate::db::credentials::Credential;
use crate::db::stores::Store;
use crate::domain::admin::Role;
use crate::domain::store::StoreStatus;
use crate::web::extract::{Admin, Viewer};
use crate::web::parts::{Badge, Crumb, Event, Fact, Tone};
use crate::web::{Error, Frame, urls};

#[derive(Template)]
#[template(path = "pages/admin/store.html")]
pub struct StorePage {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub name: String,
    pub badges: Vec<Badge>,
    /// What the state means, and since when.
    pub tone: Tone,
    pub state: String,
    pub meanings: Vec<String>,
    pub evidence: Vec<Fact>,
    pub facts: Vec<Fact>,
    pub lives: Vec<Fact>,
    pub tokens: Vec<Token>,
    pub events: Vec<Event>,
    pub actions: Vec<Action>,
    /// Where a changed identity waits to be accepted; empty: none does.
    pub identity_href: String,
    pub audit_href: String,
    pub app_href: String,
}

/// A token as far as anybody can still see it.
pub struct Token {
    pub hint: String,
    pub badge: Badge,
    pub made: Moment,
}

/// Something that can be done, on a page of its own.
pub struct Action {
    pub label: String,
    pub href: String,
    pub look: &'static str,
}

pub async fn show(by: Admin<Viewer>, id: web::Path<String>) -> Answer {
    let (store, app) = find_store(&by, &id).await?;
    let held = connect::held_identity(&by.tools, store.id).await?;
    let (credential_id, store_id) = (store.credential_id, store.id);
    let (credential, tokens, frozen) = by
        .read(move |conn| {
            let credential = db::credentials::find(conn, credential_id)?;
            let frozen = db::frozen::since(conn, &[credential_id])?;
            Ok((credential, db::access_tokens::list(conn, store_id)?, frozen))
        })
        .await?;
    let credential = credential.ok_or_else(Error::not_found)?;
    let events = store_timeline::read(&by, &store).await?;
    let page = frame_of(&by, app.mode);
    let (now, living) = (by.now(), store.status != StoreStatus::Revoked);
    let frozen_at = frozen.get(&credential_id).copied().filter(|_| living);
    let mut badges = vec![words::status(&page, store.status)];
    if frozen_at.is_some() {
        badges.push(words::frozen(&page));
    } else if living {
        badges.push(words::health(&page, store.health));
    }
    let platform = by.tools.catalogue.platform(&store.platform);
    let method = platform.and_then(|platform| platform.method(&store.method));
    let names = Names {
        platform: platform.map_or(store.platform.clone(), |platform| platform.name.clone()),
        method: method.map_or(store.method.clone(), |method| method.name.in_(page.language).to_owned()),
        app: app.name,
    };
    let crumbs = by.crumbs([
        Crumb::link(by.say("admin-stores"), urls::ADMIN_STORES),
        Crumb::here(store.name.clone()),
    ]);
    shown(StorePage {
        crumbs,
        tone: badges
            .iter()
            .map(|badge| badge.tone)
            .find(|tone| *tone != Tone::Good)
            .unwrap_or(Tone::Good),
        state: state(&page, now, &store, frozen_at),
        meanings: meanings(&page, &store, frozen_at.is_some()),
        evidence: evidence(&store),
        facts: facts(&page, now, &store, &names),
        lives: lives(&page, now, &credential, frozen_at.is_some()),
        tokens: tokens.iter().map(|one| token(&page, now, one, living)).collect(),
        events,
        actions: if living && by.may(Role::Operator) {
            actions(&page, &store, frozen_at.is_some())
        } else {
            Vec::new()
        },
        identity_href: held.map(|_| urls::admin_store_identity(store.id)).unwrap_or_default(),
        audit_href: urls::with_query(urls::ADMIN_AUDIT, &[("subject", &store.id.to_string())]),
        app_href: urls::admin_app(store.app_id),
        name: store.name,
        badges,
        page,
    })
}

/// What the store belongs to, in names.
pub(super) struct Names {
    pub platform: String,
    pub method: String,
    pub app: String,
}

pub(super) fn state(page: &Frame, now: DateTime<Utc>, store: &Store, frozen_at: Option<DateTime<Utc>>) -> String {
    if let Some(frozen_at) = frozen_at {
        let since = Moment::of(page, now, frozen_at).long();
        return page.say_with("admin-frozen-state", [("since", &*since)]);
    }
    let (state, since) = (
        words::status(page, store.status).label,
        Moment::of(page, now, store.status_since),
    );
    page.say_with("admin-store-state", [("state", &*state), ("since", &*since.long())])
}

/// State, its reason and, while calls go through, the health: a sentence each. Of a frozen store: what to do with it.
pub(super) fn meanings(page: &Frame, store: &Store, is_frozen: bool) -> Vec<String> {
    if is_frozen {
        return vec![page.say("admin-frozen-meaning"), page.say("admin-frozen-next")];
    }
    let mut meanings = vec![words::status_meaning(page, store.status)];
    meanings.extend(store.status_reason.map(|reason| words::reason(page, reason)));
    if store.status == StoreStatus::Connected {
        meanings.push(words::health_meaning(page, store.health));
    }
    meanings
}

/// What the state rests on, as it was noted; free of secrets.
pub(super) fn evidence(store: &Store) -> Vec<Fact> {
    let noted = store.evidence.as_ref().and_then(|evidence| evidence.as_object());
    let facts = noted
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Fact::code(name.replace('_', " "), text)
        });
    facts.collect()
}

pub(super) fn facts(page: &Frame, now: DateTime<Utc>, store: &Store, names: &Names) -> Vec<Fact> {
    let merchant = [&store.merchant_name, &store.merchant_email]
        .into_iter()
        .flatten()
        .cloned()
        .collect::<Vec<_>>();
    let mut facts = vec![
        Fact::code(page.say("admin-id"), store.id.to_string()),
        Fact::text(
            page.say("admin-platform"),
            format!("{}: {}", names.platform, names.method),
        ),
        Fact::code(page.say("admin-store-identity"), store.platform_store_id.clone()),
        Fact::text(page.say("admin-app"), names.app.clone()),
    ];
    let optional = [
        ("admin-store-url", store.url.clone()),
        ("admin-store-customer", store.customer_id.clone()),
        (
            "admin-store-merchant",
            Some(merchant.join(", ")).filter(|text| !text.is_empty()),
        ),
    ];
    let present = optional
        .into_iter()
        .filter_map(|(key, value)| Some(Fact::text(page.say(key), value?)));
    facts.extend(present);
    facts.push(Fact::text(
        page.say("admin-store-connected"),
        Moment::of(page, now, store.connected_at).long(),
    ));
    let used = store
        .last_used_at
        .map_or_else(|| page.say("admin-never"), |at| Moment::of(page, now, at).long());
    facts.push(Fact::text(page.say("admin-store-used"), used));
    facts
}

/// How long what is saved of the credential lives.
pub(super) fn lives(page: &Frame, now: DateTime<Utc>, credential: &Credential, is_frozen: bool) -> Vec<Fact> {
    let moment = |at: DateTime<Utc>| Moment::of(page, now, at).long();
    let mut facts = Vec::new();
    if credential.values_sealed.is_none() {
        facts.push(Fact::text(
            page.say("admin-credential"),
            page.say(match is_frozen {
                true => "admin-credential-frozen",
                false => "admin-credential-erased",
            }),
        ));
        return facts;
    }
    let access = credential
        .access_expires_at
        .map_or_else(|| page.say("admin-no-end"), moment);
    facts.push(Fact::text(page.say("admin-access-ends"), access));
    for (key, at) in [
        ("admin-refresh-ends", credential.refresh_expires_at),
        ("admin-reauthorize-by", credential.reauthorize_by),
        ("admin-refresh-at", credential.refresh_at),
        ("admin-failing-since", credential.failing_since),
        ("admin-in-doubt-since", credential.in_doubt_since),
        ("admin-retry-at", credential.retry_at.filter(|at| *at > now)),
    ] {
        facts.extend(at.map(|at| Fact::text(page.say(key), moment(at))));
    }
    if let Some(scopes) = credential.scopes.as_ref().filter(|scopes| !scopes.0.is_empty()) {
        facts.push(Fact::code(page.say("admin-granted"), scopes.0.join(" ")));
    }
    let saved = format!("{} / {}", credential.grant_no, credential.saved_attempt);
    facts.push(Fact::code(page.say("admin-generation"), saved));
    facts
}

pub(super) fn token(page: &Frame, now: DateTime<Utc>, token: &AccessToken, living: bool) -> Token {
    let badge = match (token.revoked_at, token.ends_at) {
        (Some(_), _) => Badge::new(Tone::Idle, page.say("admin-token-revoked")),
        (None, Some(ends_at)) if ends_at <= now => Badge::new(Tone::Idle, page.say("admin-token-ended")),
        (None, _) if !living => Badge::new(Tone::Idle, page.say("admin-token-revoked")),
        (None, Some(ends_at)) => {
            let ends = Moment::of(page, now, ends_at);
            Badge::new(Tone::Warn, page.say_with("admin-token-ends", [("when", &*ends.when)]))
        }
        (None, None) => Badge::new(Tone::Good, page.say("admin-token-works")),
    };
    Token {
        hint: token.hint.clone(),
        badge,
        made: Moment::of(page, now, token.created_at),
    }
}

/// A frozen store can only be revoked: its credential is at work elsewhere.
pub(super) fn actions(page: &Frame, store: &Store, is_frozen: bool) -> Vec<Action> {
    let action = |key: &str, href: String, look| Action {
        label: page.say(key),
        href,
        look,
    };
    let asks_merchant = store.status == StoreStatus::NeedsReauthorization;
    let revoke = action("admin-do-revoke", urls::admin_store_revoke(store.id), "danger small");
    if is_frozen {
        return vec![revoke];
    }
    vec![
        action(
            "admin-do-reauthorize",
            urls::admin_store_reauthorize(store.id),
            if asks_merchant { "small" } else { "plain small" },
        ),
        action("admin-do-refresh", urls::admin_store_refresh(store.id), "plain small"),
        action("admin-do-verify", urls::admin_store_verify(store.id), "plain small"),
        action("admin-do-rotate", urls::admin_store_token(store.id), "plain small"),
        revoke,
    ]
}

/// The way to a page about what is done to a store.
pub(super) fn crumbs_to<R>(by: &Admin<R>, store: &Store, here: &str) -> Vec<Crumb> {
    by.crumbs([
        Crumb::link(by.say("admin-stores"), urls::ADMIN_STORES),
        Crumb::link(store.name.clone(), urls::admin_store(store.id)),
        Crumb::here(by.say(here)),
    ])
}
