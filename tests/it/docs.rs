//! `docs/platforms.md` is what the catalogue gives, `docs/openapi.json` what the code of the API gives, and
//! `docs/samples/reference.rs` what the reference shows of it in Rust: held against them here, and written anew with
//! `UPDATE_DOCS=1 cargo test --test it docs`.

use llavero::domain::connect::Language;
use llavero::platform::Catalogue;
use llavero::platform::facts::{self, Addresses, MethodFacts, PlatformFacts};
use llavero::platform::facts_text::length;
use llavero::web::{docs, openapi};

/// That they compile. The same calls in the other languages are made by `tests/sdk`.
#[allow(
    dead_code,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "a partner's own program"
)]
mod reference {
    include!("../../docs/samples/reference.rs");
}

/// The reference table: number, slug, name, authentication, life of the access token and of the refresh token.
type Row = (
    u16,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

#[rustfmt::skip]
const REFERENCE: [Row; 51] = [
    (1, "aliexpress", "AliExpress", "API Key / Sign", "", ""),
    (2, "allegro", "Allegro", "OAuth2", "~12h", "~3 months"),
    (3, "amazon", "Amazon", "OAuth2 (LWA)", "~1h", ""),
    (4, "bling", "Bling", "API Key", "", ""),
    (5, "bigcommerce", "BigCommerce", "Fixed token", "No expiration", ""),
    (6, "cdiscount", "Cdiscount", "API Key", "", ""),
    (7, "claro-shop", "Claro Shop", "API Key", "", ""),
    (8, "cs-cart", "CS-Cart", "API Key", "", ""),
    (9, "ecart", "Ecart", "Proprietary token", "Variable", ""),
    (10, "ebay", "eBay", "OAuth2", "~2h", "~18 months"),
    (11, "ecwid", "Ecwid", "Fixed token", "No expiration", ""),
    (12, "etsy", "Etsy", "OAuth2", "~1h", ""),
    (13, "falabella", "Falabella", "API Key", "", ""),
    (14, "hybris", "Hybris (SAP)", "OAuth2", "Variable", ""),
    (15, "jumpseller", "Jumpseller", "API Key", "", ""),
    (16, "kometia", "Kometia", "Proprietary token", "Variable", ""),
    (17, "linio", "Linio", "API Key", "", ""),
    (18, "liverpool", "Liverpool", "API Key", "", ""),
    (19, "loja-integrada", "Loja Integrada", "Fixed token", "No expiration", ""),
    (20, "magento-1", "Magento 1", "Token", "No expiration", ""),
    (21, "magento-2", "Magento 2", "Token", "No expiration*", ""),
    (22, "mercado-libre", "Mercado Libre", "OAuth2", "~6h", "~6 months"),
    (23, "miravia", "Miravia", "OAuth2", "~2h", ""),
    (24, "multivende", "Multivende", "Proprietary token", "Variable", ""),
    (25, "nopcommerce", "NopCommerce", "API Key", "", ""),
    (26, "odoo", "Odoo", "OAuth2", "Variable", ""),
    (27, "opencart", "OpenCart", "API Key", "", ""),
    (28, "prestashop", "PrestaShop", "API Key", "", ""),
    (29, "prestashop-9", "PrestaShop 9", "API Key", "", ""),
    (30, "quickbooks", "QuickBooks", "OAuth2", "~1h", "~100 days"),
    (31, "salesforce", "Salesforce", "OAuth2", "15m-12h", ""),
    (32, "shein", "Shein", "Private", "", ""),
    (33, "shiphero", "ShipHero", "Token", "No expiration", ""),
    (34, "shoplazza", "Shoplazza", "Fixed token", "No expiration", ""),
    (35, "shopify", "Shopify", "Fixed token", "No expiration", ""),
    (36, "squarespace", "Squarespace", "OAuth2", "Variable", ""),
    (37, "temu", "Temu", "Private", "", ""),
    (38, "tienda-nube", "Tienda Nube", "Fixed token", "No expiration", ""),
    (39, "tiktok-shop", "TikTok Shop", "OAuth2", "~24h", "~1 year"),
    (40, "tiny", "Tiny", "API Key", "", ""),
    (41, "tray", "Tray", "API Key", "", ""),
    (42, "unicommerce", "Unicommerce", "API Key", "", ""),
    (43, "vend", "Vend (VendHQ)", "OAuth2", "~1h", ""),
    (44, "verskis", "Verskis", "Proprietary token", "Variable", ""),
    (45, "vtex", "VTEX", "API Key", "", ""),
    (46, "walmart", "Walmart", "Client Credentials", "~15 min", ""),
    (47, "weebly", "Weebly", "OAuth2", "Variable", ""),
    (48, "woocommerce", "WooCommerce", "API Key", "", ""),
    (49, "wix", "Wix", "OAuth2", "Variable", ""),
    (50, "yampi", "Yampi", "API Key", "", ""),
    (51, "zoho-inventory", "Zoho Inventory", "OAuth2", "~1h", ""),
];

const HEAD: &str = "\
# Platforms

How stores of each of the 51 platforms are connected, what Llavero renews, and what a partner registers there.

The same facts, with every field, are in `GET /v1/platforms`, on the admin's pages and in `llavero platform show SLUG`.

*Facts* are **documented** publicly, **recalled** where parts are from experience, or **unconfirmed** where no public
documentation confirms them: connect one store first. The reference table is shown beside them; where a method differs from it
today, the second table says in what. A \"-\" in the reference table is a cell that it leaves empty. The method offered first is in bold.

";

const REGISTER_HEAD: &str = "
## What a partner registers

Addresses are written without this installation's own beginning (`LLAVERO_PUBLIC_URL`); `{app_id}` is the app's id. The API
(`GET /v1/platforms/{slug}`) and the page of each client write them out.

";

const LEFT_OUT_HEAD: &str = "
## Ways that are documented and not offered

";

fn all() -> Vec<PlatformFacts> {
    let catalogue = Catalogue::embedded().unwrap();
    let platforms = catalogue.platforms().iter();
    platforms
        .map(|platform| facts::of(platform, Language::En, &Addresses::default()))
        .collect()
}

fn table(text: &mut String, heads: &[&str], rows: &[Vec<String>]) {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    text.push_str(&line(&heads.iter().map(|head| (*head).to_owned()).collect::<Vec<_>>()));
    text.push_str(&line(&vec!["---".to_owned(); heads.len()]));
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .map(|cell| cell.replace('|', "\\|").replace('\n', " "))
            .collect();
        text.push_str(&line(&cells));
    }
}

