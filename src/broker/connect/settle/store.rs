//! The stores of a grant: new ones, and those that are there already and work again. Ids and tokens of the latter stay.

use serde_json::json;
use url::Url;

use super::Settlement;
use crate::broker::connect::Refused;
use crate::broker::{Error, events, notify, shop_values};
use crate::db;
use crate::db::stores::{Learned, NewStore, Store};
use crate::domain::connect::ConnectFailure;
use crate::domain::event::EventKind;
use crate::domain::id::{CredentialId, StoreId};
use crate::domain::store::{StoreHealth, StoreStatus};
use crate::platform::custom;
use crate::platform::verify::{self, Shop};

impl Settlement {
    /// Makes a store of each shop, or authorizes it again; says which, the new ones first.
    pub(super) fn make(
        &self,
        conn: &mut db::Conn,
        wanted: Vec<(Shop, Option<Store>)>,
    ) -> Result<Result<Vec<(StoreId, bool)>, Refused>, Error> {
        let (owner, method) = (self.visit.session.app_id, &self.method.id);
        if custom::is_custom(&self.slug) && !db::custom_platforms::hold(conn, owner, &self.slug, method)? {
            return Err(Error::Conflict(
                "The platform's definition was changed or removed meanwhile.".to_owned(),
            ));
        }
        let asked: Vec<Store> = wanted.iter().filter_map(|(_, there)| there.clone()).collect();
        let mut there = Vec::new();
        let beside = self.beside(conn, &wanted)?;
        let mut all: Vec<_> = asked.iter().chain(&beside).map(|store| store.id).collect();
        // In one order, whoever else is at them.
        all.sort();
        for id in all {
            let now = db::stores::lock(conn, id)?.filter(|now| now.status != StoreStatus::Revoked);
            // A revocation waits until this is done, or was first; then nothing of this stands.
            if now.is_none() && asked.iter().any(|store| store.id == id) {
                return Err(Error::Conflict("The store was revoked meanwhile.".to_owned()));
            }
            there.extend(now);
        }
        let held: Vec<_> = there.iter().map(|store| store.credential_id).collect();
        if db::frozen::any(conn, &held)? {
            return Err(Error::StoreFrozen);
        }
        let credential = match self.verified.kept {
            None => self.place(conn, self.visit.session.app_id, &there)?,
            Some(kept) => {
                db::credentials::lock(conn, kept)?;
                if db::stores::list_of_credential(conn, kept)?.is_empty() {
                    let why = "The access was taken back before a shop was chosen.";
                    return Ok(Err(Refused::new(ConnectFailure::PlatformError, why)));
                }
                kept
            }
        };
        let (mut new, mut again) = (Vec::new(), Vec::new());
        for (shop, store) in &wanted {
            match store {
                None => new.push((self.connect(conn, credential, shop)?, false)),
                Some(store) => {
                    self.renew(conn, store, shop)?;
                    again.push((store.id, true));
                }
            }
        }
        self.put_on(conn, credential, &there)?;
        for sharing in db::stores::list_of_credential(conn, credential)? {
            if sharing.status != StoreStatus::Connected {
                db::stores::set_status(conn, sharing.id, StoreStatus::Connected, None, None)?;
                notify::recovered(conn, &self.app, &sharing, &self.visit.session.id.to_string())?;
                if again.iter().all(|(id, _)| *id != sharing.id) {
                    events::recovered(conn, &self.app, &sharing, EventKind::StoreNeedsReauthorization)?;
                }
                db::listen::notify_store(conn, sharing.id)?;
            }
        }
        events::health(conn, &self.app, credential, StoreHealth::Ok, None)?;
        new.extend(again);
        Ok(Ok(new))
    }

    fn connect(&self, conn: &mut db::Conn, credential: CredentialId, shop: &Shop) -> Result<StoreId, Error> {
        let id: StoreId = self.app.id();
        let (session, options) = (&self.visit.session, &self.visit.options);
        let new = NewStore {
            id,
            app_id: session.app_id,
            credential_id: credential,
            platform_app_id: self.identity_client,
            platform: self.slug.clone(),
            method: self.method.id.clone(),
            platform_store_id: shop.platform_store_id.clone(),
            url: self.url(shop),
            name: self.name(shop),
            customer_id: session.customer_id.clone(),
            merchant_email: options.merchant_email.clone(),
            merchant_name: options.merchant_name.clone(),
            merchant_locale: options.locale.map(|language| language.to_string()),
            status: StoreStatus::Connected,
            values_sealed: shop_values::seal(&self.app.sealer, id, &shop.values),
        };
        db::stores::insert(conn, &new)?;
        db::listen::notify_store(conn, id)?;
        Ok(id)
    }

    /// What this grant tells of a store that is there.
    fn renew(&self, conn: &mut db::Conn, store: &Store, shop: &Shop) -> Result<(), Error> {
        let (session, options) = (&self.visit.session, &self.visit.options);
        let moved = store.platform_store_id != shop.platform_store_id;
        let learned = Learned {
            method: Some(self.method.id.clone()),
            url: self.url(shop),
            name: shop.name.clone().or_else(|| moved.then(|| self.name(shop))),
            customer_id: session.customer_id.clone(),
            platform_store_id: Some(shop.platform_store_id.clone()),
            merchant_email: options.merchant_email.clone(),
            merchant_name: options.merchant_name.clone(),
            merchant_locale: options.locale.map(|language| language.to_string()),
            metadata: None,
        };
        db::stores::update_facts(conn, session.app_id, store.id, &learned)?;
        // The re-authorization itself is told, and says more.
        db::stores::forget_failing(conn, store.id)?;
        db::stores::set_client(conn, store.id, self.identity_client)?;
        db::listen::notify_store(conn, store.id)?;
        if moved {
            let change = json!({ "from": store.platform_store_id, "to": shop.platform_store_id });
            self.record(conn, "store.identity_changed", store.id, change)?;
        }
        Ok(())
    }

    /// What the platform calls the shop, else its host, else its identity.
    fn name(&self, shop: &Shop) -> String {
        let host = || Some(Url::parse(&self.url(shop)?).ok()?.host_str()?.to_owned());
        shop.name
            .clone()
            .or_else(host)
            .unwrap_or_else(|| shop.platform_store_id.clone())
    }

    /// An answer about several shops tells no single address.
    fn url(&self, shop: &Shop) -> Option<String> {
        if self.verified.shops.len() == 1 {
            return self.verified.url.clone();
        }
        verify::url_of(&self.method, &shop.values.over(&self.verified.values))
    }
}
