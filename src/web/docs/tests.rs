//! The reference of a small description: order, kinds, examples and samples, and its pages as they are served.

use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, web};
use serde_json::Value;

use super::{Docs, Operation, Reference, reference};
use crate::web::{Site, pages, urls};

fn description() -> Value {
    serde_json::from_str(include_str!("fixture.json")).unwrap()
}

fn operation<'a>(reference: &'a Reference, method: &str, path: &str) -> &'a Operation {
    let mut all = reference.tags.iter().flat_map(|tag| &tag.operations);
    all.find(|one| one.method == method && one.path == path).unwrap()
}

fn sample(operation: &Operation, label: &str) -> String {
    let found = operation.samples.iter().find(|sample| sample.label == label);
    found.unwrap().code.clone()
}

#[test]
fn operations_stand_by_tag_and_told_tags_come_first() {
    let reference = reference(&description());
    let tags: Vec<_> = reference
        .tags
        .iter()
        .map(|tag| (tag.slug.as_str(), tag.operations.len()))
        .collect();
    assert_eq!(tags, [("connected-stores", 2), ("calls", 2)]);
    assert!(
        reference.html.contains("href=\"/docs/errors#not_found\""),
        "{}",
        reference.html
    );
}

#[test]
fn fields_of_inline_objects_are_told_and_named_schemas_are_links() {
    let reference = reference(&description());
    let store = reference.schemas.iter().find(|one| one.name == "Store").unwrap();
    let rows: Vec<_> = store
        .rows
        .iter()
        .map(|row| (row.name.as_str(), row.kind.as_str(), row.required))
        .collect();
    assert_eq!(
        rows,
        [
            ("connected_at", "string (date-time)", false),
            ("id", "string", true),
            ("merchant", "object", true),
            ("merchant.email", "string or null", true),
            ("parent", "Store or null", false),
        ]
    );
    assert_eq!(store.rows[4].href, "/docs/api/schemas#Store");
    let list = operation(&reference, "GET", "/v1/stores");
    assert_eq!(list.responses[0].rows[0].kind, "list of Store");
    assert!(list.responses[0].example.contains("2026-03-02T09:00:00Z"));
    assert_eq!(list.responses[1].kind, "Problem");
    assert!(list.access.contains("stores:read"), "{}", list.access);
}

#[test]
fn a_call_is_written_in_four_languages() {
    let reference = reference(&description());
    let list = operation(&reference, "GET", "/v1/stores");
    assert_eq!(
        sample(list, "curl"),
        "curl \"$LLAVERO_URL/v1/stores?platform=one%20shop\" \\\n  -H \"Authorization: Bearer $LLAVERO_API_KEY\""
    );
    let make = operation(&reference, "POST", "/v1/stores");
    assert!(
        sample(make, "curl").contains("\"It'\\''s <mine>\""),
        "{}",
        sample(make, "curl")
    );
    let python = sample(make, "Python");
    assert!(
        python.contains("\"transfer\": True,\n") && python.contains("\"note\": None,\n"),
        "{python}"
    );
    assert!(sample(make, "JavaScript").contains("    \"transfer\": true\n  }),"));
    assert!(sample(make, "Rust").contains(".post(format!(\"{url}/v1/stores\"))"));
    let call = operation(&reference, "PUT", "/v1/proxy/{path}");
    assert!(sample(call, "curl").starts_with("curl -X PUT \"$LLAVERO_URL/v1/proxy/wp-json\""));
    assert!(sample(call, "Rust").contains("std::env::var(\"LLAVERO_STORE_TOKEN\")?"));
    let asked = operation(&reference, "POST", "/v1/introspect");
    assert_eq!(
        sample(asked, "curl"),
        "curl -X POST \"$LLAVERO_URL/v1/introspect\" \\\n  --data-urlencode 'token=llv_st_x'"
    );
    assert!(!sample(asked, "Python").contains("import json"));
}

#[actix_web::test]
async fn the_pages_of_the_reference_hold_every_operation_and_schema() {
    let site = Site::sample("http://127.0.0.1:1", Box::new(|| [7; 32])).into_inner();
    let mut site = std::sync::Arc::into_inner(site).unwrap();
    site.docs = Docs::new(Some(&description()));
    let routes = |config: &mut web::ServiceConfig| {
        config
            .service(web::resource(urls::DOCS_API).get(pages::docs::reference::show))
            .service(web::resource(urls::DOCS_TAG).get(pages::docs::reference::tag))
            .service(web::resource(urls::DOCS_SEARCH).get(pages::docs::search::show));
    };
    let service = init_service(App::new().app_data(web::Data::new(site)).configure(routes)).await;
    let get = async |path: &str| {
        let answer = call_service(&service, TestRequest::get().uri(path).to_request()).await;
        assert_eq!(answer.status(), 200, "{path}");
        String::from_utf8(read_body(answer).await.to_vec()).unwrap()
    };
    let overview = get("/docs/api").await;
    assert!(
        overview.contains("href=\"/docs/api/connected-stores#listStores\""),
        "{overview}"
    );
    let stores = get("/docs/api/connected-stores").await;
    assert!(
        stores.contains("id=\"listStores\"") && stores.contains("id=\"post-v1-stores\""),
        "{stores}"
    );
    assert!(!stores.contains("<mine>"), "{stores}");
    assert!(get("/docs/api/schemas").await.contains("id=\"Mode\""));
    assert!(
        overview.contains("href=\"/docs/api/webhooks#onStoreConnected\""),
        "{overview}"
    );
    let webhooks = get("/docs/api/webhooks").await;
    for part in [
        "id=\"onStoreConnected\"",
        "<code>data.store</code>",
        "href=\"/docs/api/schemas#Store\"",
        "webhook-id",
        "Taken",
    ] {
        assert!(webhooks.contains(part), "{part}: {webhooks}");
    }
    assert!(!webhooks.contains("<new>"), "{webhooks}");
    let found = get("/docs/search?q=store.connected").await;
    assert!(found.contains("/docs/api/webhooks#onStoreConnected"), "{found}");
    let found = get("/docs/search?q=lists+stores").await;
    assert!(found.contains("/docs/api/connected-stores#listStores"), "{found}");
}