fn written(all: &[PlatformFacts]) -> String {
    let (mut platforms, mut methods) = (Vec::new(), Vec::new());
    for (number, slug, name, auth, access, refresh) in REFERENCE {
        let mut row = vec![number.to_string()];
        let said = [auth, access, refresh].map(|cell| if cell.is_empty() { "-" } else { cell }.to_owned());
        match all.iter().find(|facts| facts.slug == slug) {
            Some(facts) => {
                row.push(format!("[{name}]({})", facts.documentation));
                row.extend(said);
                row.extend(of_platform(facts));
                methods.extend(facts.methods.iter().map(|method| of_method(facts, method)));
            }
            None => {
                row.push(name.to_owned());
                row.extend(said);
                row.extend(["**missing**", "", "", ""].map(str::to_owned));
            }
        }
        platforms.push(row);
    }
    let mut text = HEAD.to_owned();
    let heads = [
        "#",
        "Platform",
        "Reference: auth",
        "access",
        "refresh",
        "Facts",
        "Connect methods",
        "Starts at the platform",
        "Uninstall webhook",
    ];
    table(&mut text, &heads, &platforms);
    text.push_str("\n## Connect methods\n\n");
    let heads = [
        "Platform",
        "Method",
        "How",
        "OAuth client",
        "Renewal",
        "Access token lives",
        "Refresh token lives",
        "A used refresh token",
        "Merchant authorizes again after",
        "Identity",
        "Differs from the reference in",
    ];
    table(&mut text, &heads, &methods);
    text.push_str(REGISTER_HEAD);
    let heads = ["Platform", "Method", "Registered there"];
    let registered = all.iter().flat_map(|facts| {
        let methods = facts.methods.iter();
        methods.filter_map(|method| Some(vec![facts.name.clone(), method.id.clone(), method.register.clone()?]))
    });
    table(&mut text, &heads, &registered.collect::<Vec<_>>());
    let left_out: Vec<Vec<String>> = all
        .iter()
        .flat_map(|facts| {
            let ways = facts.not_offered.iter();
            ways.map(|left_out| vec![facts.name.clone(), left_out.way.clone(), left_out.because.clone()])
        })
        .collect();
    if !left_out.is_empty() {
        text.push_str(LEFT_OUT_HEAD);
        table(
            &mut text,
            &["Platform", "Way to connect", "Not offered because"],
            &left_out,
        );
    }
    text
}

