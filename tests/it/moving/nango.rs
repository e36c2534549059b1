//! Nango's providers that the catalogue knows: a connection as Nango holds it gives every field that the method asks for.

use llavero::platform::nango::NangoCredentials::{self, ApiKey, Basic, OAuth2};
use llavero::platform::{Catalogue, Values};

type Held = &'static [(&'static str, &'static str)];

/// Provider, type of credentials, whether there is a refresh token, what is held, and what it becomes.
const KNOWN: &[(&str, NangoCredentials, bool, Held, &str, &str)] = &[
    (
        "adobe-commerce",
        ApiKey,
        false,
        &[
            ("store_domain", "shop.example.com"),
            ("store_code", "default"),
            ("api_key", "0123456789abcdef0123456789abcdef"),
        ],
        "magento-2",
        "token",
    ),
    (
        "bigcommerce",
        OAuth2,
        false,
        &[("store_hash", "abc123xyz")],
        "bigcommerce",
        "authorization",
    ),
    ("ebay", OAuth2, true, &[], "ebay", "authorization"),
    ("etsy", OAuth2, true, &[], "etsy", "authorization"),
    (
        "lightspeed-retail",
        OAuth2,
        true,
        &[("domain_prefix", "acme")],
        "vend",
        "authorization",
    ),
    (
        "odoo-api-key",
        ApiKey,
        false,
        &[
            ("server_url", "acme.odoo.com"),
            ("api_key", "0123456789abcdef0123456789abcdef01234567"),
        ],
        "odoo",
        "keys",
    ),
    (
        "odoo-api-key",
        ApiKey,
        false,
        &[
            ("server_url", "acme.odoo.com"),
            ("database", "acme"),
            ("api_key", "0123456789abcdef0123456789abcdef01234567"),
        ],
        "odoo",
        "keys",
    ),
    (
        "quickbooks",
        OAuth2,
        true,
        &[("realm_id", "9130350000000000")],
        "quickbooks",
        "authorization",
    ),
    (
        "salesforce",
        OAuth2,
        true,
        &[("instance_url", "https://acme.my.salesforce.com")],
        "salesforce",
        "authorization",
    ),
    (
        "salesforce-sandbox",
        OAuth2,
        true,
        &[("instance_url", "https://acme--dev.sandbox.my.salesforce.com")],
        "salesforce",
        "authorization",
    ),
    ("shopify", OAuth2, true, &[("subdomain", "acme")], "shopify", "expiring"),
    ("shopify", OAuth2, false, &[("subdomain", "acme")], "shopify", "fixed"),
    (
        "shopify-api-key",
        ApiKey,
        false,
        &[
            ("subdomain", "acme"),
            ("api_key", "shpat_0123456789abcdef0123456789abcdef"),
        ],
        "shopify",
        "admin-token",
    ),
    (
        "squarespace",
        OAuth2,
        true,
        &[("customapp_description", "Acme")],
        "squarespace",
        "authorization",
    ),
    (
        "vtex",
        ApiKey,
        false,
        &[
            ("account_name", "acme"),
            ("app_key", "vtexappkey-acme-ABCDEF"),
            ("api_key", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF"),
        ],
        "vtex",
        "keys",
    ),
    (
        "woocommerce",
        Basic,
        false,
        &[
            ("store_url", "shop.example.com"),
            ("username", "ck_5a00000000000000000000000000000000000001"),
            ("password", "cs_5a00000000000000000000000000000000000001"),
        ],
        "woocommerce",
        "keys",
    ),
    (
        "zoho-inventory",
        OAuth2,
        true,
        &[
            ("extension", "eu"),
            ("accounts_server", "https://accounts.zoho.eu"),
            ("api_domain", "https://www.zohoapis.eu"),
        ],
        "zoho-inventory",
        "authorization",
    ),
];

#[test]
fn a_connection_of_each_known_provider_fills_the_fields_of_its_method() {
    let catalogue = Catalogue::embedded().unwrap();
    for (provider, credentials, renewable, held, slug, method_id) in KNOWN {
        let found: Vec<_> = catalogue
            .platforms()
            .iter()
            .flat_map(|platform| platform.nango.iter().map(move |entry| (platform, entry)))
            .filter(|(_, entry)| entry.is_of(provider, *credentials, *renewable))
            .collect();
        let [(platform, entry)] = found.as_slice() else {
            panic!("{provider}: {} entries", found.len())
        };
        assert_eq!((platform.slug.as_str(), entry.method.as_str()), (*slug, *method_id));
        let held: Values = held
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let method = platform.method(&entry.method).unwrap();
        let filled = entry
            .fields(method, &held)
            .unwrap_or_else(|error| panic!("{provider}: {error}"));
        for field in &method.fields {
            match filled.get(&field.name) {
                Some(value) => {
                    field
                        .check(value, false)
                        .unwrap_or_else(|error| panic!("{provider}, {}: {error:?}", field.name));
                }
                None => assert!(!field.required || field.default.is_some(), "{provider}: {}", field.name),
            }
        }
        for (name, ..) in method.imports() {
            assert!(
                *credentials != OAuth2 || filled.get(name).is_some(),
                "{provider}: {name}"
            );
        }
    }
}

#[test]
fn every_provider_of_the_catalogue_is_tried_and_told() {
    let guide = include_str!("../../../docs/moving.md");
    for platform in Catalogue::embedded().unwrap().platforms() {
        for entry in &platform.nango {
            let tried = KNOWN.iter().any(|(provider, ..)| *provider == entry.provider);
            assert!(tried, "{} is not tried", entry.provider);
            assert!(
                guide.contains(&format!("`{}`", entry.provider)),
                "{} is not told",
                entry.provider
            );
        }
    }
}
