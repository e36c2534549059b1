//! The chain over the audit trail: one for each app, and one for what concerns the whole installation. A link holds the
//! digest of its event and a hash over all before it, so that the newest hash speaks for the whole history. A MAC from the
//! key ring binds it to its place: who can write to the database, but has no ring, can make none. Only the MAC comes from
//! outside; what is wrong with a chain is judged here, link by link, so that a chain of any length can be walked.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::admin::ActorKind;
use super::id::{AppId, AuditEventId, Id};

/// What the MACs are for, as the key ring's purposes.
pub const LINK_PURPOSE: &str = "audit link";
pub const HEAD_PURPOSE: &str = "audit head";

/// The hash before the first link.
pub const BEGINNING: [u8; 32] = [0; 32];

/// Writers commit within seconds. An event that is this much older than one chained before it was put in afterwards.
const LATE: TimeDelta = TimeDelta::hours(1);

/// A few of these tell what happened; the rest of a rewritten chain would only fill the screen.
pub const MOST_FINDINGS: usize = 200;

/// Which chain: an app's, or that of the events without an app, under the nil UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chain(Uuid);

impl Chain {
    pub fn of(app: Option<AppId>) -> Self {
        Self(app.map_or(Uuid::nil(), Id::uuid))
    }

    pub fn from_uuid(id: Uuid) -> Self {
        Self(id)
    }

    pub fn uuid(self) -> Uuid {
        self.0
    }

    pub fn app(self) -> Option<AppId> {
        Some(self.0).filter(|id| !id.is_nil()).map(AppId::from_uuid)
    }
}

/// All of an event.
#[derive(Debug, Clone)]
pub struct Content {
    pub id: AuditEventId,
    pub app: Option<AppId>,
    pub actor_kind: ActorKind,
    pub actor: Option<String>,
    pub action: String,
    pub subject: String,
    /// As the database writes it.
    pub details: String,
    pub request_id: Option<String>,
    pub at: DateTime<Utc>,
}

impl Content {
    pub fn digest(&self) -> [u8; 32] {
        let (id, at) = (self.id.uuid(), self.at.timestamp_micros().to_be_bytes());
        let app = self.app.map(|app| app.uuid().into_bytes());
        let fields: [Option<&[u8]>; 9] = [
            Some(id.as_bytes()),
            app.as_ref().map(|id| id.as_slice()),
            Some(self.actor_kind.as_str().as_bytes()),
            self.actor.as_deref().map(str::as_bytes),
            Some(self.action.as_bytes()),
            Some(self.subject.as_bytes()),
            Some(self.details.as_bytes()),
            self.request_id.as_deref().map(str::as_bytes),
            Some(&at),
        ];
        let mut hash = Sha256::new_with_prefix(b"llavero/audit event/1");
        for field in fields {
            // Lengths before the fields: no two events are the same bytes.
            hash.update(field.map_or(u64::MAX, |bytes| bytes.len() as u64).to_be_bytes());
            hash.update(field.unwrap_or_default());
        }
        hash.finalize().into()
    }
}

/// The hash that follows `before` when an event with this digest is chained.
pub fn next_hash(before: &[u8], digest: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(b"llavero/audit link/1");
    hash.update((before.len() as u64).to_be_bytes());
    hash.update(before);
    hash.update(digest);
    hash.finalize().into()
}

/// A MAC, and the id of the key in the ring that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mac {
    pub key: String,
    pub value: Vec<u8>,
}

/// An event's place in a chain, as it is stored: hashes and MAC may be anything.
#[derive(Debug, Clone)]
pub struct Link {
    pub position: i64,
    pub event: AuditEventId,
    pub digest: Vec<u8>,
    pub hash: Vec<u8>,
    pub mac: Mac,
}

impl Link {
    /// What its MAC is made over, if it stands at `position`.
    pub fn message(&self, chain: Chain, position: i64) -> Vec<u8> {
        link_message(chain, position, &self.digest, &self.hash)
    }
}

