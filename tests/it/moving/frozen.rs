//! A store that has moved away is told apart wherever it is shown, with what to do about it.

use serde_json::json;

use super::{Lines, export_to};
use crate::support::connecting::{self, MERCADO_LIBRE, WOOCOMMERCE, start};
use crate::support::test_app::TestApp;
use crate::support::visitor::Visitor;

async fn owner(app: &TestApp) -> Visitor {
    let owner = Visitor::new();
    let link = format!("{}/admin/sign-in/{}", app.url, app.demo.admin_link.expose());
    let page = owner.get(&link).await;
    owner
        .submit(&page.form_with("password"), &[("password", "a long enough password")])
        .await;
    owner
}

#[tokio::test]
async fn a_frozen_store_is_shown_as_one_to_partners_and_in_every_language_to_admins() {
    let app = start().await;
    let store = connecting::connect(&app, "mercado-libre", "authorization", MERCADO_LIBRE).await;
    assert_eq!(connecting::store(&app, &store.store_id).await["frozen_at"], json!(null));
    export_to(&app, &Lines::default(), false).await.unwrap();
    connecting::connect(&app, "woocommerce", "keys", WOOCOMMERCE).await;

    let listed = connecting::stores(&app).await;
    let frozen: Vec<_> = listed.iter().filter(|store| !store["frozen_at"].is_null()).collect();
    assert_eq!(frozen.len(), 1);
    assert_eq!(frozen[0]["id"], store.store_id);
    assert!(frozen[0]["frozen_at"].as_str().unwrap().starts_with("2026-03-02T09:00"));
    assert_eq!(
        connecting::store(&app, &store.store_id).await["frozen_at"],
        frozen[0]["frozen_at"]
    );

    let owner = owner(&app).await;
    for (language, badge, advice, other) in [
        ("en", "Moved away", "revoke the store here", "Refresh now"),
        ("es", "Mudada", "revoca la tienda aquí", "Renovar ahora"),
        ("pt", "Mudou de lugar", "revogue a loja aqui", "Renovar agora"),
    ] {
        let list = owner.get(&format!("{}/admin/stores?locale={language}", app.url)).await;
        assert_eq!(list.text().matches(badge).count(), 1, "{}", list.text());
        let url = format!("{}/admin/stores/{}?locale={language}", app.url, store.store_id);
        let page = owner.get(&url).await.text();
        assert!(page.contains(badge) && page.contains(advice), "{page}");
        // Nothing is offered that would only be refused.
        assert!(!page.contains(other), "{page}");
    }

    let revoked = app.api("DELETE", &format!("/v1/stores/{}", store.store_id), None).await;
    assert_eq!(revoked.status, 204, "{}", revoked.body);
    assert_eq!(connecting::store(&app, &store.store_id).await["frozen_at"], json!(null));
    let list = owner.get(&format!("{}/admin/stores?locale=en", app.url)).await;
    assert!(!list.text().contains("Moved away"), "{}", list.text());
}
