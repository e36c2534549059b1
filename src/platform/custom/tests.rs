//! Definitions made by hand and by form: what is taken, what is refused and why, and which changes stores would outlive.

use super::draft::{Draft, Kind, Wrong};
use super::*;
use crate::platform::{BuildError, SignMoment, Values, verify};

pub(super) fn draft(kind: Kind, answers: &[(&str, &str)]) -> Draft {
    let mut draft = Draft::new(kind);
    for (name, value) in answers {
        draft.set(name, value);
    }
    draft
}

const CODE: &[(&str, &str)] = &[
    ("slug", "x-acme"),
    ("name", "Acme \"One\""),
    ("documentation", "https://acme.example/docs"),
    ("base_url", "https://api.acme.example/v1"),
    ("authorize_url", "https://acme.example/authorize"),
    ("token_url", "/token"),
    ("verify_path", "/me"),
    ("store_id", "/id"),
];

fn code() -> String {
    draft(Kind::Code, CODE).definition().unwrap()
}

fn keys_of(result: Result<Platform, Vec<CatalogueError>>) -> Vec<String> {
    result
        .err()
        .unwrap_or_default()
        .into_iter()
        .map(|error| error.key)
        .collect()
}

fn all_forms() -> Vec<Draft> {
    let base = [
        ("slug", "x-acme"),
        ("name", "Acme"),
        ("documentation", "https://acme.example/docs"),
    ];
    let mut drafts = Vec::new();
    for kind in Kind::ALL {
        for address in ["https://api.acme.example", "https://{shop}.acme.example/api", ""] {
            for place in ["bearer", "header", "query", "basic"] {
                for id in ["", "/id"] {
                    for renewal in ["rotating", "lasting", "none"] {
                        let mut one = draft(kind, &base);
                        for (name, value) in [
                            ("base_url", address),
                            ("authorize_url", "/authorize"),
                            ("token_url", "/token"),
                            ("place", place),
                            ("place_name", "x-token"),
                            ("store_id", id),
                            ("verify_path", "/me"),
                            ("renewal", renewal),
                            ("key_label", "Key"),
                            ("user_label", "User"),
                            ("scopes", "read write"),
                        ] {
                            one.set(name, value);
                        }
                        drafts.push(one);
                    }
                }
            }
        }
    }
    drafts
}

#[test]
fn whatever_the_form_takes_is_a_good_definition() {
    let mut good = 0;
    for draft in all_forms() {
        let Ok(text) = draft.definition() else { continue };
        if let Err(errors) = read("x-acme", &text, None) {
            panic!("{errors:#?}\n{text}");
        }
        good += 1;
    }
    assert_eq!(good, 36 + 54 + 72, "codes with a fixed domain, credentials, keys");
}

#[test]
fn an_answer_that_cannot_be_meant_is_named() {
    for (kind, name, value, why) in [
        (Kind::Code, "slug", "acme", Wrong::Slug),
        (Kind::Code, "slug", "x-", Wrong::Slug),
        (Kind::Code, "slug", "x-Acme", Wrong::Slug),
        (Kind::Code, "name", "", Wrong::Missing),
        (Kind::Code, "documentation", "javascript:alert(1)", Wrong::Link),
        (Kind::Code, "base_url", "http://api.acme.example", Wrong::Address),
        (Kind::Code, "base_url", "https://{host}.acme.example", Wrong::Address),
        (Kind::Code, "base_url", "", Wrong::AnyHost),
        (Kind::Code, "token_url", "https://a@b.example", Wrong::Address),
        (Kind::Code, "verify_path", "me", Wrong::Path),
        (Kind::Code, "store_id", "id", Wrong::Pointer),
        (Kind::Code, "access_life", "an hour", Wrong::Life),
        (Kind::Code, "client_auth", "magic", Wrong::Choice),
        (Kind::Key, "place_name", "x y", Wrong::HeaderName),
        (Kind::Key, "place_name", "Transfer-Encoding", Wrong::ConnectionHeader),
        (Kind::Key, "verify_path", "", Wrong::Missing),
    ] {
        let mut wrong = draft(kind, CODE);
        wrong.set("key_label", "Key");
        wrong.set(name, value);
        let found = wrong.definition().unwrap_err();
        assert!(found.contains(&(name, why)), "{name} = {value}: {found:?}");
    }
}