fn link_message(chain: Chain, position: i64, digest: &[u8], hash: &[u8]) -> Vec<u8> {
    [
        chain.uuid().as_bytes().as_slice(),
        &position.to_be_bytes(),
        &(digest.len() as u64).to_be_bytes(),
        digest,
        hash,
    ]
    .concat()
}

/// The newest end of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub length: i64,
    pub hash: Vec<u8>,
}

impl Head {
    /// The end of a chain that nothing is in yet.
    pub fn beginning() -> Self {
        Self {
            length: 0,
            hash: BEGINNING.to_vec(),
        }
    }

    /// Puts an event at the end; its link.
    pub fn append(&mut self, chain: Chain, event: &Content, mac: impl Fn(&[u8]) -> Mac) -> Link {
        let digest = event.digest();
        *self = Self {
            length: self.length + 1,
            hash: next_hash(&self.hash, &digest).to_vec(),
        };
        Link {
            position: self.length,
            event: event.id,
            digest: digest.to_vec(),
            hash: self.hash.clone(),
            mac: mac(&link_message(chain, self.length, &digest, &self.hash)),
        }
    }

    /// What its MAC is made over.
    pub fn message(&self, chain: Chain) -> Vec<u8> {
        [
            chain.uuid().as_bytes().as_slice(),
            &self.length.to_be_bytes(),
            &self.hash,
        ]
        .concat()
    }
}

words! {
    /// What is wrong at a place of a chain.
    Fault {
        /// The event is not what was chained.
        Altered = "altered",
        /// The event or its link is gone.
        Removed = "removed",
        /// An event that did not go the way of all others, or has a time long before its neighbours'.
        Inserted = "inserted",
        /// It was chained at another place.
        Reordered = "reordered",
        /// A link that no key of the ring made; without a position: the end of the chain.
        Forged = "forged",
        /// The chain is not the one that was verified earlier.
        Rewritten = "rewritten",
    }
}

/// Where a chain is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    pub fault: Fault,
    pub position: Option<i64>,
    /// The last of several in a row.
    pub until: Option<i64>,
    pub event_id: Option<AuditEventId>,
    /// Its own place, of what was moved.
    pub belongs_at: Option<i64>,
}

impl Finding {
    pub fn new(fault: Fault, position: Option<i64>, event_id: Option<AuditEventId>) -> Self {
        Self {
            fault,
            position,
            until: None,
            event_id,
            belongs_at: None,
        }
    }
}

/// An event as it is found now.
#[derive(Debug, Clone)]
pub struct Seen {
    pub digest: [u8; 32],
    pub at: DateTime<Utc>,
}

/// A link at the wrong place, until it is known where it belongs.
struct Suspect {
    link: Link,
    /// The event, where the link itself is genuine.
    seen: Option<Seen>,
}

/// Goes through one chain from its first link to its last.
pub struct Walk<'a> {
    /// Whether a link's MAC is that of a place.
    genuine: &'a dyn Fn(&Link, i64) -> bool,
    /// What was verified earlier, where it is known.
    earlier: Option<Head>,
    next: i64,
    /// Hash of the link before, if that can be relied on.
    before: Option<Vec<u8>>,
    last: Vec<u8>,
    latest: Option<DateTime<Utc>>,
    suspects: Vec<Suspect>,
    findings: Vec<Finding>,
}

