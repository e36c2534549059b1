//! The catalogue as a whole: what is in it, and what is refused with which words.

mod identity;
mod quirks;
mod vocabulary;
mod whole;

use llavero::domain::connect::Language;
use llavero::platform::{Catalogue, CatalogueError};

const GOOD: &str = r#"
slug = "acme"
name = "Acme"
number = 1
reference = { auth = "OAuth2" }
confidence = "documented"
documentation = "https://acme.example/docs"

[[methods]]
id = "install"
name = "Install"
choose = { en = "a", es = "b", pt = "c" }
documentation = "https://acme.example/docs"
client = "app"
identity = "platform"
lifetimes = { access = "1h", refresh = "30d" }
grace = "none"
base_url = "https://{shop}"

[[methods.app_fields]]
name = "client_id"
label = "ID"
help = "there"
example = "1"
pattern = '^[0-9]+$'

[[methods.app_fields]]
name = "client_secret"
label = "Secret"
help = "there"
pattern = '^.+$'
secret = true

[[methods.fields]]
name = "shop"
label = "Shop"
help = "there"
example = "a.acme.example"
takes = "host"
pattern = '^[a-z]+\.acme\.example$'

[methods.obtain.code]
authorize = "https://{shop}/authorize"
token = { url = "https://{shop}/token" }
refresh = { url = "https://{shop}/token" }

[methods.sign]
headers = [{ name = "authorization", value = "Bearer {access_token}" }]

[methods.answer]
code_at = ["/error"]
token = [{ kind = "dead", on = { status = [400], code = ["invalid_grant"] } }]
unauthorized = [{ status = [401] }]

[methods.verify]
call = { path = "/me" }
"#;

fn refused(file: &str, text: &str) -> Vec<CatalogueError> {
    Catalogue::parse(&[(file, text)]).expect_err("should be refused")
}

#[test]
fn all_platforms_are_there_in_three_languages() {
    let catalogue = Catalogue::embedded().unwrap_or_else(|errors| panic!("{errors:#?}"));
    let names: Vec<_> = catalogue
        .platforms()
        .iter()
        .map(|platform| platform.name.as_str())
        .collect();
    assert_eq!(names.len(), 51);
    assert!(names.is_sorted_by_key(|name| name.to_lowercase()));
    for method in catalogue.platforms().iter().flat_map(|platform| &platform.methods) {
        for language in [Language::En, Language::Es, Language::Pt] {
            let fields = method.fields.iter().chain(&method.app_fields);
            let texts = fields
                .flat_map(|field| [&field.label, &field.help])
                .chain([&method.name, &method.choose]);
            assert!(texts.map(|text| text.in_(language)).all(|text| !text.trim().is_empty()));
        }
    }
}

#[test]
fn every_file_of_the_folder_is_taken() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/platform/catalogue");
    let files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let errors = Catalogue::parse(&files).err().unwrap_or_default();
    let list: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "\n{}", list.join("\n"));
}

