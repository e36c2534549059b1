//! Writes the answers of a form as a definition, in the order and words of the catalogue's files, to be read by people.

use super::draft::{Draft, Kind, Shop};

const SHOP: &str = r#"
[[methods.fields]]
name = "shop"
label = { en = "Store name", es = "Nombre de la tienda", pt = "Nome da loja" }
help = { en = "The part of your store's address that is its own", es = "La parte propia de la dirección de tu tienda", pt = "A parte própria do endereço da sua loja" }
example = "acme"
pattern = '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'
takes = "label"
"#;

const STORE_URL: &str = r#"
[[methods.fields]]
name = "store_url"
label = { en = "Store address", es = "Dirección de la tienda", pt = "Endereço da loja" }
help = { en = "The address of your store's server, with https://", es = "La dirección del servidor de tu tienda, con https://", pt = "O endereço do servidor da sua loja, com https://" }
example = "https://shop.example.com"
pattern = '^https://[A-Za-z0-9.-]+(:[0-9]{2,5})?(/[A-Za-z0-9._~/-]*)?$'
takes = "url"
"#;

const ACCOUNT: &str = r#"
[[methods.fields]]
name = "account"
label = { en = "Account", es = "Cuenta", pt = "Conta" }
help = { en = "The name or number of your account there", es = "El nombre o número de tu cuenta allí", pt = "O nome ou número da sua conta lá" }
example = "acme-1"
pattern = '^[^\s].{0,99}$'
"#;

/// `kind`: `fields` (the merchant's) or `app_fields` (the partner's).
fn client(kind: &str, has_secret: bool) -> String {
    let mut text = format!(
        r#"
[[methods.{kind}]]
name = "client_id"
label = {{ en = "Client ID", es = "ID de cliente", pt = "ID do cliente" }}
help = {{ en = "Of the OAuth client registered at the platform", es = "Del cliente OAuth registrado en la plataforma", pt = "Do cliente OAuth registrado na plataforma" }}
example = "0123456789"
pattern = '^\S{{1,255}}$'
"#
    );
    if has_secret {
        text.push_str(&format!(
            r#"
[[methods.{kind}]]
name = "client_secret"
label = {{ en = "Client secret", es = "Secreto de cliente", pt = "Segredo do cliente" }}
help = {{ en = "Beside the client ID", es = "Junto al ID de cliente", pt = "Junto ao ID do cliente" }}
pattern = '^\S{{1,500}}$'
secret = true
"#
        ));
    }
    text
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let items: Vec<String> = items.map(quoted).collect();
    format!("[{}]", items.join(", "))
}

/// The definition of a draft without faults.
pub(super) fn definition(draft: &Draft) -> String {
    let key = draft.kind == Kind::Key;
    let name = draft.get("name");
    let mut text = String::new();
    let mut say = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    say(&format!("slug = {}", quoted(draft.get("slug"))));
    say(&format!("name = {}", quoted(name)));
    say("confidence = \"documented\"");
    say(&format!("documentation = {}", quoted(draft.get("documentation"))));
    say("\n[[methods]]");
    let (id, names, choose) = words(draft.kind);
    say(&format!("id = {}", quoted(id)));
    say(&format!("name = {names}"));
    say(&format!("choose = {choose}"));
    say(&format!("documentation = {}", quoted(draft.get("documentation"))));
    say(&format!("client = \"{}\"", client_of(draft)));
    let identity = identity(draft);
    match &identity {
        None => say("identity = \"platform\""),
        Some(template) => {
            say("identity = \"typed\"");
            say(&format!("identity_template = {}", quoted(template)));
        }
    }
    say(&lifetimes(draft));
    let rotates = draft.kind == Kind::Code && draft.get("renewal") == "rotating";
    say(if rotates {
        "grace = \"none\""
    } else {
        "grace = \"not_rotating\""
    });
    if !key {
        say(&format!("scopes = {}", list(draft.get("scopes").split_whitespace())));
    }
    say(&format!("base_url = {}", quoted(draft.root())));
    match draft.kind {
        Kind::Code => say(client("app_fields", draft.get("client_auth") != "public").trim_end()),
        Kind::Credentials => say(client("fields", true).trim_end()),
        Kind::Key => {}
    }
    match draft.place_of_shop() {
        Shop::Labelled => say(SHOP.trim_end()),
        Shop::Typed => say(STORE_URL.trim_end()),
        Shop::Fixed if identity.as_deref() == Some("{account}") => say(ACCOUNT.trim_end()),
        Shop::Fixed => {}
    }
    if key {
        say(keys(draft).trim_end());
    }
    say(&obtain(draft));
    say(&format!("\n[methods.sign]\n{}", sign(draft)));
    say(&answer(draft));
    say("\n[methods.verify]");
    if identity.is_none() {
        say(&format!("store_id = {}", quoted(draft.get("store_id"))));
    }
    if !draft.get("verify_path").is_empty() {
        say(&format!("call = {{ path = {} }}", quoted(draft.get("verify_path"))));
    }
    text
}

