//! One credential for several stores: what belongs to one shop stays its own, and what is renewed is renewed for all.

use std::time::Duration;

use super::*;
use crate::support::bazaar::Bazaar;

#[tokio::test]
async fn a_call_carries_the_values_of_its_own_shop_only() {
    let (app, bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let given = connect_shops(&app, &[NORTH, SOUTH]).await;
    for (store, foreign) in [(&given[0], "cipher-102"), (&given[1], "cipher-101")] {
        let call = app
            .request(&store.token, "GET", "/v1/proxy/items")
            .header("x-shop-cipher", foreign);
        let answer: Value = call.send().await.unwrap().json().await.unwrap();
        assert_eq!(
            answer["shop"], store.store["platform_store_id"],
            "no caller chooses the shop"
        );
    }
    let ciphers: Vec<_> = bazaar
        .received("/items")
        .iter()
        .map(|entry| entry["cipher"].clone())
        .collect();
    assert_eq!(ciphers, ["cipher-101", "cipher-102"]);
}

#[tokio::test]
async fn the_credential_holds_nothing_of_a_single_shop() {
    let (app, _bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    connect_shops(&app, &[NORTH, SOUTH]).await;
    let shared = "SELECT count(DISTINCT credential_id) AS n FROM stores WHERE values_sealed IS NOT NULL";
    assert_eq!(crate::support::rows::count(&app.database, shared), 1);
    let mut conn = app.database.connect();
    let stores: Vec<llavero::db::stores::Store> = {
        use diesel::prelude::*;
        use llavero::db::schema::stores::dsl;
        dsl::stores
            .select(llavero::db::stores::Store::as_select())
            .load(&mut conn)
            .unwrap()
    };
    let credential = llavero::db::credentials::find(&mut conn, stores[0].credential_id)
        .unwrap()
        .unwrap();
    let sealed = credential.values_sealed.unwrap();
    let values = llavero::broker::refresh::open_values(&app.app.sealer, credential.id, &sealed).unwrap();
    assert!(values.get("access_token").is_some() && values.get("shop_cipher").is_none());
    for store in stores {
        let own = llavero::broker::shop_values::over(&app.app.sealer, &store, values.clone()).unwrap();
        assert_eq!(
            own.get("shop_cipher"),
            Some(&*format!("cipher-{}", store.platform_store_id))
        );
    }
}

#[tokio::test]
async fn an_expired_token_is_renewed_once_for_all_stores() {
    let (app, bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let given = connect_shops(&app, &[NORTH, SOUTH]).await;
    app.advance(Duration::from_secs(3700));
    let (north, south) = tokio::join!(reaches(&app, &given[0].token), reaches(&app, &given[1].token));
    assert_eq!((&*north, &*south), ("101", "102"));
    let renewals = bazaar.received("/token");
    let renewals = renewals.iter().filter(|entry| entry["grant_type"] == "refresh_token");
    assert_eq!(renewals.count(), 1);
}

#[tokio::test]
async fn every_store_of_the_credential_can_be_verified_and_refreshed() {
    let (app, _bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    for given in connect_shops(&app, &[NORTH, SOUTH]).await {
        let path = format!("/v1/stores/{}", given.id);
        let verified = app.api("POST", &format!("{path}/verify"), None).await;
        assert_eq!(
            (verified.status, &verified.json()["verdict"]),
            (200, &json!("alive")),
            "{}",
            verified.body
        );
        assert_eq!(app.api("POST", &format!("{path}/refresh"), None).await.status, 200);
        assert_eq!(reaches(&app, &given.token).await, given.store["platform_store_id"]);
    }
}