#[test]
fn a_good_file_is_taken() {
    let catalogue = Catalogue::parse(&[("acme.toml", GOOD)]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    assert!(
        catalogue
            .platform("acme")
            .is_some_and(|platform| platform.default_method().id == "install")
    );
}

#[test]
fn a_faulty_file_is_refused_with_file_and_key() {
    let cases = [
        (
            "slug = \"acme\"",
            "slug = \"other\"",
            "slug",
            "does not agree with the file's name",
        ),
        (
            "number = 1",
            "number = 1\ncolour = 1",
            "colour",
            "unknown field `colour`",
        ),
        (
            "grace = \"none\"",
            "grace = \"none\"\nrefesh = 1",
            "methods[0].refesh",
            "unknown field `refesh`",
        ),
        (
            "grace = \"none\"",
            "grace = \"some\"",
            "methods[0].grace",
            "unknown variant `some`",
        ),
        (
            "lifetimes = { access = \"1h\", refresh = \"30d\" }",
            "",
            "methods[0]",
            "missing field `lifetimes`",
        ),
        (
            ", refresh = \"30d\" }",
            " }",
            "methods[0].lifetimes",
            "missing field `refresh`",
        ),
        (
            "access = \"1h\"",
            "access = \"1 hour\"",
            "methods[0].lifetimes.access",
            "is not of the form",
        ),
        (
            "access = \"1h\"",
            "access = \"never\"",
            "methods[0].lifetimes.access",
            "needs a lifetime",
        ),
        (
            "Bearer {access_token}",
            "Bearer {acess_token}",
            "methods[0].sign.headers.authorization",
            "unknown placeholder `acess_token`",
        ),
        (
            "path = \"/me\"",
            "path = \"/{who}\"",
            "methods[0].verify.call.path",
            "unknown placeholder `who`",
        ),
        (
            "path = \"/me\"",
            "path = \"/{\"",
            "methods[0].verify.call.path",
            "without",
        ),
        (
            "takes = \"host\"",
            "",
            "methods[0].base_url",
            "host placeholder `shop` without a pattern",
        ),
        (
            "base_url = \"https://{shop}\"",
            "base_url = \"{shop}\"",
            "methods[0].base_url",
            "host placeholder `shop` without a pattern",
        ),
        (
            "base_url = \"https://{shop}\"",
            "base_url = \"https://{host}\"",
            "methods[0].base_url",
            "host placeholder `host` without a pattern",
        ),
        (
            "base_url = \"https://{shop}\"",
            "base_url = \"http://{shop}\"",
            "methods[0].base_url",
            "must begin with https://",
        ),
        (
            "'^[0-9]+$'",
            "'[0-9]+'",
            "methods[0].app_fields[0].pattern",
            "must be anchored",
        ),
        (
            "example = \"1\"",
            "example = \"x\"",
            "methods[0].app_fields[0]",
            "does not pass the field's own check",
        ),
        ("pt = \"c\"", "", "methods[0].choose", "missing field `pt`"),
        (
            ", code = [\"invalid_grant\"]",
            "",
            "methods[0].answer.token[0]",
            "a bare status is no proof",
        ),
        (
            "status = [400], ",
            "",
            "methods[0].answer.token[0]",
            "a bare status is no proof",
        ),
        (
            "status = [400]",
            "status = [500]",
            "methods[0].answer.token[0]",
            "never `dead`",
        ),
        (
            "invalid_grant",
            "invalid_client",
            "methods[0].answer.token[0]",
            "is `app_broken`",
        ),
        (
            "kind = \"dead\"",
            "kind = \"gone\"",
            "methods[0].answer.token[0].kind",
            "dead, app_broken, throttled",
        ),
        (
            "{ status = [401] }",
            "{ }",
            "methods[0].answer.unauthorized[0]",
            "everything meets",
        ),
        (
            "authorize = \"https://{shop}/authorize\"",
            "authorize = \"https://{shop}/authorize\"\nasks_again = true",
            "methods[0].obtain.code.refresh",
            "has no refresh call",
        ),
        (
            "token = { url = \"https://{shop}/token\" }",
            "token = { url = \"https://{shop}/token\", query = [{ name = \"a\", value = \"{who}\" }] }",
            "methods[0].obtain.code.token.query.a",
            "unknown placeholder `who`",
        ),
        (
            "headers = [{ name = \"authorization\", value = \"Bearer {access_token}\" }]",
            "",
            "methods[0].sign",
            "nothing here authenticates",
        ),
        (
            "headers = [{ name = \"authorization\",",
            "headers = [{ name = \"Host\", value = \"a.example\" }, { name = \"authorization\",",
            "methods[0].sign.headers.host",
            "belongs to the connection",
        ),
        (
            "token = { url = \"https://{shop}/token\" }",
            "token = { url = \"https://{shop}/token\", headers = [{ name = \"content-length\", value = \"0\" }] }",
            "methods[0].obtain.code.token.headers.content-length",
            "belongs to the connection",
        ),
        (
            "call = { path = \"/me\" }",
            "call = { path = \"/me\", headers = [{ name = \"transfer-encoding\", value = \"chunked\" }] }",
            "methods[0].verify.call.headers.transfer-encoding",
            "belongs to the connection",
        ),
        (
            "identity = \"platform\"",
            "identity = \"typed\"",
            "methods[0].identity_template",
            "needs a template",
        ),
        (
            "identity = \"platform\"",
            "identity = \"platform\"\nidentity_template = \"{shop}\"",
            "methods[0].identity_template",
            "made of nothing typed",
        ),
        (
            "secret = true",
            "secret = true\ndefault = \"x\"",
            "methods[0].app_fields[1].default",
            "a secret has no default",
        ),
        ("example = \"1\"", "", "methods[0].app_fields[0].example", "missing"),
        (
            "label = \"ID\"",
            "label = { en = \"ID\", es = \" \", pt = \"ID\" }",
            "methods[0].app_fields[0]",
            "an empty text",
        ),
        (
            "code_at = [\"/error\"]",
            "",
            "methods[0].answer.token[0]",
            "no `code_at`",
        ),
        (
            "identity = \"platform\"",
            "identity = \"platform\"\nregister = { en = \"{home}\", es = \"a\", pt = \"a\" }",
            "methods[0].register",
            "a word in braces that is no address",
        ),
        (
            "refresh = { url = \"https://{shop}/token\" }",
            "refresh = { url = \"https://{shop}/token\" }\none_address = true",
            "methods[0].register",
            "does not name `{redirect_uri}`",
        ),
        (
            "value = \"Bearer {access_token}\" }",
            "value = \"Bearer {access_token}\", basic = [\"client_id\", \"\"] }",
            "methods[0].sign.headers.authorization",
            "needs `value` or `basic`, and not both",
        ),
        (
            "path = \"/me\"",
            "path = \"/me\", json = \"{\"",
            "methods[0].verify.call.json",
            "not JSON",
        ),
        (
            "[methods.sign]",
            "[methods.sign]\nform = [{ name = \"token\", value = \"{access_token}\" }]",
            "methods[0].sign.form",
            "need `signs_body`",
        ),
        (
            "base_url = \"https://{shop}\"",
            "base_url = \"https://{shop}\"\nlookups = { zone = { from = \"region\", values = { a = \"b\" } } }",
            "methods[0].lookups.zone",
            "`region` is no field",
        ),
        (
            "base_url = \"https://{shop}\"",
            "base_url = \"https://{shop}\"\ninstead = { client_id = { from = \"shop\", names = { a = \"other\" } } }",
            "methods[0].instead.client_id",
            "`other` is no field of the platform app",
        ),
    ];
    assert!(Catalogue::parse(&[("acme.toml", GOOD)]).is_ok());
    for (from, to, key, words) in cases {
        assert!(GOOD.contains(from), "{from}");
        let errors = refused("acme.toml", &GOOD.replacen(from, to, 1));
        let said = errors
            .iter()
            .any(|error| error.key == key && error.message.contains(words));
        assert!(said, "{from} -> {to}: expected {key}: {words}, got {errors:#?}");
        assert!(
            errors
                .iter()
                .all(|error| error.file == "acme.toml" && error.to_string().starts_with("acme.toml: "))
        );
    }
}
