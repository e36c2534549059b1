//! Chaining the audit trail, and verifying it. Whoever does something writes its event and waits for nobody; a job chains
//! the events of each app in batches. Two workers at once take turns at the end of a chain, so there is one chain.

use uuid::Uuid;

use super::Error;
use crate::app::App;
use crate::crypto::Sealer;
use crate::db;
use crate::domain::audit_chain::{Chain, Finding, HEAD_PURPOSE, Head, LINK_PURPOSE, Link, Mac, Seen, Walk};
use crate::domain::id::AppId;

const BATCH: usize = 500;
const PAGE: i64 = 1000;

/// Chains every event that waits; returns how many. A chain that cannot go on, because somebody altered its end, is left
/// as it is, for the verification to find, and keeps no other waiting; then the first such failure is returned.
pub async fn chain(app: &App) -> Result<usize, Error> {
    let (mut chained, mut after, mut failed) = (0, None, None);
    while let Some(chain) = app
        .db
        .run(move |conn| db::audit_chain::next_waiting(conn, after))
        .await?
    {
        after = Some(chain);
        loop {
            let sealer = app.sealer.clone();
            match app.db.transaction(move |conn| append(conn, &sealer, chain)).await {
                Ok(appended) => {
                    chained += appended;
                    if appended < BATCH {
                        break;
                    }
                }
                Err(error) => {
                    tracing::error!(chain = %chain.uuid(), %error, "an audit chain cannot go on: see `llavero audit verify`");
                    failed.get_or_insert(error);
                    break;
                }
            }
        }
    }
    failed.map_or(Ok(chained), Err)
}

/// Chains a batch of what waits for one chain.
fn append(conn: &mut db::Conn, sealer: &Sealer, chain: Chain) -> Result<usize, Error> {
    let beginning = Head::beginning();
    let mac = head_mac(sealer, chain, &beginning);
    let (mut head, mac) = db::audit_chain::lock(conn, chain, (&beginning, &mac))?;
    // Going on from a forged end would make it genuine.
    if !head_is_ours(sealer, chain, &head, &mac) {
        return Err(Error::Internal(
            "the end of an audit chain is not what was written".to_owned(),
        ));
    }
    // Read after the lock was got: what another worker has chained meanwhile waits no more.
    let events = db::audit_chain::waiting(conn, chain, BATCH as i64)?;
    let links: Vec<Link> = events
        .iter()
        .map(|event| head.append(chain, event, |message| mac_of(sealer, LINK_PURPOSE, message)))
        .collect();
    if !links.is_empty() {
        let mac = head_mac(sealer, chain, &head);
        db::audit_chain::append(conn, chain, &links, (&head, &mac))?;
    }
    Ok(links.len())
}

fn mac_of(sealer: &Sealer, purpose: &str, message: &[u8]) -> Mac {
    Mac {
        key: sealer.active_key_id().to_owned(),
        value: sealer.mac(purpose, message).to_vec(),
    }
}

fn head_mac(sealer: &Sealer, chain: Chain, head: &Head) -> Mac {
    mac_of(sealer, HEAD_PURPOSE, &head.message(chain))
}

fn link_is_ours(sealer: &Sealer, chain: Chain, link: &Link, position: i64) -> bool {
    sealer.verify_mac(LINK_PURPOSE, &link.message(chain, position), &link.mac.value)
}

fn head_is_ours(sealer: &Sealer, chain: Chain, head: &Head, mac: &Mac) -> bool {
    sealer.verify_mac(HEAD_PURPOSE, &head.message(chain), &mac.value)
}

