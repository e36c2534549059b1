//! Where a grant is saved: once, for all stores that it is for. A grant that covers several shops takes the place of the
//! one that those stores had, for many platforms end the one before; a store that it does not cover keeps what it has.

use std::collections::BTreeSet;

use super::Settlement;
use super::same_store::is_proven_for;
use crate::broker::refresh::{self, seal_values};
use crate::broker::{Error, shop_values};
use crate::db;
use crate::db::credentials::{Granted, NewCredential};
use crate::db::stores::Store;
use crate::domain::id::{AppId, CredentialId};
use crate::domain::store::StoreStatus;
use crate::platform;
use crate::platform::descriptor::IdentitySource;
use crate::platform::verify::Shop;

impl Settlement {
    /// Keeps the grant for stores that have its shops, though it was not asked for by them: refusing somebody else, or
    /// waiting for a choice, must not cut them off. `None`: none of them lives, or it would not serve them.
    pub(super) fn keep_for(&self, conn: &mut db::Conn, stores: &[Store]) -> Result<Option<CredentialId>, Error> {
        let stated = !self.accepted.claimed && (self.is_listed() || self.method.identity == IdentitySource::Platform);
        if !stated || !self.is_whole() {
            return Ok(None);
        }
        if self.verified.kept.is_some() {
            return Ok(self.verified.kept);
        }
        let mut living = Vec::new();
        for store in stores {
            let same_app = stores.first().is_some_and(|first| first.app_id == store.app_id);
            let Some(now) = db::stores::lock(conn, store.id)? else {
                continue;
            };
            // What has moved to another installation is renewed there.
            let moved = db::frozen::any(conn, &[now.credential_id])?;
            if same_app && !moved && self.serves(&now) && is_proven_for(&self.visit, &self.method, &now) {
                living.push(now);
            }
        }
        let Some(owner) = living.first().map(|store| store.app_id) else {
            return Ok(None);
        };
        let credential = self.place(conn, owner, &living)?;
        self.put_on(conn, credential, &living)?;
        Ok(Some(credential))
    }

    /// This app's stores that have one of the other shops that the grant covers.
    pub(super) fn beside(&self, conn: &mut db::Conn, wanted: &[(Shop, Option<Store>)]) -> Result<Vec<Store>, Error> {
        let mut beside = Vec::new();
        if self.is_listed() && self.is_whole() {
            for shop in &self.verified.shops {
                if wanted.iter().all(|(wanted, _)| wanted != shop) {
                    let found = self.find(conn, shop)?;
                    let session = &self.visit.session;
                    let own = |store: &Store| {
                        store.app_id == session.app_id
                            && (!self.accepted.claimed || store.customer_id == session.customer_id)
                            && self.serves(store)
                            && is_proven_for(&self.visit, &self.method, store)
                    };
                    beside.extend(found.filter(own));
                }
            }
        }
        Ok(beside)
    }

    /// A grant that can be renewed and has all that was asked for.
    fn is_whole(&self) -> bool {
        self.verified.grant.is_some() && self.verified.lacking.is_nothing()
    }

    /// Whether a store that works can go on with this grant.
    fn serves(&self, store: &Store) -> bool {
        store.method == self.method.id && store.status == StoreStatus::Connected
    }

    /// Saves the grant: in the credential of one of these stores, if all that share it are covered, else in a new one.
    pub(super) fn place(&self, conn: &mut db::Conn, owner: AppId, stores: &[Store]) -> Result<CredentialId, Error> {
        let mut found = None;
        for id in stores.iter().map(|store| store.credential_id) {
            db::credentials::lock(conn, id)?;
            let sharing = db::stores::list_of_credential(conn, id)?;
            if sharing
                .iter()
                .all(|store| self.covers(store) || stores.iter().any(|own| own.id == store.id))
            {
                found = Some(id);
                break;
            }
        }
        let id = found.unwrap_or_else(|| self.app.id());
        let granted = self.granted(id);
        if found.is_some() {
            db::credentials::grant_again(conn, id, &self.method.id, self.client, &granted)?;
        } else {
            let new = NewCredential {
                id,
                app_id: owner,
                platform: self.slug.clone(),
                method: self.method.id.clone(),
                platform_app_id: self.client,
                granted: granted.clone(),
            };
            db::credentials::insert(conn, &new)?;
        }
        refresh::first_jobs(conn, &self.app, id, owner, &self.slug, &self.method, &granted)?;
        db::listen::notify_credential(conn, id)?;
        Ok(id)
    }

    /// Puts stores, and all that share the credential already, on it with their own values; a credential that nobody
    /// uses any more is erased.
    pub(super) fn put_on(&self, conn: &mut db::Conn, credential: CredentialId, stores: &[Store]) -> Result<(), Error> {
        let sharing = db::stores::list_of_credential(conn, credential)?;
        let mut left = BTreeSet::new();
        for store in stores.iter().chain(&sharing) {
            if store.credential_id != credential {
                left.insert(store.credential_id);
            }
            let Some(shop) = self.shop_of(store) else { continue };
            let own = shop_values::seal(&self.app.sealer, store.id, &shop.values);
            db::stores::set_credential(conn, store.id, credential, &self.method.id, own.as_deref())?;
            db::listen::notify_store(conn, store.id)?;
        }
        for id in left {
            db::credentials::lock(conn, id)?;
            if db::stores::list_of_credential(conn, id)?.is_empty() {
                db::credentials::erase(conn, id)?;
                db::listen::notify_credential(conn, id)?;
            }
        }
        Ok(())
    }

    /// Whether the grant is good for a store; where the platform lists no shops, those that share a credential do so for
    /// good.
    fn covers(&self, store: &Store) -> bool {
        !self.is_listed() || self.shop_of(store).is_some()
    }

    fn shop_of(&self, store: &Store) -> Option<&Shop> {
        let mut shops = self.verified.shops.iter();
        shops.find(|shop| shop.platform_store_id == store.platform_store_id)
    }

    /// The credential's columns. Keys have no life time but the one that they tell themselves, and nothing renews them.
    fn granted(&self, credential: CredentialId) -> Granted {
        let verified = &self.verified;
        let granted = match &verified.grant {
            Some(grant) => {
                let granted = refresh::granted(grant, &self.method, verified.asked_at, self.now, &self.app.random);
                if verified.of_unknown_age {
                    refresh::of_unknown_age(granted, &self.method, self.now, &self.app.random)
                } else {
                    granted
                }
            }
            None => Granted {
                values_sealed: None,
                access_issued_at: Some(verified.asked_at),
                access_expires_at: verified.ends_at,
                refresh_expires_at: None,
                // What a platform gives them at most is no proof of their end, and reason enough to announce one.
                reauthorize_by: verified.ends_at.or_else(|| {
                    let lives = self.method.lifetimes;
                    let longest = lives.access.filter(|_| !lives.access_unknown)?;
                    let longest = chrono::TimeDelta::from_std(longest).ok()?;
                    verified.asked_at.checked_add_signed(longest)
                }),
                refresh_at: None,
                scopes: None,
            },
        };
        let mut values = verified.values.clone();
        platform::obtain::forget_finish(&self.method, &mut values);
        Granted {
            values_sealed: Some(seal_values(&self.app.sealer, credential, &values)),
            ..granted
        }
    }
}
