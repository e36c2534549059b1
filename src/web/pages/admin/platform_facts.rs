//! What the catalogue knows of a connect method, in the reader's words. The facts themselves come from `platform::facts`,
//! as programs get them.

use std::time::Duration;

use super::moments;
use crate::platform::facts::{FieldFacts, MethodFacts, PlatformFacts, RefreshFacts};
use crate::web::Frame;
use crate::web::parts::Fact;

pub struct MethodShown {
    pub name: String,
    pub choose: String,
    /// Beside a platform that is confirmed otherwise.
    pub unconfirmed: bool,
    pub for_partners: bool,
    pub documentation: String,
    pub facts: Vec<Fact>,
    /// Merchants' fields and the partner's: a caption with rows, none where there are no fields.
    pub tables: Vec<(String, Vec<FieldShown>)>,
    pub assumed: Vec<String>,
}

pub struct FieldShown {
    pub label: String,
    pub name: String,
    /// Such as "secret", "optional".
    pub marks: Vec<String>,
    pub help: String,
    pub pattern: String,
    pub example: String,
    pub choices: String,
}

/// What is known of the platform as a whole.
pub fn of_platform(page: &Frame, facts: &PlatformFacts) -> Vec<Fact> {
    let Some(number) = facts.number else {
        let slug = Fact::code(page.say("admin-custom-slug"), facts.slug.clone());
        return vec![
            slug,
            Fact::text(page.say("admin-custom-by"), page.say("admin-custom-here")),
        ];
    };
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let reference = &facts.reference;
    let row = [&reference.auth, &reference.access, &reference.refresh]
        .map(said)
        .join(" · ");
    vec![
        Fact::text(page.say("admin-number"), number.to_string()),
        Fact::text(page.say("admin-reference"), row),
    ]
}

pub fn of_method(page: &Frame, method: &MethodFacts, first: bool) -> MethodShown {
    let say = |key: &str| page.say(key);
    let mut facts = vec![
        Fact::code(say("admin-id"), method.id.clone()),
        Fact::text(say("admin-obtain"), word(page, "obtain", method.obtain)),
        Fact::text(say("admin-client-of"), word(page, "client-of", method.client)),
        Fact::text(say("admin-identity-of"), word(page, "identity-is", method.identity)),
        Fact::text(say("admin-renewal"), renewal(page, method)),
        Fact::text(
            say("admin-access-life"),
            life(
                page,
                method.lifetimes.access_seconds,
                method.lifetimes.access_documented,
            ),
        ),
    ];
    if first {
        facts.insert(1, Fact::text(say("admin-offered"), say("admin-offered-first")));
    }
    if let Some(refreshing) = &method.refreshing {
        let refresh = life(
            page,
            method.lifetimes.refresh_seconds,
            method.lifetimes.refresh_documented,
        );
        facts.push(Fact::text(say("admin-refresh-life"), refresh));
        facts.push(Fact::text(say("admin-grace"), grace(page, refreshing)));
        let moves = yes_or_no(page, method.lifetimes.refreshing_extends);
        facts.push(Fact::text(say("admin-refresh-moves"), moves));
    }
    let after = method.reauthorize_after_seconds.map(|after| length(page, after));
    facts.push(Fact::text(
        say("admin-reauthorize-after"),
        after.unwrap_or_else(|| say("admin-never")),
    ));
    if let Some(life) = method.code_lifetime_seconds {
        facts.push(Fact::text(say("admin-code-life"), length(page, life)));
    }
    if let Some(limit) = &method.token_limit {
        let values = [
            ("calls", &*limit.calls.to_string()),
            ("time", &*length(page, limit.within_seconds)),
        ];
        facts.push(Fact::text(
            say("admin-token-limit"),
            page.say_with("admin-calls-within", values),
        ));
    }
    if let Some(text) = &method.rate_limit {
        facts.push(Fact::text(say("admin-rate-limit"), text.clone()));
    }
    if !method.scopes.is_empty() {
        facts.push(Fact::code(say("admin-scopes"), method.scopes.join(" ")));
    }
    if let Some(redirect_uri) = &method.redirect_uri {
        facts.push(Fact::code(say("admin-redirect-uri"), redirect_uri.clone()));
        facts.push(Fact::text(say("admin-pkce"), yes_or_no(page, method.pkce)));
    }
    if method.redirect_uri_is_prefix {
        facts.push(Fact::text(
            say("admin-redirect-prefix"),
            say("admin-redirect-prefix-text"),
        ));
    }
    if let Some(install_url) = &method.install_url {
        facts.push(Fact::code(say("admin-install-url"), install_url.clone()));
    }
    facts.push(Fact::text(say("admin-signs-body"), yes_or_no(page, method.signs_body)));
    facts.push(Fact::text(say("admin-quirk"), yes_or_no(page, method.quirk)));
    if !method.differs_from_reference.is_empty() {
        let columns = method.differs_from_reference.iter();
        let columns: Vec<String> = columns.map(|column| word(page, "column", column)).collect();
        facts.push(Fact::text(say("admin-differs"), columns.join(", ")));
    }
    if let Some(register) = &method.register {
        facts.push(Fact::text(say("admin-register"), register.clone()));
    }
    let tables = [
        ("admin-fields", &method.fields),
        ("admin-import-fields", &method.import_fields),
        ("admin-app-fields", &method.app_fields),
    ];
    let tables = tables.into_iter().filter(|(_, fields)| !fields.is_empty());
    MethodShown {
        name: method.name.clone(),
        choose: method.choose.clone(),
        unconfirmed: method.unconfirmed,
        for_partners: method.for_partners,
        documentation: method.documentation.clone(),
        facts,
        tables: tables
            .map(|(key, fields)| (say(key), fields.iter().map(|one| field(page, one)).collect()))
            .collect(),
        assumed: method.assumed.clone(),
    }
}

