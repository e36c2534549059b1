//! `llavero platform ...`: what the catalogue says, as the partner API and the admin's pages tell it; the platforms that
//! owners define too, as far as a database is named. Without one the built-in ones need no setting at all.

use llavero::config::Config;
use llavero::db::custom_platforms::{self, CustomPlatform};
use llavero::domain::connect::Language;
use llavero::platform::facts::{self, Addresses, FieldFacts, MethodFacts, PlatformFacts};
use llavero::platform::facts_text::length;
use llavero::platform::{self, Catalogue, CatalogueError, Platform, custom};

use super::{Stop, one_connection, say};

fn catalogue() -> Result<Catalogue, Stop> {
    Catalogue::embedded().map_err(|errors| Stop {
        lines: errors.iter().map(ToString::to_string).collect(),
    })
}

/// The platforms that owners define, where the settings name the database that holds them.
fn customs(config: &Config) -> Result<Vec<CustomPlatform>, Stop> {
    let Some(db) = one_connection(config) else {
        return Ok(Vec::new());
    };
    db.run_blocking(custom_platforms::list)
        .map_err(Stop::because("the platforms defined in the database"))
}

/// Our addresses, where the settings tell our own; which app is meant is left open.
fn facts_of(config: &Config, platform: &Platform) -> PlatformFacts {
    let (url, slug) = (config.public_url.as_ref(), platform.slug.as_str());
    let addresses = Addresses {
        redirect_uri: url.map(|url| platform::redirect_uri(url, slug)),
        install_url: url.map(|url| platform::install_url(url, "{app_id}", slug)),
        webhook_url: url.map(|url| platform::webhook_url(url, "{app_id}", slug)),
        inherited: false,
    };
    facts::of(platform, Language::En, &addresses)
}

pub fn list(config: &Config, json: bool) -> Result<(), Stop> {
    for platform in catalogue()?.platforms() {
        listed(&facts_of(config, platform), None, json);
    }
    for row in customs(config)? {
        match custom::read(&row.slug, &row.definition, row.app_id) {
            Ok(platform) => listed(&facts_of(config, &platform), Some(&row), json),
            Err(errors) => broken(&row, &errors, json),
        }
    }
    Ok(())
}

/// One line; `row` is that of a platform that an owner defined.
fn listed(facts: &PlatformFacts, row: Option<&CustomPlatform>, json: bool) {
    let methods: Vec<&str> = facts.methods.iter().map(|method| method.id.as_str()).collect();
    if json {
        let row = serde_json::json!({
            "slug": facts.slug,
            "name": facts.name,
            "number": facts.number,
            "methods": methods,
            "confidence": facts.confidence,
            "unconfirmed": facts.unconfirmed,
            "documentation": facts.documentation,
            "starts_at_platform": facts.methods.iter().any(|method| method.starts_at_platform),
            "uninstall_webhook": facts.webhooks.is_some(),
            "custom": row.is_some(),
            "app_id": row.and_then(|row| row.app_id),
            "errors": [],
        });
        say(&row.to_string());
        return;
    }
    let number = facts.number.map(|number| number.to_string()).unwrap_or_default();
    let owner = match row {
        None => String::new(),
        Some(row) => format!(", {}", whose(row)),
    };
    say(&format!(
        "{number:>2}  {:<18} {:<20} {:<12}  {}{owner}",
        facts.slug,
        facts.name,
        confidence(facts),
        methods.join(", ")
    ));
}

/// A definition that cannot be used: its stores' calls are refused, so it is named with the reason.
fn broken(row: &CustomPlatform, errors: &[CatalogueError], json: bool) {
    if json {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let row = serde_json::json!({
            "slug": row.slug, "methods": row.methods.0, "custom": true, "app_id": row.app_id, "errors": errors,
        });
        say(&row.to_string());
        return;
    }
    say(&format!("    {:<18} can't be used, {}", row.slug, whose(row)));
    for error in errors {
        say(&format!("      {error}"));
    }
}

fn whose(row: &CustomPlatform) -> String {
    match row.app_id {
        Some(app) => format!("defined here for {app}"),
        None => "defined here for all apps".to_owned(),
    }
}