#[test]
fn what_only_built_in_platforms_may_say_is_refused() {
    let good = code();
    assert_eq!(keys_of(read("x-acme", &good, None)), [""; 0]);
    let with_field = |url: &str, takes: &str| {
        let field = format!(
            "[[methods.fields]]\nname = \"host\"\nlabel = \"Host\"\nhelp = \"Host\"\nexample = \"{url}\"\npattern = '^.+$'\ntakes = \"{takes}\"\n\n[methods.obtain.code]"
        );
        good.replace("[methods.obtain.code]", &field)
    };
    for (text, key) in [
        (good.replace("x-acme", "acme-market"), "slug"),
        (good.replace("slug = ", "number = 1\nslug = "), "number"),
        (
            good.replace("slug = ", "reference = { auth = \"OAuth2\" }\nslug = "),
            "reference",
        ),
        (
            good.replace("grace = ", "call_limit = \"10m\"\ngrace = "),
            "methods[0].call_limit",
        ),
        (
            good.replace("access = \"1h\"", "access = \"5s\""),
            "methods[0].lifetimes.access",
        ),
        (
            with_field("api.acme.example", "host").replace("https://api.acme.example/v1/token", "https://{host}/token"),
            "methods[0].obtain.code.token.url",
        ),
        (
            with_field("https://api.acme.example", "url").replace("https://api.acme.example/v1\"", "{host}\""),
            "methods[0].base_url",
        ),
        (
            good.replace(
                "[methods.sign]",
                "[methods.arriving.host]\npattern = '^.+$'\ntakes = \"host\"\n\n[methods.sign]",
            ),
            "methods[0].arriving.host",
        ),
        (
            good.replace("https://acme.example/docs", "javascript:alert(1)"),
            "documentation",
        ),
        (good.replace("pkce", "pcke"), "methods[0].obtain.code.pcke"),
        (
            good.replace("{access_token}", "{acess_token}"),
            "methods[0].sign.headers.authorization",
        ),
        ("x".repeat(DEFINITION_LIMIT + 1), "."),
    ] {
        let slug = if key == "slug" { "acme-market" } else { "x-acme" };
        let keys = keys_of(read(slug, &text, None));
        assert!(keys.iter().any(|found| found == key), "{key}: {keys:?}\n{text}");
    }
    // A label below a fixed domain leads nowhere else.
    let labelled = draft(Kind::Code, CODE);
    let mut labelled = labelled;
    labelled.set("base_url", "https://{shop}.acme.example");
    assert!(read("x-acme", &labelled.definition().unwrap(), None).is_ok());
}

/// Requests to the platform share connections with others: what says where one ends is nobody's to write.
#[test]
fn no_definition_writes_what_belongs_to_the_connection() {
    let good = code();
    let signed = "headers = [{ name = \"authorization\", value = \"Bearer {access_token}\" }]";
    assert!(good.contains(signed), "{good}");
    for name in [
        "host",
        "Content-Length",
        "connection",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "keep-alive",
        "proxy-authorization",
        "expect",
    ] {
        let own = format!("{{ name = \"{name}\", value = \"x\" }}");
        let key = name.to_lowercase();
        for (text, place) in [
            (
                good.replace(signed, &format!("{}, {own}]", signed.trim_end_matches(']'))),
                "sign.headers",
            ),
            (
                good.replace("path = \"/me\"", &format!("path = \"/me\", headers = [{own}]")),
                "verify.call.headers",
            ),
            (
                good.replace(
                    "[methods.obtain.code.token]",
                    &format!("[methods.obtain.code.token]\nheaders = [{own}]"),
                ),
                "obtain.code.token.headers",
            ),
        ] {
            assert_eq!(
                keys_of(read("x-acme", &text, None)),
                [format!("methods[0].{place}.{key}")]
            );
        }
    }
    // A parameter of that name is only a parameter.
    let mut query = draft(Kind::Key, CODE);
    for (name, value) in [("key_label", "Key"), ("place", "query"), ("place_name", "host")] {
        query.set(name, value);
    }
    assert!(query.definition().is_ok());
}

#[test]
fn a_header_that_a_value_names_is_none_of_the_connections_either() {
    let text = draft(Kind::Key, &[CODE, &[("key_label", "Key")]].concat())
        .definition()
        .unwrap();
    let field = "[[methods.fields]]\nname = \"header\"\nlabel = \"Header\"\nhelp = \"Header\"\nexample = \"X-Key\"\npattern = '^[A-Za-z-]+$'\n\n[methods.obtain.given]";
    let text = text
        .replace("[methods.obtain.given]", field)
        .replace("{ name = \"x-api-key\",", "{ name = \"x-api-key\", named = \"header\",");
    let platform = read("x-acme", &text, None).unwrap_or_else(|errors| panic!("{errors:#?}\n{text}"));
    let moment = SignMoment {
        now: chrono::DateTime::UNIX_EPOCH,
        nonce: [0; 16],
        request_id: uuid::Uuid::nil(),
    };
    let request = |header: &str| {
        let values = Values::new().with("api_key", "k").with("header", header);
        verify::request(platform.default_method(), &values, &moment)
    };
    assert!(request("X-Own").unwrap().unwrap().headers.contains_key("x-own"));
    for header in ["Host", "content-length", "Connection"] {
        assert_eq!(
            request(header).unwrap_err(),
            BuildError::UnsafeValue("header".to_owned())
        );
    }
}