fn words(kind: Kind) -> (&'static str, &'static str, &'static str) {
    match kind {
        Kind::Code => (
            "authorization",
            r#"{ en = "Log in and approve", es = "Iniciar sesión y autorizar", pt = "Entrar e autorizar" }"#,
            r#"{ en = "You log in at the platform and approve the access there; nothing has to be copied.", es = "Inicias sesión en la plataforma y allí autorizas el acceso; no hay que copiar nada.", pt = "Você entra na plataforma e autoriza o acesso por lá; não é preciso copiar nada." }"#,
        ),
        Kind::Credentials => (
            "client",
            r#"{ en = "Client credentials", es = "Credenciales de cliente", pt = "Credenciais de cliente" }"#,
            r#"{ en = "You copy the ID and the secret of a client of your own.", es = "Copias el ID y el secreto de un cliente tuyo.", pt = "Você copia o ID e o segredo de um cliente seu." }"#,
        ),
        Kind::Key => (
            "keys",
            r#"{ en = "API key", es = "Clave de API", pt = "Chave de API" }"#,
            r#"{ en = "You copy a key from the platform's settings.", es = "Copias una clave de la configuración de la plataforma.", pt = "Você copia uma chave das configurações da plataforma." }"#,
        ),
    }
}

fn client_of(draft: &Draft) -> &'static str {
    match draft.kind {
        Kind::Code => "app",
        Kind::Credentials => "store",
        Kind::Key => "none",
    }
}

/// The template of a typed identity; `None`: the platform states it.
fn identity(draft: &Draft) -> Option<String> {
    let place = draft.place_of_shop();
    // A server that the merchant names is believed of itself only.
    let states = draft.kind != Kind::Credentials && place != Shop::Typed;
    if states && !draft.get("store_id").is_empty() && !draft.get("verify_path").is_empty() {
        return None;
    }
    let own = match place {
        Shop::Labelled => "{shop}",
        Shop::Typed => "{store_url}",
        Shop::Fixed if draft.kind == Kind::Credentials => "{client_id}",
        Shop::Fixed => "{account}",
    };
    Some(own.to_owned())
}

fn lifetimes(draft: &Draft) -> String {
    let (access, refresh) = match draft.kind {
        Kind::Code if draft.get("renewal") == "none" => (draft.get("access_life"), "never"),
        Kind::Code => (draft.get("access_life"), draft.get("refresh_life")),
        Kind::Credentials => (draft.get("access_life"), "never"),
        Kind::Key => ("never", "never"),
    };
    let moves = match refresh {
        "never" => "",
        _ => ", refresh_moves = true",
    };
    format!(
        "lifetimes = {{ access = {}, refresh = {}{moves} }}",
        quoted(access),
        quoted(refresh)
    )
}

