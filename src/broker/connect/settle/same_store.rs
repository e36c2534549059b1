//! Rule "same store", for each shop that is meant: a re-authorization must come back with its own shop, and a shop that is
//! connected already stays its customer's.

use super::{Settled, Settlement};
use crate::broker::Error;
use crate::broker::connect::Refused;
use crate::broker::connect::held::HeldReason;
use crate::broker::connect::sessions::Visit;
use crate::db;
use crate::db::stores::Store;
use crate::domain::connect::ConnectFailure;
use crate::domain::id::StoreId;
use crate::domain::store::StoreStatus;
use crate::platform::descriptor::{IdentitySource, Method};
use crate::platform::verify::Shop;

/// What an attempt is about.
pub(super) enum Wanted {
    /// These shops, with the stores that have them.
    Shops(Vec<(Shop, Option<Store>)>),
    /// Some of several shops; this app's stores that have one of them.
    Undecided(Vec<Store>),
}

impl Settlement {
    /// What the grant is for; or the end that the rules demand.
    pub(super) fn wanted(&self, conn: &mut db::Conn) -> Result<Result<Wanted, Settled>, Error> {
        match self.visit.session.store_id {
            Some(store) => self.again(conn, store),
            None => self.anew(conn),
        }
    }

    fn anew(&self, conn: &mut db::Conn) -> Result<Result<Wanted, Settled>, Error> {
        let (app, chosen) = (self.visit.session.app_id, &self.verified.chosen);
        let (mut free, mut there, mut taken) = (Vec::new(), Vec::new(), None);
        for shop in &self.verified.shops {
            let found = self.find(conn, shop)?;
            there.extend(found.clone());
            if !chosen.is_empty() && !chosen.contains(&shop.platform_store_id) {
                continue;
            }
            match &found {
                // In the same words: whether another app has the shop is nobody's affair here.
                Some(store) if !may_renew(&self.visit, &self.method, store) => {
                    taken = Some("The shop is connected already, and nothing shows that it is this customer's.");
                }
                _ => free.push((shop.clone(), found)),
            }
        }
        if let Some(detail) = taken.filter(|_| free.is_empty() || !chosen.is_empty()) {
            there.sort_by_key(|store| store.app_id != app);
            self.keep_for(conn, &there)?;
            return refuse(ConnectFailure::StoreAlreadyConnected, detail);
        }
        Ok(Ok(if chosen.is_empty() {
            there.retain(|store| store.app_id == app);
            Wanted::Undecided(there)
        } else {
            Wanted::Shops(free)
        }))
    }

    fn again(&self, conn: &mut db::Conn, wanted: StoreId) -> Result<Result<Wanted, Settled>, Error> {
        let Some(store) = db::stores::find_of(conn, self.visit.session.app_id, wanted)?
            .filter(|store| store.status != StoreStatus::Revoked)
        else {
            return refuse(
                ConnectFailure::OtherStore,
                "The store that was to be authorized again has been revoked.",
            );
        };
        let chosen = &self.verified.chosen;
        let is_own = |shop: &&Shop| shop.platform_store_id == store.platform_store_id;
        let own = self.verified.shops.iter().find(is_own);
        if let Some(shop) = own.filter(|shop| chosen.is_empty() || chosen.contains(&shop.platform_store_id)) {
            return Ok(Ok(Wanted::Shops(vec![(shop.clone(), Some(store))])));
        }
        let mut there = Vec::new();
        for shop in &self.verified.shops {
            there.extend(self.find(conn, shop)?);
        }
        if self.is_listed() || self.method.identity == IdentitySource::Platform {
            self.keep_for(conn, &there)?;
            return refuse(ConnectFailure::OtherStore, "The authorization is for another shop.");
        }
        if !there.is_empty() {
            return refuse(
                ConnectFailure::StoreAlreadyConnected,
                "That shop is connected as another store.",
            );
        }
        if !self.accepted.identity {
            return self.hold(conn, HeldReason::Identity, &self.verified).map(Err);
        }
        let moved = self
            .verified
            .shops
            .iter()
            .map(|shop| (shop.clone(), Some(store.clone())));
        Ok(Ok(Wanted::Shops(moved.collect())))
    }

    /// The platform itself lists the shops of a grant.
    pub(super) fn is_listed(&self) -> bool {
        self.method.verify.shops.is_some()
    }

    pub(super) fn find(&self, conn: &mut db::Conn, shop: &Shop) -> Result<Option<Store>, Error> {
        let (app, id) = (self.visit.session.app_id, &shop.platform_store_id);
        Ok(db::stores::find_by_identity(
            conn,
            app,
            self.identity_client,
            &self.slug,
            id,
        )?)
    }
}

fn refuse(why: ConnectFailure, detail: &str) -> Result<Result<Wanted, Settled>, Error> {
    Ok(Err(Settled::Refused(Refused::new(why, detail))))
}

/// Whether a session that was not made for a store may authorize it again.
pub(in crate::broker::connect) fn may_renew(visit: &Visit, method: &Method, store: &Store) -> bool {
    store.app_id == visit.session.app_id && is_same_customer(visit, store) && is_proven_for(visit, method, store)
}

/// Whether a store may get a grant that was not asked for by a link of its own. Where nothing proves whose the grant is -
/// a merchant can type another one's name beside keys of his own, or write another seller's id into a callback that
/// nothing signs -, it is for the customer alone that the partner has named, and for no store without one.
pub(super) fn is_proven_for(visit: &Visit, method: &Method, store: &Store) -> bool {
    let customer = &visit.session.customer_id;
    !method.identity_unproven || (customer.is_some() && *customer == store.customer_id)
}

/// A store that has a customer is renewed for that customer only, and for nobody unnamed; one without may get one.
fn is_same_customer(visit: &Visit, store: &Store) -> bool {
    match (&visit.session.customer_id, &store.customer_id) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(asked), Some(known)) => asked == known || visit.options.transfer,
    }
}
