//! `llavero platform ...`: what the catalogue says, as the partner API and the admin's pages tell it.

use llavero::config::Config;
use llavero::domain::connect::Language;
use llavero::platform::facts::{self, Addresses, FieldFacts, MethodFacts, PlatformFacts};
use llavero::platform::facts_text::length;
use llavero::platform::{self, Catalogue, Platform};

use super::{Stop, say};

fn catalogue() -> Result<Catalogue, Stop> {
    Catalogue::embedded().map_err(|errors| Stop {
        lines: errors.iter().map(ToString::to_string).collect(),
    })
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
        let facts = facts_of(config, platform);
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
            });
            say(&row.to_string());
        } else {
            say(&format!(
                "{:>2}  {:<18} {:<20} {:<12}  {}",
                facts.number.unwrap_or_default(),
                facts.slug,
                facts.name,
                confidence(&facts),
                methods.join(", ")
            ));
        }
    }
    Ok(())
}

pub fn show(config: &Config, slug: &str, json: bool) -> Result<(), Stop> {
    let catalogue = catalogue()?;
    let platform = catalogue
        .platform(slug)
        .ok_or_else(|| Stop::line(format!("no platform `{slug}`; `llavero platform list` names them")))?;
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
    line(
        "reference table",
        &format!(
            "row {}: {}, access {}, refresh {}",
            facts.number.unwrap_or_default(),
            said(&reference.auth),
            said(&reference.access),
            said(&reference.refresh)
        ),
    );
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
    Ok(())
}

fn of_method(method: &MethodFacts) {
    line("documentation", &method.documentation);
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
