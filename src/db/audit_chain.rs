//! The tables of the audit chain. Chaining locks the chain's row and nothing that a writer of events needs; events that are
//! not committed yet are simply chained later. Verifying reads one snapshot in pages, so that no statement takes long.

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::schema::{apps, audit_chains, audit_events, audit_links, audit_waiting};
use super::{Conn, Result};
use crate::domain::admin::ActorKind;
use crate::domain::audit_chain::{Chain, Content, Head, Link, Mac};
use crate::domain::id::{AppId, AuditEventId};

type EventRow = (
    AuditEventId,
    Option<AppId>,
    ActorKind,
    Option<String>,
    String,
    String,
    String,
    Option<String>,
    chrono::DateTime<chrono::Utc>,
);

/// The columns of [`EventRow`]; the details in the database's own words, which do not depend on how they are read.
fn event_columns() -> (
    audit_events::id,
    audit_events::app_id,
    audit_events::actor_kind,
    audit_events::actor,
    audit_events::action,
    audit_events::subject,
    diesel::expression::SqlLiteral<Text>,
    audit_events::request_id,
    audit_events::at,
) {
    (
        audit_events::id,
        audit_events::app_id,
        audit_events::actor_kind,
        audit_events::actor,
        audit_events::action,
        audit_events::subject,
        sql::<Text>("audit_events.details::text"),
        audit_events::request_id,
        audit_events::at,
    )
}

fn content(row: EventRow) -> Content {
    let (id, app, actor_kind, actor, action, subject, details, request_id, at) = row;
    Content {
        id,
        app,
        actor_kind,
        actor,
        action,
        subject,
        details,
        request_id,
        at,
    }
}

/// The first chain after `after` that events wait for.
pub fn next_waiting(conn: &mut Conn, after: Option<Chain>) -> Result<Option<Chain>> {
    let mut query = audit_waiting::table
        .select(audit_waiting::chain_id)
        .order(audit_waiting::chain_id)
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(audit_waiting::chain_id.gt(after.uuid()));
    }
    Ok(query.first::<Uuid>(conn).optional()?.map(Chain::from_uuid))
}