/// Makes every MAC anew that is of another key than the active one, so that old keys can be retired. Returns how many were
/// made, and how many no key of the ring had made: those stay, for the verification to find.
pub async fn renew_macs(app: &App) -> Result<(u64, u64), Error> {
    let (mut renewed, mut foreign) = (0, 0);
    let sealer = app.sealer.clone();
    let active = sealer.active_key_id().to_owned();
    for chain in app.db.run(db::audit_chain::list).await? {
        let Some((head, mac)) = app.db.run(move |conn| db::audit_chain::head(conn, chain)).await? else {
            continue;
        };
        if mac.key == active {
            continue;
        }
        if !head_is_ours(&sealer, chain, &head, &mac) {
            foreign += 1;
            continue;
        }
        let new = head_mac(&sealer, chain, &head);
        app.db
            .run(move |conn| db::audit_chain::set_head_mac(conn, chain, &mac, &new))
            .await?;
        renewed += 1;
    }
    let mut after = (Uuid::nil(), 0);
    loop {
        let page = app
            .db
            .run(move |conn| db::audit_chain::links_of_all(conn, after, PAGE))
            .await?;
        let Some((chain, last)) = page.last() else {
            return Ok((renewed, foreign));
        };
        after = (chain.uuid(), last.position);
        let (ours, others): (Vec<_>, Vec<_>) = page
            .into_iter()
            .filter(|(_, link)| link.mac.key != active)
            .partition(|(chain, link)| link_is_ours(&sealer, *chain, link, link.position));
        foreign += others.len() as u64;
        renewed += ours.len() as u64;
        let sealer = sealer.clone();
        app.db
            .transaction::<_, db::Error, _>(move |conn| {
                ours.iter().try_for_each(|(chain, link)| {
                    let new = mac_of(&sealer, LINK_PURPOSE, &link.message(*chain, link.position));
                    db::audit_chain::set_link_mac(conn, *chain, link, &new).map(|_| ())
                })
            })
            .await?;
    }
}

/// How one chain was found.
#[derive(Debug, Clone)]
pub struct Report {
    pub chain: Chain,
    /// Its end, to be held against a later one.
    pub head: Head,
    /// Events that the job has not come to yet.
    pub waiting: i64,
    /// Empty: all is as it was written.
    pub findings: Vec<Finding>,
}

/// Verifies one app's chain, or all. `earlier`: ends of chains that an earlier verification told, which must be part of
/// what is there now.
pub async fn verify(app: &App, only: Option<AppId>, earlier: Vec<(Chain, Head)>) -> Result<Vec<Report>, Error> {
    let sealer = app.sealer.clone();
    app.db
        .transaction::<_, db::Error, _>(move |conn| {
            db::audit_chain::snapshot(conn)?;
            let mut chains = match only {
                Some(app) => vec![Chain::of(Some(app))],
                None => db::audit_chain::list(conn)?,
            };
            if only.is_none() {
                chains.extend(earlier.iter().map(|(chain, _)| *chain));
                chains.sort_unstable();
                chains.dedup();
            }
            chains
                .into_iter()
                .map(|chain| {
                    let known = earlier.iter().find(|(of, _)| *of == chain);
                    verify_one(conn, &sealer, chain, known.map(|(_, head)| head.clone()))
                })
                .collect()
        })
        .await
        .map_err(Error::Db)
}

fn verify_one(conn: &mut db::Conn, sealer: &Sealer, chain: Chain, earlier: Option<Head>) -> db::Result<Report> {
    let stored = db::audit_chain::head(conn, chain)?;
    let genuine = |link: &Link, position: i64| link_is_ours(sealer, chain, link, position);
    let mut walk = Walk::new(&genuine, earlier);
    let mut position = i64::MIN;
    loop {
        let page = db::audit_chain::links(conn, chain, position, PAGE)?;
        let Some((last, _)) = page.last() else { break };
        position = last.position;
        for (link, event) in page {
            let seen = event.map(|event| Seen {
                digest: event.digest(),
                at: event.at,
            });
            walk.link(link, seen);
        }
    }
    let mut after = Uuid::nil();
    while let Some((last, loose)) = db::audit_chain::loose(conn, chain, after, PAGE)? {
        after = last;
        loose.into_iter().for_each(|event| walk.loose(event));
    }
    let (waiting, lost) = db::audit_chain::count_waiting(conn, chain)?;
    lost.into_iter().for_each(|event| walk.lost(event));
    let head = stored
        .as_ref()
        .map(|(head, mac)| (head.clone(), head_is_ours(sealer, chain, head, mac)));
    Ok(Report {
        chain,
        head: stored.map_or(Head::beginning(), |(head, _)| head),
        waiting,
        findings: walk.end(head),
    })
}
