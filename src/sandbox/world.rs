//! Everything that the simulated platforms remember, in memory, for the life of the process: clients and keys, codes,
//! grants, tokens, nonces, and what the control API ordered. One lock guards it, never held across an await.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;

use super::behaviour::{Behaviour, Identity};
use super::fault::Faults;
use super::log::Log;
use super::partner::Partner;
use super::settings::Settings;
use super::template::Values;

/// A partner's OAuth client, or the keys of a store.
#[derive(Clone, Debug, Serialize)]
pub struct Registration {
    pub platform: String,
    pub id: String,
    pub secrets: Vec<String>,
    /// None: any address is accepted.
    pub redirect_uris: Option<Vec<String>>,
    /// None: good for every account.
    pub account: Option<String>,
    /// The account whose key it is, where a call does not name one.
    pub serves: Option<String>,
    /// `read`, `write` or `read_write`.
    pub permission: Option<String>,
    pub disabled: bool,
}

/// An authorization code.
#[derive(Clone, Debug)]
pub struct Code {
    pub platform: String,
    pub client_id: String,
    pub account: String,
    pub redirect_uri: String,
    pub scope: String,
    /// Challenge and its method.
    pub challenge: Option<(String, String)>,
    pub expires_at: DateTime<Utc>,
    pub used: bool,
    /// What it was exchanged for.
    pub grant: Option<u64>,
}

/// One consent of one account to one client.
#[derive(Clone, Debug)]
pub struct Grant {
    pub platform: String,
    pub client_id: String,
    pub account: String,
    pub scope: String,
    /// The user name that was given, where there was one.
    pub user: Option<String>,
    pub opened_at: DateTime<Utc>,
    /// None: alive. Else why it ended.
    pub ended: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub struct AccessToken {
    pub grant: u64,
    pub expires_at: Option<DateTime<Utc>>,
    pub retired: bool,
    /// A call was made with it.
    pub used: bool,
}

#[derive(Clone, Debug)]
pub struct RefreshToken {
    pub grant: u64,
    pub expires_at: Option<DateTime<Utc>>,
    pub first_used_at: Option<DateTime<Utc>>,
    /// Access and refresh token that it was exchanged for.
    pub replacement: Option<(String, String)>,
    /// Refused whatever the grace.
    pub retired: bool,
}

impl RefreshToken {
    pub fn new(grant: u64, expires_at: Option<DateTime<Utc>>) -> Self {
        Self {
            grant,
            expires_at,
            first_used_at: None,
            replacement: None,
            retired: false,
        }
    }
}

/// The pair that an old token was exchanged for.
#[derive(Clone, Debug)]
pub struct Migration {
    pub grant: u64,
    pub access: String,
    pub refresh: String,
    pub at: DateTime<Utc>,
}

/// Why a client or key is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientRefusal {
    Unknown,
    WrongSecret,
}

pub struct World {
    rng: StdRng,
    seed: u64,
    /// Added to the clock wherever an expiry is set or judged.
    pub advanced: TimeDelta,
    pub registrations: HashMap<(String, String), Vec<Registration>>,
    /// Keys and fixed tokens that ended for one account only: platform, account, key id.
    pub ended_keys: BTreeSet<(String, String, String)>,
    /// Keys and fixed tokens seen at an account, so that uninstalling there ends them: platform, account -> key ids.
    pub used_keys: BTreeMap<(String, String), BTreeSet<String>>,
    pub codes: HashMap<String, Code>,
    pub grants: BTreeMap<u64, Grant>,
    pub access: HashMap<String, AccessToken>,
    pub refresh: HashMap<String, RefreshToken>,
    /// Platform, key and nonce of signed calls.
    pub nonces: HashMap<(String, String, String), DateTime<Utc>>,
    /// Tokens that were exchanged for another kind: the old token and what came of it.
    pub migrations: HashMap<String, Migration>,
    /// Request tokens, sessions and whatever else one platform alone gives out: platform, text -> members.
    pub notes: HashMap<(String, String), Values>,
    /// The partner's addresses, as far as they were told.
    pub partner: Partner,
    /// Hosts that were once met as a platform's.
    pub hosts: HashMap<String, String>,
    pub settings: BTreeMap<(String, Option<String>), Settings>,
    pub faults: Faults,
    pub log: Log,
}

