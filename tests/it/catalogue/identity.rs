//! Whose word a store's identity rests on: a server's about itself, a platform's about its stores, or nobody's.

use llavero::platform::Catalogue;

use super::{GOOD, refused};

/// A pattern that takes any name, one that only ends like the platform's, and one that only begins like it.
#[test]
fn what_an_app_registered_goes_to_no_host_that_a_merchant_chooses() {
    for pattern in [
        r"'^[a-z.]+$'",
        r"'^[a-z.]*acme\.example$'",
        r"'^[a-z]+\.acme\.example.*$'",
    ] {
        let text = GOOD.replace(r"'^[a-z]+\.acme\.example$'", pattern);
        assert_ne!(text, GOOD);
        let errors = refused("acme.toml", &text);
        for key in ["base_url", "obtain.code.token.url", "obtain.code.refresh.url"] {
            let key = format!("methods[0].{key}");
            let said = errors
                .iter()
                .any(|error| error.key == key && error.message.contains("any host that `shop` names"));
            assert!(said, "{pattern}: {key}: {errors:#?}");
        }
    }
}

/// A store's own server is believed about itself alone: its identity holds the host that was typed.
#[test]
fn what_a_typed_host_says_is_about_that_host() {
    let free = GOOD
        .replace("client = \"app\"", "client = \"none\"")
        .replace(r"'^[a-z]+\.acme\.example$'", r"'^[a-z.]+$'")
        .replace(", refresh = \"30d\"", ", refresh = \"never\"");
    let free = free.replace("access = \"1h\"", "access = \"never\"");
    let start = free.find("[[methods.app_fields]]").unwrap();
    let end = free.find("[[methods.fields]]").unwrap();
    let free = format!("{}{}", &free[..start], &free[end..]);
    let start = free.find("[methods.obtain.code]").unwrap();
    let end = free.find("[methods.sign]").unwrap();
    let field = "[[methods.fields]]\nname = \"access_token\"\nlabel = \"a\"\nhelp = \"a\"\npattern = '^.+$'\nsecret = true\n\n                 [methods.obtain.given]\n\n";
    let free = format!("{}{field}{}", &free[..start], &free[end..]);
    for (identity, good) in [
        ("identity = \"platform\"", false),
        ("identity = \"typed\"\nidentity_template = \"{access_token}\"", false),
        ("identity = \"typed\"\nidentity_template = \"{shop}\"", true),
        (
            "identity = \"typed\"\nidentity_template = \"{shop}/{access_token}\"",
            true,
        ),
    ] {
        let text = free.replace("identity = \"platform\"", identity);
        let errors = Catalogue::parse(&[("acme.toml", &text)]).err().unwrap_or_default();
        let said = errors.iter().any(|error| error.key == "methods[0].identity");
        assert_eq!((said, errors.is_empty()), (!good, good), "{identity}: {errors:#?}");
    }
}

/// What is typed beside keys that no request carries it with is a claim.
#[test]
fn an_identity_that_no_request_carries_is_unproven() {
    let catalogue = Catalogue::embedded().unwrap();
    let unproven: Vec<String> = catalogue
        .platforms()
        .iter()
        .flat_map(|platform| platform.methods.iter().map(move |method| (platform, method)))
        .filter(|(_, method)| method.identity_unproven)
        .map(|(platform, method)| format!("{} {}", platform.slug, method.id))
        .collect();
    assert_eq!(
        unproven,
        [
            "amazon authorization",
            "bling keys",
            "ecart token",
            "kometia keys",
            "loja-integrada keys",
            "verskis token",
            "walmart authorization",
            "weebly authorization",
        ]
    );
}