pub fn show(config: &Config, slug: &str, json: bool) -> Result<(), Stop> {
    let unknown = || Stop::line(format!("no platform `{slug}`; `llavero platform list` names them"));
    let catalogue = catalogue()?;
    let defined = match custom::is_custom(slug) {
        true => customs(config)?.into_iter().find(|row| row.slug == slug),
        false => None,
    };
    let read = defined
        .as_ref()
        .map(|row| custom::read(slug, &row.definition, row.app_id));
    let own = read.transpose().map_err(|errors| Stop {
        lines: errors.iter().map(ToString::to_string).collect(),
    })?;
    let platform = own.as_ref().or_else(|| catalogue.platform(slug)).ok_or_else(unknown)?;
    let facts = facts_of(config, platform);
    if json {
        let text = serde_json::to_string(&facts).map_err(Stop::because("writing JSON"))?;
        say(&text);
        return Ok(());
    }
    say(&format!("{} ({})", facts.name, facts.slug));
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let reference = &facts.reference;
    line("documentation", &facts.documentation);
    line("facts are", confidence(&facts));
    some("defined", defined.as_ref().map(whose).as_deref());
    if let Some(number) = facts.number {
        line(
            "reference table",
            &format!(
                "row {number}: {}, access {}, refresh {}",
                said(&reference.auth),
                said(&reference.access),
                said(&reference.refresh)
            ),
        );
    }
    some("redirect URI", facts.redirect_uri.as_deref());
    some("install URL", facts.install_url.as_deref());
    if let Some(webhooks) = &facts.webhooks {
        some("webhook URL", webhooks.url.as_deref());
        let events = [webhooks.uninstalled.as_slice(), &webhooks.privacy].concat();
        let own = "as the platform names it: the app was removed".to_owned();
        line("subscribe to", &if events.is_empty() { own } else { events.join(", ") });
    }
    for (at, method) in facts.methods.iter().enumerate() {
        let offered = if at == 0 { ", offered first" } else { "" };
        say(&format!(
            "\n{} - {}{offered}\n  {}",
            method.id, method.name, method.choose
        ));
        of_method(method);
    }
    for left_out in &facts.not_offered {
        say(&format!("\nnot offered - {}\n  {}", left_out.way, left_out.because));
    }
    Ok(())
}

fn of_method(method: &MethodFacts) {
    line("documentation", &method.documentation);
    some("facts", Some("unconfirmed").filter(|_| method.unconfirmed));
    some(
        "for",
        Some("partners alone: POST /v1/stores").filter(|_| method.for_partners),
    );
    line("connects", method.obtain_text());
    line("OAuth client", method.client_text());
    line("identity", method.identity_text());
    line("renewal", method.renewal_text());
    line("access token", &method.access_text());
    some("refresh token", method.refresh_text().as_deref());
    some("a used one", method.grace_text().as_deref());
    some(
        "authorize again",
        method.reauthorize_after_seconds.map(length).as_deref(),
    );
    some("code lives", method.code_lifetime_seconds.map(length).as_deref());
    let limit = method.token_limit.as_ref();
    let limit = limit.map(|limit| format!("{} calls within {}", limit.calls, length(limit.within_seconds)));
    some("token endpoint", limit.as_deref());
    some("call limits", method.rate_limit.as_deref());
    some(
        "scopes",
        Some(method.scopes.join(" ")).filter(|text| !text.is_empty()).as_deref(),
    );
    let marks = [
        (method.pkce, "PKCE"),
        (method.signs_body, "signs the body"),
        (method.starts_at_platform, "may start at the platform"),
        (
            method.redirect_uri_is_prefix,
            "redirect URI is called with one more segment",
        ),
        (method.quirk, "code of its own"),
    ];
    let marks: Vec<&str> = marks
        .iter()
        .filter_map(|(holds, mark)| holds.then_some(*mark))
        .collect();
    some(
        "also",
        Some(marks.join(", ")).filter(|text| !text.is_empty()).as_deref(),
    );
    let differs = method.differs_from_reference.join(", ");
    some("differs in", Some(differs).filter(|text| !text.is_empty()).as_deref());
    some("to register", method.register.as_deref());
    fields("partner gives", &method.app_fields);
    fields("merchant enters", &method.fields);
    for assumed in &method.assumed {
        line("assumed", assumed);
    }
}

fn fields(label: &str, fields: &[FieldFacts]) {
    if fields.is_empty() {
        line(label, "nothing");
    }
    for field in fields {
        let mut text = format!("{}: {}", field.name, field.label);
        if field.secret {
            text.push_str(", secret");
        }
        if !field.required {
            text.push_str(", optional");
        }
        if let Some(default) = &field.default {
            text.push_str(&format!(", otherwise {default}"));
        }
        let choices: Vec<&str> = field.choices.iter().map(|choice| choice.value.as_str()).collect();
        match choices.is_empty() {
            true => text.push_str(&format!(", {}", field.pattern)),
            false => text.push_str(&format!(", one of {}", choices.join(" "))),
        }
        line(label, &text);
        line("", &field.help);
    }
}

fn confidence(facts: &PlatformFacts) -> &'static str {
    match facts.unconfirmed {
        true => "unconfirmed",
        false => facts.confidence,
    }
}

fn line(label: &str, text: &str) {
    say(&format!("  {label:<16} {text}"));
}

fn some(label: &str, text: Option<&str>) {
    if let Some(text) = text {
        line(label, text);
    }
}