impl World {
    pub fn new(seed: u64, behaviours: &[Behaviour]) -> Self {
        let mut world = Self {
            rng: StdRng::seed_from_u64(seed),
            seed,
            advanced: TimeDelta::zero(),
            registrations: HashMap::new(),
            ended_keys: BTreeSet::new(),
            used_keys: BTreeMap::new(),
            codes: HashMap::new(),
            grants: BTreeMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            nonces: HashMap::new(),
            migrations: HashMap::new(),
            notes: HashMap::new(),
            partner: Partner::default(),
            hosts: HashMap::new(),
            settings: BTreeMap::new(),
            faults: Faults::default(),
            log: Log::default(),
        };
        for behaviour in behaviours {
            for demo in &behaviour.clients.demo {
                world.register(Registration {
                    platform: behaviour.slug.clone(),
                    id: demo.id.clone(),
                    secrets: vec![demo.secret.clone()],
                    redirect_uris: None,
                    account: None,
                    serves: demo.account.clone(),
                    permission: demo.permission.clone(),
                    disabled: false,
                });
            }
        }
        world
    }

    /// As new, but with other random values than before: tokens of an earlier life stay unknown.
    pub fn reset(&mut self, behaviours: &[Behaviour]) {
        let seed = self.seed.wrapping_add(1);
        let partner = self.partner.clone();
        *self = Self::new(seed, behaviours);
        self.partner = partner;
    }

    /// The moment by which tokens expire, when the clock says `now`.
    pub fn expiry_now(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now.checked_add_signed(self.advanced).unwrap_or(now)
    }

    /// So many lower-case hex digits.
    pub fn random_hex(&mut self, digits: usize) -> String {
        (0..digits)
            .map(|_| char::from_digit(self.rng.random_range(0..16), 16).unwrap_or('0'))
            .collect()
    }

    /// A number for a fresh grant.
    pub fn next_grant(&self) -> u64 {
        self.grants.keys().next_back().map_or(1, |last| last + 1)
    }

    /// Adds a client or key, replacing one with the same id and account; it is good again wherever it had ended.
    pub fn register(&mut self, registration: Registration) {
        self.ended_keys.retain(|(platform, account, id)| {
            *platform != registration.platform
                || *id != registration.id
                || registration.account.as_ref().is_some_and(|own| own != account)
        });
        let known = self
            .registrations
            .entry((registration.platform.clone(), registration.id.clone()))
            .or_default();
        known.retain(|other| other.account != registration.account);
        known.push(registration);
    }

    /// The client or key of this id, registering it if its platform does so on first use.
    pub fn registration(&mut self, behaviour: &Behaviour, id: &str, account: Option<&str>) -> Option<Registration> {
        let key = (behaviour.slug.clone(), id.to_owned());
        if let Some(known) = self.registrations.get(&key) {
            let own = known
                .iter()
                .find(|registration| registration.account.is_some() && registration.account.as_deref() == account);
            return own
                .or_else(|| known.iter().find(|registration| registration.account.is_none()))
                .cloned();
        }
        for rule in &behaviour.clients.on_first_use {
            if let Some(secret) = rule.id.expand(id, &rule.secret) {
                let registration = Registration {
                    platform: behaviour.slug.clone(),
                    id: id.to_owned(),
                    secrets: vec![secret],
                    redirect_uris: None,
                    account: None,
                    serves: rule.account.as_ref().and_then(|account| rule.id.expand(id, account)),
                    permission: rule.permission.clone(),
                    disabled: false,
                };
                self.register(registration.clone());
                return Some(registration);
            }
        }
        None
    }