#[test]
fn a_change_that_connected_stores_would_not_outlive_is_named() {
    let before = read("x-acme", &code(), None).unwrap();
    let used = ["authorization".to_owned()];
    let breaks_with = |text: String| {
        let after = read("x-acme", &text, None).unwrap_or_else(|errors| panic!("{errors:#?}\n{text}"));
        breaks(Some(&before), &after, &used)
            .into_iter()
            .map(|(key, _)| key)
            .collect::<Vec<_>>()
    };
    let field = "\n[[methods.fields]]\nname = \"region\"\nlabel = \"Region\"\nhelp = \"Region\"\nexample = \"eu\"\npattern = '^[a-z]+$'\ntakes = \"label\"\n";
    let with = |more: &str| {
        code().replace(
            "\n[methods.obtain.code]",
            &format!("{field}{more}\n[methods.obtain.code]"),
        )
    };
    for (text, key) in [
        (code().replace("id = \"authorization\"", "id = \"other\""), "methods"),
        (with(""), "methods[0].fields[0]"),
        (
            code().replace("store_id = \"/id\"\n", "").replace(
                "identity = \"platform\"",
                "identity = \"typed\"\nidentity_template = \"{client_id}\"",
            ),
            "methods[0].identity",
        ),
        (
            draft(Kind::Code, &[CODE, &[("renewal", "none")]].concat())
                .definition()
                .unwrap(),
            "methods[0].obtain",
        ),
        (
            code().replace(
                "[methods.sign]",
                "[methods.obtain.code.grant]\nkeep = { cipher = \"/cipher\" }\n\n[methods.sign]",
            ),
            "methods[0].obtain (cipher)",
        ),
    ] {
        let keys = breaks_with(text);
        assert!(keys.iter().any(|found| found == key), "{key}: {keys:?}");
    }
    for text in [
        code().replace("Acme", "Acme Two"),
        code().replace("api.acme.example/v1", "api2.acme.example/v2"),
        with("default = \"eu\""),
        code().replace("\"invalid_token\"", "\"token_gone\""),
    ] {
        assert_eq!(breaks_with(text), [""; 0]);
    }
    let other = read("x-acme", &code(), None).unwrap();
    assert!(breaks(None, &other, &used).is_empty());
    assert_eq!(breaks(None, &other, &["gone".to_owned()]).len(), 1);
}

#[test]
fn an_earlier_reading_never_takes_the_place_of_a_later_one() {
    let customs = Customs::default();
    let defined = |text: String| Defined {
        slug: "x-acme".to_owned(),
        owner: None,
        text,
    };
    let name = || customs.platform("x-acme").map(|platform| platform.name.clone());
    let (early, late) = (customs.begin_reading(), customs.begin_reading());
    assert!(customs.take(late, vec![defined(code())]).is_empty());
    let held = customs.platform("x-acme").unwrap();
    assert!(customs.take(early, Vec::new()).is_empty());
    assert_eq!(name().as_deref(), Some("Acme \"One\""));

    let next = customs.begin_reading();
    customs.take(next, vec![defined(code().replace("Acme", "Zenith"))]);
    assert_eq!(name().as_deref(), Some("Zenith \"One\""));
    assert_eq!(held.name, "Acme \"One\"", "what a call has borrowed stays");

    let broken = customs.take(customs.begin_reading(), vec![defined("slug = 1".to_owned())]);
    assert_eq!((broken.len(), name()), (1, None));
    let again = customs.take(customs.begin_reading(), vec![defined("slug = 1".to_owned())]);
    assert!(again.is_empty(), "named once");
}

#[test]
fn a_server_that_the_merchant_names_is_known_by_its_address() {
    let keys = |more: &[(&str, &str)]| draft(Kind::Key, &[CODE, &[("key_label", "Key")], more].concat());
    let typed = keys(&[("base_url", "")]).definition().unwrap();
    let own = "identity = \"typed\"\nidentity_template = \"{store_url}\"";
    assert!(typed.contains(own), "{typed}");
    let stated = typed.replace(own, "identity = \"platform\"");
    assert_eq!(keys_of(read("x-acme", &stated, None)), ["methods[0].identity"]);
}

#[test]
fn a_name_that_is_typed_beside_keys_and_goes_nowhere_proves_nothing() {
    for (base_url, store_id, unproven) in [
        ("https://api.acme.example", "", true),
        ("https://api.acme.example", "/id", false),
        ("https://{shop}.acme.example", "", false),
        ("", "", false),
    ] {
        let more = [("key_label", "Key"), ("base_url", base_url), ("store_id", store_id)];
        let text = draft(Kind::Key, &[CODE, &more].concat()).definition().unwrap();
        let platform = read("x-acme", &text, None).unwrap();
        assert_eq!(platform.default_method().identity_unproven, unproven, "{text}");
    }
}