fn keys(draft: &Draft) -> String {
    let help = match draft.get("key_help") {
        "" => r#"{ en = "In the platform's settings", es = "En la configuración de la plataforma", pt = "Nas configurações da plataforma" }"#
            .to_owned(),
        help => quoted(help),
    };
    let mut text = String::new();
    if draft.get("place") == "basic" {
        text.push_str(&format!(
            "\n[[methods.fields]]\nname = \"user\"\nlabel = {}\nhelp = {help}\nexample = \"acme\"\npattern = '^[^\\s:]{{1,255}}$'\n",
            quoted(draft.get("user_label")),
        ));
    }
    text.push_str(&format!(
        "\n[[methods.fields]]\nname = \"api_key\"\nlabel = {}\nhelp = {help}\npattern = '^\\S{{1,1000}}$'\nsecret = true\n",
        quoted(draft.get("key_label")),
    ));
    text
}

fn obtain(draft: &Draft) -> String {
    let call = |table: &str| {
        format!(
            "\n[methods.obtain.{table}]\nurl = {}\nclient_auth = {}",
            quoted(&draft.address("token_url")),
            quoted(draft.get("client_auth")),
        )
    };
    match draft.kind {
        Kind::Key => "\n[methods.obtain.given]".to_owned(),
        Kind::Credentials => {
            let scopes = draft.get("scopes").split_whitespace().collect::<Vec<_>>().join(" ");
            let mut text = call("ask.token");
            if !scopes.is_empty() {
                let scopes = quoted(&scopes);
                text.push_str(&format!("\nparameters = [{{ name = \"scope\", value = {scopes} }}]"));
            }
            text
        }
        Kind::Code => {
            let mut text = format!(
                "\n[methods.obtain.code]\nauthorize = {}\npkce = {}\n{}",
                quoted(&draft.address("authorize_url")),
                draft.get("pkce") == "true",
                call("code.token"),
            );
            if draft.get("renewal") != "none" {
                text.push('\n');
                text.push_str(&call("code.refresh"));
            }
            text
        }
    }
}

fn sign(draft: &Draft) -> String {
    let value = match draft.kind {
        Kind::Key => "{api_key}",
        _ => "{access_token}",
    };
    let name = quoted(draft.get("place_name"));
    match draft.get("place") {
        "header" => format!(
            "headers = [{{ name = {}, value = {} }}]",
            quoted(&draft.get("place_name").to_ascii_lowercase()),
            quoted(value)
        ),
        "query" => format!("query = [{{ name = {name}, value = {} }}]", quoted(value)),
        "basic" => "headers = [{ name = \"authorization\", basic = [\"user\", \"api_key\"] }]".to_owned(),
        _ => format!(
            "headers = [{{ name = \"authorization\", value = {} }}]",
            quoted(&format!("Bearer {value}"))
        ),
    }
}

fn answer(draft: &Draft) -> String {
    let mut text = "\n[methods.answer]\ncode_at = [\"/error\"]".to_owned();
    match draft.kind {
        Kind::Code => text.push_str(
            "\ntoken = [\n  { kind = \"app_broken\", on = { status = [400, 401], code = [\"invalid_client\", \"unauthorized_client\"] } },\n  { kind = \"dead\", on = { status = [400, 401], code = [\"invalid_grant\"] } },\n]",
        ),
        Kind::Credentials => text.push_str(
            "\ntoken = [{ kind = \"dead\", on = { status = [400, 401], code = [\"invalid_client\", \"unauthorized_client\"] } }]",
        ),
        Kind::Key => {}
    }
    let given = draft
        .get("dead_words")
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let mut dead: Vec<&str> = given.collect();
    if dead.is_empty() && draft.kind != Kind::Key {
        dead.push("invalid_token");
    }
    if !dead.is_empty() && !draft.get("verify_path").is_empty() {
        let words = list(dead.into_iter());
        text.push_str(&format!(
            "\nverify = [{{ kind = \"dead\", on = {{ status = [400, 401, 403], contains = {words} }} }}]"
        ));
    }
    text.push_str("\nunauthorized = [{ status = [401] }]");
    text
}