    /// Checks id and secret of a client, or of an account's key.
    pub fn check_client(
        &mut self,
        behaviour: &Behaviour,
        id: &str,
        secret: &str,
        account: Option<&str>,
    ) -> Result<Registration, ClientRefusal> {
        let registration = self
            .live_registration(behaviour, id, account)
            .ok_or(ClientRefusal::Unknown)?;
        if !registration.secrets.iter().any(|known| known == secret) {
            return Err(ClientRefusal::WrongSecret);
        }
        self.note_key(behaviour, account, id);
        Ok(registration)
    }

    /// The registration of this id, unless it was disabled, or ended at this account.
    pub fn live_registration(
        &mut self,
        behaviour: &Behaviour,
        id: &str,
        account: Option<&str>,
    ) -> Option<Registration> {
        let registration = self.registration(behaviour, id, account)?;
        let ended = account.is_some_and(|account| self.key_ended(&behaviour.slug, account, id));
        (!registration.disabled && !ended).then_some(registration)
    }

    pub fn key_ended(&self, platform: &str, account: &str, id: &str) -> bool {
        self.ended_keys
            .contains(&(platform.to_owned(), account.to_owned(), id.to_owned()))
    }

    /// Remembers that this key was used at this account.
    pub fn note_key(&mut self, behaviour: &Behaviour, account: Option<&str>, id: &str) {
        if let Some(account) = account {
            let place = (behaviour.slug.clone(), account.to_owned());
            self.used_keys.entry(place).or_default().insert(id.to_owned());
        }
    }

    /// As if the merchant had removed the app or deleted the keys: grants end, and so do the keys used there so far.
    pub fn end_store(&mut self, platform: &str, store: Option<&str>) -> usize {
        let mut count = 0;
        let meant = |grant: &&mut Grant| {
            grant.platform == platform && store.is_none_or(|store| store == grant.account) && grant.ended.is_none()
        };
        for grant in self.grants.values_mut().filter(meant) {
            grant.ended = Some("revoked by the merchant");
            count += 1;
        }
        let keys: Vec<(String, String, String)> = self
            .used_keys
            .iter()
            .filter(|((slug, account), _)| slug == platform && store.is_none_or(|store| store == account))
            .flat_map(|((slug, account), ids)| ids.iter().map(|id| (slug.clone(), account.clone(), id.clone())))
            .collect();
        count
            + keys
                .into_iter()
                .filter(|key| self.ended_keys.insert(key.clone()))
                .count()
    }

    pub fn settings_of(&self, platform: &str, account: Option<&str>) -> Settings {
        let general = self
            .settings
            .get(&(platform.to_owned(), None))
            .cloned()
            .unwrap_or_default();
        let own = account.and_then(|id| self.settings.get(&(platform.to_owned(), Some(id.to_owned()))));
        own.cloned().unwrap_or_default().over(&general)
    }

    /// What the shapes of answers can say about an account.
    pub fn account_values(&self, behaviour: &Behaviour, account: &str) -> Values {
        let stated = self
            .settings_of(&behaviour.slug, Some(account))
            .account_id
            .unwrap_or_else(|| account.to_owned());
        let listed = behaviour.accounts.iter().find(|listed| listed.id == stated);
        let label = stated.split(['.', ':']).next().unwrap_or_default().to_owned();
        let name = match (listed, behaviour.identity) {
            (Some(listed), _) => listed.name.clone(),
            (None, Identity::Host) => format!("Simulated shop {label}"),
            (None, _) => "Simulated seller".to_owned(),
        };
        let number = stated
            .parse()
            .unwrap_or_else(|_| i64::from(crc32fast::hash(stated.as_bytes())));
        let checksum = crc32fast::hash(stated.as_bytes());
        let mut values = Values::from([
            ("account_id".to_owned(), stated.into()),
            ("account_label".to_owned(), label.into()),
            ("account_name".to_owned(), name.into()),
            ("account_number".to_owned(), number.into()),
            ("account_hex".to_owned(), format!("{checksum:08x}").into()),
        ]);
        if let Some(listed) = listed {
            let further = listed
                .values
                .iter()
                .map(|(name, text)| (name.clone(), text.clone().into()));
            values.extend(further);
        }
        values
    }
}
