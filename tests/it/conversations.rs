//! Plays `tests/conversations`: what the platforms' documentation says must go over the wire, written down by someone who
//! had not seen the catalogue. A platform is one test, and all of its disagreements show at once, expected beside got.
//! Which side is wrong is for the documentation to say, not for this runner.

mod difference;
mod expected;
mod file;
mod outcome;
mod play;
mod sent;
mod stores;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use llavero::platform::Catalogue;

use self::file::{Conversations, read};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conversations")
}

/// The catalogue as it lies in the checkout, so that an entry can be played as soon as it is written.
fn catalogue() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/platform/catalogue")
}

/// Plays every case of a platform's file.
fn play(slug: &str) {
    let text = fs::read_to_string(folder().join(format!("{slug}.toml"))).unwrap();
    let Conversations {
        platform,
        source,
        cases,
    } = read(&text).unwrap_or_else(|error| panic!("{slug}.toml: {error}"));
    assert_eq!(platform, slug, "the file is named after its platform");
    assert!(!source.is_empty(), "{slug}.toml does not say where this is documented");
    let name = format!("{slug}.toml");
    let entry = fs::read_to_string(catalogue().join(&name)).unwrap();
    let catalogue = Catalogue::parse(&[(&name, &entry)]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let platform = catalogue.platform(slug).unwrap();

    let mut names = BTreeSet::new();
    let (mut failing, mut report) = (0, String::new());
    for case in &cases {
        let mut differences = match platform.method(&case.method) {
            Some(method) => play::case(platform, method, case),
            None => vec![format!("the catalogue has no connect method `{}`", case.method)],
        };
        if !names.insert(case.name.as_str()) {
            differences.push("another case has the same name".to_owned());
        }
        if !differences.is_empty() {
            failing += 1;
            writeln!(report, "\n{} ({}, {:?})", case.name, case.method, case.kind).unwrap();
            for difference in differences {
                writeln!(report, "    {}", difference.replace('\n', "\n      ")).unwrap();
            }
        }
    }
    assert!(
        failing == 0,
        "{slug}: {failing} of {} cases differ\n{report}",
        cases.len()
    );
}

#[test]
fn aliexpress_is_spoken_to_as_documented() {
    play("aliexpress");
}

#[test]
fn allegro_is_spoken_to_as_documented() {
    play("allegro");
}

#[test]
fn amazon_is_spoken_to_as_documented() {
    play("amazon");
}

#[test]
fn bigcommerce_is_spoken_to_as_documented() {
    play("bigcommerce");
}

#[test]
fn bling_is_spoken_to_as_documented() {
    play("bling");
}

#[test]
fn cdiscount_is_spoken_to_as_documented() {
    play("cdiscount");
}

#[test]
fn claro_shop_is_spoken_to_as_documented() {
    play("claro-shop");
}

#[test]
fn cs_cart_is_spoken_to_as_documented() {
    play("cs-cart");
}

#[test]
fn ebay_is_spoken_to_as_documented() {
    play("ebay");
}

#[test]
fn ecart_is_spoken_to_as_documented() {
    play("ecart");
}

#[test]
fn ecwid_is_spoken_to_as_documented() {
    play("ecwid");
}

#[test]
fn etsy_is_spoken_to_as_documented() {
    play("etsy");
}

#[test]
fn falabella_is_spoken_to_as_documented() {
    play("falabella");
}

#[test]
fn hybris_is_spoken_to_as_documented() {
    play("hybris");
}

#[test]
fn jumpseller_is_spoken_to_as_documented() {
    play("jumpseller");
}

#[test]
fn kometia_is_spoken_to_as_documented() {
    play("kometia");
}

#[test]
fn linio_is_spoken_to_as_documented() {
    play("linio");
}

#[test]
fn liverpool_is_spoken_to_as_documented() {
    play("liverpool");
}

#[test]
fn loja_integrada_is_spoken_to_as_documented() {
    play("loja-integrada");
}

#[test]
fn magento_1_is_spoken_to_as_documented() {
    play("magento-1");
}

#[test]
fn magento_2_is_spoken_to_as_documented() {
    play("magento-2");
}

#[test]
fn mercado_libre_is_spoken_to_as_documented() {
    play("mercado-libre");
}

#[test]
fn miravia_is_spoken_to_as_documented() {
    play("miravia");
}

#[test]
fn multivende_is_spoken_to_as_documented() {
    play("multivende");
}

#[test]
fn nopcommerce_is_spoken_to_as_documented() {
    play("nopcommerce");
}

#[test]
fn odoo_is_spoken_to_as_documented() {
    play("odoo");
}

#[test]
fn opencart_is_spoken_to_as_documented() {
    play("opencart");
}

#[test]
fn prestashop_9_is_spoken_to_as_documented() {
    play("prestashop-9");
}

#[test]
fn prestashop_is_spoken_to_as_documented() {
    play("prestashop");
}

#[test]
fn quickbooks_is_spoken_to_as_documented() {
    play("quickbooks");
}

#[test]
fn salesforce_is_spoken_to_as_documented() {
    play("salesforce");
}

#[test]
fn shein_is_spoken_to_as_documented() {
    play("shein");
}

#[test]
fn shiphero_is_spoken_to_as_documented() {
    play("shiphero");
}

#[test]
fn shopify_is_spoken_to_as_documented() {
    play("shopify");
}

#[test]
fn shoplazza_is_spoken_to_as_documented() {
    play("shoplazza");
}

#[test]
fn squarespace_is_spoken_to_as_documented() {
    play("squarespace");
}

#[test]
fn temu_is_spoken_to_as_documented() {
    play("temu");
}

#[test]
fn tienda_nube_is_spoken_to_as_documented() {
    play("tienda-nube");
}

#[test]
fn tiktok_shop_is_spoken_to_as_documented() {
    play("tiktok-shop");
}

#[test]
fn tiny_is_spoken_to_as_documented() {
    play("tiny");
}

#[test]
fn tray_is_spoken_to_as_documented() {
    play("tray");
}

#[test]
fn unicommerce_is_spoken_to_as_documented() {
    play("unicommerce");
}

#[test]
fn vend_is_spoken_to_as_documented() {
    play("vend");
}

#[test]
fn verskis_is_spoken_to_as_documented() {
    play("verskis");
}

#[test]
fn vtex_is_spoken_to_as_documented() {
    play("vtex");
}

#[test]
fn walmart_is_spoken_to_as_documented() {
    play("walmart");
}

#[test]
fn weebly_is_spoken_to_as_documented() {
    play("weebly");
}

#[test]
fn wix_is_spoken_to_as_documented() {
    play("wix");
}

#[test]
fn woocommerce_is_spoken_to_as_documented() {
    play("woocommerce");
}

#[test]
fn yampi_is_spoken_to_as_documented() {
    play("yampi");
}

#[test]
fn zoho_inventory_is_spoken_to_as_documented() {
    play("zoho-inventory");
}

#[test]
fn no_file_of_conversations_is_left_unplayed() {
    let played = include_str!("conversations.rs");
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let slug = path.file_stem().unwrap().to_string_lossy().into_owned();
            assert!(
                played.contains(&format!("play(\"{slug}\")")),
                "{slug}.toml has no test here"
            );
        }
    }
}