fn of_platform(facts: &PlatformFacts) -> [String; 4] {
    let ids = facts.methods.iter().enumerate().map(|(at, method)| match at {
        0 => format!("**{}**", method.id),
        _ => method.id.clone(),
    });
    let starts = facts.methods.iter().any(|method| method.starts_at_platform);
    let hook = facts
        .webhooks
        .as_ref()
        .map(|webhooks| match webhooks.uninstalled.as_slice() {
            [] => "yes".to_owned(),
            events => events.join(", "),
        });
    [
        if facts.unconfirmed {
            "unconfirmed"
        } else {
            facts.confidence
        }
        .to_owned(),
        ids.collect::<Vec<_>>().join(", "),
        if starts { "yes" } else { "" }.to_owned(),
        hook.unwrap_or_default(),
    ]
}

/// What a method is that the platform's others are not.
fn marks(facts: &PlatformFacts, method: &MethodFacts) -> &'static str {
    match (method.for_partners, method.unconfirmed && !facts.unconfirmed) {
        (true, _) => " (partners alone, `POST /v1/stores`)",
        (false, true) => " (unconfirmed)",
        (false, false) => "",
    }
}

fn of_method(facts: &PlatformFacts, method: &MethodFacts) -> Vec<String> {
    vec![
        facts.name.clone(),
        format!("[{}]({}){}", method.id, method.documentation, marks(facts, method)),
        method.obtain_text().to_owned(),
        method.client_text().to_owned(),
        method.renewal_text().to_owned(),
        method.access_text(),
        method.refresh_text().unwrap_or_default(),
        method.grace_text().unwrap_or_default(),
        method.reauthorize_after_seconds.map(length).unwrap_or_default(),
        method.identity_text().to_owned(),
        method.differs_from_reference.join(", "),
    ]
}

#[expect(clippy::disallowed_methods, reason = "a wish of whoever runs the test, no setting")]
fn assert_committed(file: &str, now: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, now).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = committed.lines().zip(now.lines()).find(|(old, new)| old != new);
    assert!(
        committed == now,
        "{file} is out of date: UPDATE_DOCS=1 cargo test --test it docs\n{differs:#?}"
    );
}

#[test]
fn the_list_of_platforms_is_what_the_catalogue_gives() {
    assert_committed("docs/platforms.md", &written(&all()));
}

#[test]
fn the_description_of_the_api_is_what_the_code_gives() {
    let document = openapi::document().unwrap();
    let text = serde_json::to_string_pretty(&document).unwrap();
    assert_committed("docs/openapi.json", &format!("{text}\n"));
}

const SAMPLES_HEAD: &str = "\
// Every operation as the reference shows it in Rust. Made from the description of the API by a test
// (`UPDATE_DOCS=1 cargo test --test it docs`), and compiled with the tests.

type Done = Result<(), Box<dyn std::error::Error>>;
";

/// `getStore` is `get_store`.
fn function_name(operation: &str) -> String {
    let mut name = String::new();
    for letter in operation.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[test]
fn the_samples_in_rust_are_those_that_the_reference_shows() {
    let mut text = SAMPLES_HEAD.to_owned();
    let reference = docs::reference(&openapi::document().unwrap());
    let operations = reference.tags.iter().flat_map(|tag| &tag.operations);
    for operation in operations {
        let sample = operation.samples.iter().find(|sample| sample.label == "Rust").unwrap();
        let code = sample.code.replace('\n', "\n    ");
        let name = function_name(&operation.id);
        text.push_str(&format!(
            "\npub async fn {name}() -> Done {{\n    {code}\n    Ok(())\n}}\n"
        ));
    }
    assert_committed("docs/samples/reference.rs", &text);
}

#[test]
fn a_row_that_the_catalogue_lacks_is_shown_as_missing() {
    let text = written(&[]);
    assert_eq!(text.matches("**missing**").count(), REFERENCE.len());
    assert!(text.contains("| 51 | Zoho Inventory | OAuth2 | ~1h | - | **missing** |"));
}

#[test]
fn the_catalogue_repeats_the_reference_table() {
    for facts in all() {
        let row = REFERENCE.iter().find(|row| row.1 == facts.slug);
        let (number, _, name, auth, access, refresh) = row.unwrap_or_else(|| panic!("{} has no row", facts.slug));
        let said = |text: &Option<String>| text.clone().unwrap_or_default();
        assert_eq!((facts.number, facts.name.as_str()), (Some(*number), *name));
        let reference = [&facts.reference.auth, &facts.reference.access, &facts.reference.refresh].map(said);
        assert_eq!(reference, [*auth, *access, *refresh], "{}", facts.slug);
    }
}