impl<'a> Walk<'a> {
    pub fn new(genuine: &'a dyn Fn(&Link, i64) -> bool, earlier: Option<Head>) -> Self {
        Self {
            genuine,
            earlier: earlier.filter(|head| head.length > 0),
            next: 1,
            before: Some(BEGINNING.to_vec()),
            last: BEGINNING.to_vec(),
            latest: None,
            suspects: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// The next link, with its event if that is there.
    pub fn link(&mut self, link: Link, event: Option<Seen>) {
        self.missing(link.position);
        self.next = link.position + 1;
        self.last.clone_from(&link.hash);
        let rewritten = self
            .earlier
            .as_ref()
            .is_some_and(|earlier| earlier.length == link.position && earlier.hash != link.hash);
        if rewritten {
            self.find(Finding::new(Fault::Rewritten, Some(link.position), Some(link.event)));
        }
        let follows = self
            .before
            .take()
            .is_none_or(|before| next_hash(&before, &link.digest).as_slice() == link.hash);
        if !follows || !(self.genuine)(&link, link.position) {
            self.suspect(link, None);
            return;
        }
        self.before = Some(link.hash.clone());
        let Some(seen) = event else {
            self.find(Finding::new(Fault::Removed, Some(link.position), Some(link.event)));
            return;
        };
        if seen.digest.as_slice() != link.digest {
            self.suspect(link, Some(seen));
            return;
        }
        if self.latest.is_some_and(|latest| seen.at < latest - LATE) {
            self.find(Finding::new(Fault::Inserted, Some(link.position), Some(link.event)));
        }
        self.latest = self.latest.max(Some(seen.at));
    }

    /// An event that has no link and does not wait for one.
    pub fn loose(&mut self, event: AuditEventId) {
        self.find(Finding::new(Fault::Inserted, None, Some(event)));
    }

    /// An event that waited for its link, and is gone.
    pub fn lost(&mut self, event: AuditEventId) {
        self.find(Finding::new(Fault::Removed, None, Some(event)));
    }

    /// What is wrong, when the last link was seen. `head`: the end of the chain as it is stored, and whether a key of the
    /// ring wrote it.
    pub fn end(mut self, head: Option<(Head, bool)>) -> Vec<Finding> {
        let length = self.next - 1;
        let (stored, genuine) = head.unwrap_or((Head::beginning(), length == 0));
        self.missing(stored.length + 1);
        let is_end = stored.length > length || (stored.length == length && stored.hash == self.last);
        if !genuine || !is_end {
            self.find(Finding::new(Fault::Forged, None, None));
        }
        if let Some(earlier) = self.earlier.take() {
            self.missing(earlier.length + 1);
        }
        let found: Vec<Finding> = self.suspects.iter().map(|suspect| self.judge(suspect)).collect();
        self.findings.extend(found);
        self.findings
            .sort_by_key(|finding| (finding.position.is_none(), finding.position));
        self.findings
    }

    /// Links that should be there before `position`.
    fn missing(&mut self, position: i64) {
        if position <= self.next {
            return;
        }
        let mut gone = Finding::new(Fault::Removed, Some(self.next), None);
        gone.until = Some(position - 1).filter(|until| *until > self.next);
        self.find(gone);
        self.before = None;
        self.next = position;
    }

    fn suspect(&mut self, link: Link, seen: Option<Seen>) {
        if self.suspects.len() < MOST_FINDINGS {
            self.suspects.push(Suspect { link, seen });
        }
    }

    fn find(&mut self, finding: Finding) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(finding);
        }
    }

    /// Whether it fits at one of the other places where something is wrong.
    fn judge(&self, suspect: &Suspect) -> Finding {
        let link = &suspect.link;
        let gone = self.findings.iter().filter(|finding| finding.fault == Fault::Removed);
        let gone = gone.filter_map(|finding| finding.position);
        let belongs_at = match &suspect.seen {
            Some(seen) => {
                let mut others = self.suspects.iter().map(|other| &other.link);
                let own = others.find(|other| other.digest == seen.digest);
                own.map(|own| own.position)
            }
            None => {
                let others = self.suspects.iter().map(|other| other.link.position);
                let mut places = others.chain(gone).filter(|place| *place != link.position);
                places.find(|place| (self.genuine)(link, *place))
            }
        };
        let fault = match (belongs_at, &suspect.seen) {
            (Some(_), _) => Fault::Reordered,
            (None, Some(_)) => Fault::Altered,
            (None, None) => Fault::Forged,
        };
        Finding {
            belongs_at,
            ..Finding::new(fault, Some(link.position), Some(link.event))
        }
    }
}
