//! The same list of steps for every platform and connect method of the catalogue, through the pages that a merchant's
//! browser sees, the partner API and the proxy. What differs between platforms is a row in `platform_matrix/table.toml`; a
//! step that a method cannot have follows from the catalogue or is declared there with a reason, and nothing else may be
//! missing. The table of all outcomes is printed at the end.

mod browser;
mod report;
mod shop;
mod steps;
mod table;
mod trouble;

use futures_util::{StreamExt as _, stream};
use llavero::platform::{Catalogue, Method};

use self::report::Row;
use self::table::Way;

/// Platforms walked at once.
const AT_ONCE: usize = 4;
/// Only these, by the beginning of `platform method`: for whoever works on one platform.
const ONLY: &str = "LLAVERO_TEST_PLATFORM";

#[tokio::test]
async fn every_connect_method_of_every_platform_takes_every_step() {
    let ways: Vec<Way> = table::read().into_iter().filter(is_wanted).collect();
    let rows: Vec<Row> = stream::iter(ways).map(steps::walk).buffered(AT_ONCE).collect().await;
    let platforms = report::print(&rows, &methods(|method| method.for_partners));
    if table::read().len() == rows.len() {
        assert_eq!(platforms, 51, "each platform of the reference table has its row");
    }
    let failed: Vec<String> = rows.iter().flat_map(Row::failures).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn the_table_has_a_row_for_every_connect_method_of_the_catalogue() {
    let mut described = methods(|method| !method.for_partners);
    let mut walked: Vec<(String, String)> = table::read()
        .into_iter()
        .map(|way| (way.platform, way.method))
        .collect();
    described.sort();
    walked.sort();
    assert_eq!(walked, described);
}

/// Those that no page offers are taken through the same steps, as far as they have them, by the partner API alone.
#[test]
fn every_method_for_partners_is_proved_elsewhere() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/api/for_partners.rs");
    let proofs = std::fs::read_to_string(path).unwrap();
    for (platform, method) in methods(|method| method.for_partners) {
        for word in [platform, method] {
            assert!(proofs.contains(&format!("\"{word}\"")), "{word}");
        }
    }
}

/// Platform and method of all that are wanted, in the catalogue's order.
fn methods(wanted: fn(&Method) -> bool) -> Vec<(String, String)> {
    let catalogue = Catalogue::embedded().unwrap_or_else(|errors| panic!("{errors:#?}"));
    let all = catalogue.platforms().iter().flat_map(|platform| {
        let methods = platform.methods.iter().filter(|method| wanted(method));
        methods.map(|method| (platform.slug.clone(), method.id.clone()))
    });
    all.collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a wish of whoever runs the test, no setting of the product"
)]
fn is_wanted(way: &Way) -> bool {
    let name = format!("{} {}", way.platform, way.method);
    std::env::var(ONLY).map_or(true, |only| only.split(',').any(|wanted| name.starts_with(wanted)))
}
