//! The admin's list of stores against a real database: what a search finds, and that every order is complete and right
//! both where few stores match, which are gathered, and where many do, which are met on a walk.

use crate::support::database::TestDatabase;
use crate::support::rows::rows;
use diesel::connection::SimpleConnection as _;
use llavero::db::Conn;
use llavero::db::admin_stores::{AdminStoreFilter, StoreOrder, list};
use llavero::domain::id::{AppId, Id, StoreId};
use llavero::domain::store::{StoreHealth, StoreStatus};

/// Two apps with 4,000 stores each. One in a hundred needs its merchant, one in fifty fails to be renewed; names repeat.
const STORES: &str = "
    INSERT INTO partners (id, name) VALUES ('00000000-0000-7000-8000-0000000000ff', 'Partner');
    INSERT INTO apps (id, partner_id, name, mode, signing_secret_sealed)
    SELECT ('00000000-0000-7000-8000-00000000000' || n)::uuid, '00000000-0000-7000-8000-0000000000ff', 'App ' || n, 'live', ''
    FROM generate_series(1, 2) n;
    CREATE TEMP TABLE made AS
    SELECT n, ('00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid AS id,
           ('00000000-0000-7000-8000-00000000000' || 1 + n % 2)::uuid AS app
    FROM generate_series(1, 8000) n;
    INSERT INTO credentials (id, app_id, platform, method) SELECT id, app, 'shopify', 'fixed' FROM made;
    INSERT INTO stores (id, app_id, credential_id, platform, method, platform_store_id, name, customer_id, status,
                        health, status_since)
    SELECT id, app, id, CASE WHEN n % 10 = 0 THEN 'walmart' ELSE 'shopify' END, 'fixed', 'shop-' || n,
           'Tienda ' || n * 7919 % 500, 'customer-' || n / 3,
           CASE WHEN n % 100 = 0 THEN 'needs_reauthorization' ELSE 'connected' END,
           CASE WHEN n % 50 = 1 THEN 'refresh_failing' ELSE 'ok' END,
           timestamptz '2026-01-01' + n * 7919 % 1000 * interval '1 hour'
    FROM made;
    UPDATE stores SET name = '50% off_' WHERE platform_store_id = 'shop-17';
    UPDATE stores SET name = 'Nandú Ñ' WHERE platform_store_id = 'shop-18';
    UPDATE stores SET name = 'shop-40' WHERE platform_store_id = 'shop-19';
    ANALYZE stores";

fn filled() -> (TestDatabase, Conn) {
    let database = TestDatabase::migrated();
    let mut conn = database.connect();
    conn.batch_execute(STORES).unwrap();
    (database, conn)
}

fn search(q: &str) -> AdminStoreFilter {
    AdminStoreFilter {
        q: Some(q.to_owned()),
        ..AdminStoreFilter::default()
    }
}

/// The identities at the platform of all that a filter lets through, newest first.
fn found(conn: &mut Conn, filter: &AdminStoreFilter) -> Vec<String> {
    let stores = list(conn, filter, StoreOrder::Newest, None, 100).unwrap();
    stores.into_iter().map(|store| store.platform_store_id).collect()
}

#[test]
fn a_search_finds_the_beginning_of_a_name_or_a_whole_id() {
    let (_database, mut conn) = filled();
    let mut expect = |q: &str, wanted: &[&str]| assert_eq!(found(&mut conn, &search(q)), wanted, "{q}");
    expect("50%", &["shop-17"]);
    expect("nANDú Ñ", &["shop-18"]);
    expect("shop-4000", &["shop-4000"]);
    expect("shop-40", &["shop-40", "shop-19"]);
    expect("customer-33", &["shop-101", "shop-100", "shop-99"]);
    expect("store_00000000000070009000000000001f40", &["shop-8000"]);
    for nothing in [
        "ff_",
        "hop-4000",
        "customer-",
        "%",
        "_",
        "5_%",
        "store_0000",
        "store_00000000000070009000000000001f41",
    ] {
        expect(nothing, &[]);
    }
}

#[test]
fn a_search_and_filters_must_all_hold() {
    let (_database, mut conn) = filled();
    let shop = |n: u32| search(&format!("shop-{n}"));
    let walmart = |filter| AdminStoreFilter {
        platform: Some("walmart".to_owned()),
        ..filter
    };
    assert_eq!(found(&mut conn, &walmart(shop(50))), ["shop-50"]);
    assert_eq!(found(&mut conn, &walmart(shop(51))), Vec::<String>::new());
    let failing = |filter| AdminStoreFilter {
        health: Some(StoreHealth::RefreshFailing),
        ..filter
    };
    assert_eq!(found(&mut conn, &failing(shop(51))), ["shop-51"]);
    assert_eq!(found(&mut conn, &failing(shop(50))), Vec::<String>::new());
    let needing = |filter| AdminStoreFilter {
        status: Some(StoreStatus::NeedsReauthorization),
        ..filter
    };
    assert_eq!(found(&mut conn, &needing(shop(100))), ["shop-100"]);
    assert_eq!(found(&mut conn, &needing(shop(101))), Vec::<String>::new());
    let of_app = |number: u128, filter| AdminStoreFilter {
        app: Some(AppId::from_uuid(uuid::Uuid::from_u128(
            0x7000_8000_0000_0000_0000 | number,
        ))),
        ..filter
    };
    assert_eq!(found(&mut conn, &of_app(1, shop(100))), ["shop-100"]);
    assert_eq!(found(&mut conn, &of_app(2, shop(100))), Vec::<String>::new());
    let id = search("store_00000000000070009000000000000064");
    assert_eq!(found(&mut conn, &of_app(1, id.clone())), ["shop-100"]);
    assert_eq!(found(&mut conn, &of_app(2, id)), Vec::<String>::new());
}

#[test]
fn pages_of_each_order_hold_every_store_once_whether_few_match_or_many() {
    let (database, mut conn) = filled();
    let platform = |slug: &str| AdminStoreFilter {
        platform: Some(slug.to_owned()),
        ..AdminStoreFilter::default()
    };
    let cases = [
        (AdminStoreFilter::default(), "true"),
        (platform("shopify"), "platform = 'shopify'"),
        (platform("walmart"), "platform = 'walmart'"),
        (search("tienda"), "name LIKE 'Tienda%'"),
        (search("tienda 49"), "name LIKE 'Tienda 49%'"),
    ];
    let orders = [
        (StoreOrder::Newest, "id DESC"),
        (StoreOrder::Name, "lower(name), id"),
        (StoreOrder::StatusSince, "status_since DESC, id DESC"),
    ];
    for (filter, meaning) in cases {
        for (order, sorted) in orders {
            let query = format!("SELECT id FROM stores WHERE {meaning} ORDER BY {sorted}");
            let wanted: Vec<StoreId> = rows(&database, &query)
                .iter()
                .map(|row| {
                    row["id"]
                        .as_str()
                        .and_then(|id| id.parse().ok())
                        .map(StoreId::from_uuid)
                        .unwrap()
                })
                .collect();
            let mut listed = Vec::new();
            let mut after = None;
            loop {
                let page = list(&mut conn, &filter, order, after.as_ref(), 1500).unwrap();
                let Some(last) = page.last() else { break };
                after = Some(last.cursor(order));
                listed.extend(page.iter().map(|store| store.id));
            }
            assert!(
                listed == wanted,
                "{meaning} by {sorted}: {} of {}",
                listed.len(),
                wanted.len()
            );
        }
    }
}