/// A word of a closed list in `platform::facts`.
fn word(page: &Frame, list: &str, word: &str) -> String {
    page.say(&format!("admin-{list}-{}", word.replace('_', "-")))
}

fn yes_or_no(page: &Frame, holds: bool) -> String {
    page.say(if holds { "admin-yes" } else { "admin-no" })
}

fn length(page: &Frame, seconds: u64) -> String {
    moments::length(page, Duration::from_secs(seconds))
}

fn life(page: &Frame, seconds: Option<u64>, documented: bool) -> String {
    match seconds.map(|seconds| length(page, seconds)) {
        None => page.say("admin-no-end"),
        Some(life) if documented => life,
        Some(guess) => page.say_with("admin-life-guessed", [("time", &*guess)]),
    }
}

fn renewal(page: &Frame, method: &MethodFacts) -> String {
    page.say(match method.renewal {
        "ask_again" => "admin-renewal-ask",
        "refresh_token" => "admin-renewal-refresh",
        _ if method.lifetimes.access_seconds.is_some() => "admin-renewal-merchant",
        _ => "admin-renewal-never",
    })
}

/// What the platform does with a refresh token that was used.
fn grace(page: &Frame, refreshing: &RefreshFacts) -> String {
    let time = refreshing.grace_seconds.map(|time| length(page, time));
    let time = time.unwrap_or_default();
    let key = match refreshing.grace {
        "none" => "admin-grace-none",
        "same_pair" => "admin-grace-same",
        "another_pair" => "admin-grace-another",
        "replaces" => "admin-grace-replaces",
        "until_first_use" => "admin-grace-first-use",
        _ => "admin-grace-not-rotating",
    };
    page.say_with(key, [("time", &*time)])
}

fn field(page: &Frame, field: &FieldFacts) -> FieldShown {
    let mut marks = Vec::new();
    if field.secret {
        marks.push(page.say("admin-secret"));
    }
    if !field.required {
        marks.push(page.say("form-optional"));
    }
    if let Some(default) = &field.default {
        marks.push(page.say_with("admin-default", [("value", default.as_str())]));
    }
    let choices: Vec<&str> = field.choices.iter().map(|choice| choice.value.as_str()).collect();
    FieldShown {
        label: field.label.clone(),
        name: field.name.clone(),
        marks,
        help: field.help.clone(),
        pattern: field.pattern.clone(),
        example: field.example.clone(),
        choices: choices.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use crate::web::i18n::{Language, Texts};

    #[test]
    fn every_word_of_the_facts_has_its_text() {
        let texts = Texts::embedded().unwrap();
        let lists: [(&str, &[&str]); 4] = [
            ("obtain", &["redirect", "keys", "delivered-keys", "ask"]),
            ("client-of", &["app", "store", "none"]),
            ("identity-is", &["platform", "typed"]),
            ("column", &["auth", "access", "refresh"]),
        ];
        for (list, words) in lists {
            for word in words {
                let key = format!("admin-{list}-{word}");
                assert!(texts.has(Language::En, &key), "{key}");
            }
        }
    }
}