/// Locks the end of a chain until the transaction is over; a chain that is new begins with `beginning`.
pub fn lock(conn: &mut Conn, chain: Chain, (beginning, mac): (&Head, &Mac)) -> Result<(Head, Mac)> {
    diesel::insert_into(audit_chains::table)
        .values((
            audit_chains::id.eq(chain.uuid()),
            audit_chains::length.eq(beginning.length),
            audit_chains::hash.eq(&beginning.hash),
            audit_chains::mac_key.eq(&mac.key),
            audit_chains::mac.eq(&mac.value),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    let (length, hash, key, value) = audit_chains::table
        .find(chain.uuid())
        .select((
            audit_chains::length,
            audit_chains::hash,
            audit_chains::mac_key,
            audit_chains::mac,
        ))
        .for_update()
        .first(conn)?;
    Ok((Head { length, hash }, Mac { key, value }))
}

/// Up to `limit` events that wait to be chained, oldest first.
pub fn waiting(conn: &mut Conn, chain: Chain, limit: i64) -> Result<Vec<Content>> {
    let rows: Vec<EventRow> = audit_waiting::table
        .inner_join(audit_events::table.on(audit_events::id.eq(audit_waiting::event_id)))
        .filter(audit_waiting::chain_id.eq(chain.uuid()))
        .order(audit_waiting::event_id)
        .limit(limit)
        .select(event_columns())
        .load(conn)?;
    Ok(rows.into_iter().map(content).collect())
}

/// Adds links at the end of a locked chain; their events wait no more.
pub fn append(conn: &mut Conn, chain: Chain, links: &[Link], (head, mac): (&Head, &Mac)) -> Result<()> {
    let rows: Vec<_> = links
        .iter()
        .map(|link| {
            (
                audit_links::chain_id.eq(chain.uuid()),
                audit_links::position.eq(link.position),
                audit_links::event_id.eq(link.event),
                audit_links::digest.eq(&link.digest),
                audit_links::hash.eq(&link.hash),
                audit_links::mac_key.eq(&link.mac.key),
                audit_links::mac.eq(&link.mac.value),
            )
        })
        .collect();
    diesel::insert_into(audit_links::table).values(&rows).execute(conn)?;
    diesel::update(audit_chains::table.find(chain.uuid()))
        .set((
            audit_chains::length.eq(head.length),
            audit_chains::hash.eq(&head.hash),
            audit_chains::mac_key.eq(&mac.key),
            audit_chains::mac.eq(&mac.value),
        ))
        .execute(conn)?;
    let chained: Vec<AuditEventId> = links.iter().map(|link| link.event).collect();
    diesel::delete(audit_waiting::table.filter(audit_waiting::event_id.eq_any(chained))).execute(conn)?;
    Ok(())
}

/// What the rest of the transaction reads is of one moment.
pub fn snapshot(conn: &mut Conn) -> Result<()> {
    Ok(conn.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")?)
}

/// Every chain that there is or could be: that of the installation, then those of the apps.
pub fn list(conn: &mut Conn) -> Result<Vec<Chain>> {
    let mut found: Vec<Uuid> = vec![Uuid::nil()];
    found.extend(apps::table.select(apps::id).load::<Uuid>(conn)?);
    found.extend(audit_chains::table.select(audit_chains::id).load::<Uuid>(conn)?);
    found.sort_unstable();
    found.dedup();
    Ok(found.into_iter().map(Chain::from_uuid).collect())
}

pub fn head(conn: &mut Conn, chain: Chain) -> Result<Option<(Head, Mac)>> {
    let row: Option<(i64, Vec<u8>, String, Vec<u8>)> = audit_chains::table
        .find(chain.uuid())
        .select((
            audit_chains::length,
            audit_chains::hash,
            audit_chains::mac_key,
            audit_chains::mac,
        ))
        .first(conn)
        .optional()?;
    Ok(row.map(|(length, hash, key, value)| (Head { length, hash }, Mac { key, value })))
}

type LinkRow = (i64, AuditEventId, Vec<u8>, Vec<u8>, String, Vec<u8>);

const LINK_COLUMNS: (
    audit_links::position,
    audit_links::event_id,
    audit_links::digest,
    audit_links::hash,
    audit_links::mac_key,
    audit_links::mac,
) = (
    audit_links::position,
    audit_links::event_id,
    audit_links::digest,
    audit_links::hash,
    audit_links::mac_key,
    audit_links::mac,
);

fn link((position, event, digest, hash, key, value): LinkRow) -> Link {
    Link {
        position,
        event,
        digest,
        hash,
        mac: Mac { key, value },
    }
}

/// Links of a chain after `position`, each with its event if that is there.
pub fn links(conn: &mut Conn, chain: Chain, position: i64, limit: i64) -> Result<Vec<(Link, Option<Content>)>> {
    let rows: Vec<LinkRow> = audit_links::table
        .filter(audit_links::chain_id.eq(chain.uuid()))
        .filter(audit_links::position.gt(position))
        .order(audit_links::position)
        .limit(limit)
        .select(LINK_COLUMNS)
        .load(conn)?;
    let ids: Vec<AuditEventId> = rows.iter().map(|row| row.1).collect();
    let events: Vec<EventRow> = audit_events::table
        .filter(audit_events::id.eq_any(ids))
        .select(event_columns())
        .load(conn)?;
    let mut events: std::collections::HashMap<AuditEventId, Content> =
        events.into_iter().map(|row| (row.0, content(row))).collect();
    let found = rows.into_iter().map(|row| {
        let event = events.remove(&row.1);
        (link(row), event)
    });
    Ok(found.collect())
}

#[derive(QueryableByName)]
struct LooseRow {
    #[diesel(sql_type = SqlUuid)]
    id: AuditEventId,
    #[diesel(sql_type = Bool)]
    loose: bool,
}

/// Of the next `limit` events of a chain after `after`: the last of them, and those that neither have a link nor wait for
/// one.
pub fn loose(conn: &mut Conn, chain: Chain, after: Uuid, limit: i64) -> Result<Option<(Uuid, Vec<AuditEventId>)>> {
    let of = match chain.app() {
        Some(_) => "app_id = $1",
        None => "app_id IS NULL AND $1 IS NOT NULL",
    };
    let rows: Vec<LooseRow> = diesel::sql_query(format!(
        "WITH page AS (SELECT id FROM audit_events WHERE {of} AND id > $2 ORDER BY id LIMIT $3) \
         SELECT id, NOT EXISTS (SELECT FROM audit_links WHERE event_id = id) \
             AND NOT EXISTS (SELECT FROM audit_waiting WHERE event_id = id) AS loose FROM page ORDER BY id"
    ))
    .bind::<SqlUuid, _>(chain.uuid())
    .bind::<SqlUuid, _>(after)
    .bind::<BigInt, _>(limit)
    .load(conn)?;
    let last = rows.last().map(|row| crate::domain::id::Id::uuid(row.id));
    let found = rows.into_iter().filter(|row| row.loose).map(|row| row.id);
    Ok(last.map(|last| (last, found.collect())))
}

/// How many events of a chain wait, and those among them that are gone.
pub fn count_waiting(conn: &mut Conn, chain: Chain) -> Result<(i64, Vec<AuditEventId>)> {
    let of_chain = || audit_waiting::table.filter(audit_waiting::chain_id.eq(chain.uuid()));
    let count: i64 = of_chain().count().get_result(conn)?;
    let gone: Vec<AuditEventId> = of_chain()
        .filter(diesel::dsl::not(diesel::dsl::exists(
            audit_events::table.filter(audit_events::id.eq(audit_waiting::event_id)),
        )))
        .select(audit_waiting::event_id)
        .load(conn)?;
    Ok((count, gone))
}

/// Links of all chains after a place. Compared as a row, so that a page is read from there and not from the beginning.
pub fn links_of_all(conn: &mut Conn, after: (Uuid, i64), limit: i64) -> Result<Vec<(Chain, Link)>> {
    let rows: Vec<(Uuid, LinkRow)> = audit_links::table
        .filter(
            sql::<Bool>("(audit_links.chain_id, audit_links.position) > (")
                .bind::<SqlUuid, _>(after.0)
                .sql(", ")
                .bind::<BigInt, _>(after.1)
                .sql(")"),
        )
        .order((audit_links::chain_id, audit_links::position))
        .limit(limit)
        .select((audit_links::chain_id, LINK_COLUMNS))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(chain, row)| (Chain::from_uuid(chain), link(row)))
        .collect())
}

/// Gives a link the MAC of another key, unless it has changed meanwhile.
pub fn set_link_mac(conn: &mut Conn, chain: Chain, read: &Link, new: &Mac) -> Result<bool> {
    let changed = diesel::update(audit_links::table.find((chain.uuid(), read.position)))
        .filter(audit_links::mac.eq(&read.mac.value))
        .set((audit_links::mac_key.eq(&new.key), audit_links::mac.eq(&new.value)))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Gives the end of a chain the MAC of another key, unless it has moved on meanwhile.
pub fn set_head_mac(conn: &mut Conn, chain: Chain, read: &Mac, new: &Mac) -> Result<bool> {
    let changed = diesel::update(audit_chains::table.find(chain.uuid()))
        .filter(audit_chains::mac.eq(&read.value))
        .set((audit_chains::mac_key.eq(&new.key), audit_chains::mac.eq(&new.value)))
        .execute(conn)?;
    Ok(changed == 1)
}

/// How many links and ends of chains have a MAC of this key.
pub fn count_of_key(conn: &mut Conn, key: &str) -> Result<i64> {
    let links: i64 = audit_links::table
        .filter(audit_links::mac_key.eq(key))
        .count()
        .get_result(conn)?;
    let heads: i64 = audit_chains::table
        .filter(audit_chains::mac_key.eq(key))
        .count()
        .get_result(conn)?;
    Ok(links + heads)
}
