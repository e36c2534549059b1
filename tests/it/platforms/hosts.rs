//! Whatever is typed, or was saved: a secret goes to the platform's own host, or to the very host that was typed.

use llavero::platform::host;
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::*;

/// Pieces that parsers of addresses have stumbled over.
const PIECES: &str = r"(acme|\.myshopify\.com|\.com|https?://|evil\.example|localhost|127\.0\.0\.1|xn--|\.\.|%2e|%2f|%00|[@#?/\\:.;&= \t\n\r\[\]-]|[a-zA-Z0-9]|\PC){0,10}";

#[test]
fn a_typed_shop_is_a_shop_of_the_platform() {
    let catalogue = catalogue();
    let method = catalogue.platform("shopify").unwrap().method("expiring").unwrap();
    let field = method.field("shop").unwrap();
    proptest!(|(typed in PIECES)| {
        for typed in [typed.clone(), format!("{typed}.myshopify.com"), format!("acme.myshopify.com{typed}")] {
            if let Ok(checked) = field.check(&typed, true) {
                prop_assert!(typed.to_ascii_lowercase().contains(&checked));
            }
            if let Ok(root) = method.root(&values(&[("shop", &typed)])) {
                prop_assert!(root.host_str().unwrap().ends_with(".myshopify.com"), "{}", root);
                prop_assert_eq!((root.scheme(), root.path(), root.port()), ("https", "/", None));
                prop_assert!(root.username().is_empty() && root.query().is_none() && root.fragment().is_none());
            }
        }
    });
}

#[test]
fn a_typed_address_keeps_its_host_and_folder() {
    let catalogue = catalogue();
    let method = catalogue.platform("woocommerce").unwrap().method("keys").unwrap();
    let field = method.field("store_url").unwrap();
    proptest!(|(typed in PIECES)| {
        for typed in [typed.clone(), format!("https://shop.example.com{typed}"), format!("https://shop.example.com/{typed}")] {
            if let Ok(checked) = field.check(&typed, true) {
                let root = method.root(&values(&[("store_url", &checked)])).unwrap();
                prop_assert_eq!(root.as_str().trim_end_matches('/'), checked.as_str());
                // Spelt once, spelt for good.
                prop_assert_eq!(field.check(&checked, true), Ok(checked));
            }
        }
    });
}

#[test]
fn no_other_host_is_reached_by_naming_it() {
    let catalogue = catalogue();
    let platform = catalogue.platform("shopify").unwrap();
    let method = platform.default_method();
    let all = values(&[("shop", "acme.myshopify.com")]);
    proptest!(|(named in PIECES)| {
        if let Some(root) = host::allowed(platform, method, &all, &named) {
            prop_assert_eq!(root.as_str(), "https://acme.myshopify.com/");
        }
    });
}
