//! What types alone cannot refuse in a catalogue file: names that lead nowhere, hosts that anybody could choose, verdicts
//! without proof. Each fault names its key; the file is named above.

pub(super) mod hosts;
mod parts;

use std::collections::BTreeSet;

use super::answer::Condition;
use super::descriptor::{ClientOwner, IdentitySource, Method, Platform, Renewal};
use super::field::Field;
use super::obtain::Obtain;
use super::sign::SignMoment;
use crate::domain::refresh::FailureKind;

/// Values that come from no field: from the app, the session, the callback and the grant.
const ALWAYS: [&str; 9] = [
    "access_token",
    "app_name",
    "code",
    "code_verifier",
    "deliver_url",
    "redirect_uri",
    "refresh_token",
    "return_url",
    "state",
];

/// Steps that some connections cannot take: being renewed when a call needs it, waiting out trouble, being known dead.
const STEPS: [&str; 3] = ["renewal", "trouble", "dead"];

type Fault = (String, String);

pub(super) fn check(file: &str, platform: &Platform) -> Vec<Fault> {
    let mut faults = Vec::new();
    if file != format!("{}.toml", platform.slug) {
        faults.push((
            "slug".to_owned(),
            format!("`{}` does not agree with the file's name", platform.slug),
        ));
    }
    if platform.methods.is_empty() {
        faults.push((
            "methods".to_owned(),
            "a platform needs at least one connect method".to_owned(),
        ));
    }
    for (i, method) in platform.methods.iter().enumerate() {
        let mut checker = Checker {
            key: format!("methods[{i}]"),
            known: known(method),
            method,
            faults: Vec::new(),
        };
        checker.method(platform);
        faults.append(&mut checker.faults);
        if platform.methods[..i].iter().any(|other| other.id == method.id) {
            faults.push((format!("methods[{i}].id"), format!("`{}` is there twice", method.id)));
        }
    }
    faults.extend(super::nango::faults(platform));
    faults
}

/// Every name that templates of a method may use.
pub(super) fn known(method: &Method) -> BTreeSet<String> {
    let mut known: BTreeSet<String> = ALWAYS
        .iter()
        .chain(&SignMoment::NAMES)
        .map(|name| (*name).to_owned())
        .collect();
    known.extend(
        method
            .fields
            .iter()
            .chain(&method.app_fields)
            .map(|field| field.name.clone()),
    );
    known.extend(method.lookups.keys().chain(method.trimmed.keys()).cloned());
    match &method.obtain {
        Obtain::Code(code) => {
            known.extend(code.grant.keep.keys().cloned());
            let brought = code.brings.iter().chain(&code.named);
            known.extend(brought.map(|parameter| parameter.name.clone()));
        }
        Obtain::Ask(ask) => known.extend(ask.grant.keep.keys().cloned()),
        Obtain::Oauth1(_) => {
            let signs = method.sign.oauth1.iter();
            known.extend(signs.flat_map(|signs| signs.token.iter().chain(&signs.token_secret).cloned()));
        }
        Obtain::Given(given) => known.extend(given.page.iter().flat_map(|page| page.delivered.keys().cloned())),
    }
    if let Some(shops) = &method.verify.shops {
        known.extend(shops.keep.keys().cloned());
    }
    known
}

struct Checker<'a> {
    key: String,
    known: BTreeSet<String>,
    method: &'a Method,
    faults: Vec<Fault>,
}

impl Checker<'_> {
    fn fault(&mut self, key: &str, message: impl Into<String>) {
        self.faults.push((format!("{}.{key}", self.key), message.into()));
    }

    fn name(&mut self, key: &str, name: &str) {
        if !self.known.contains(name) {
            self.fault(key, format!("unknown placeholder `{name}`"));
        }
    }

    fn method(&mut self, platform: &Platform) {
        let method = self.method;
        for (i, field) in method.app_fields.iter().enumerate() {
            self.field(&format!("app_fields[{i}]"), field);
        }
        for (i, field) in method.fields.iter().enumerate() {
            self.field(&format!("fields[{i}]"), field);
        }
        self.registered(platform);
        self.partners(platform);
        for (name, value) in &method.arriving {
            if let Some(import) = &value.import
                && value.check(&import.example).as_ref() != Some(&import.example)
            {
                let fault = format!("`{}` does not pass the value's own check", import.example);
                self.fault(&format!("arriving.{name}.import.example"), fault);
            }
        }
        for (name, stand_in) in &method.instead {
            let key = format!("instead.{name}");
            self.name(&key, name);
            self.name(&key, &stand_in.from);
            for other in stand_in.names.values() {
                if !method.app_fields.iter().any(|field| field.name == *other) {
                    self.fault(&key, format!("`{other}` is no field of the platform app"));
                }
            }
        }
        for (name, lookup) in &method.lookups {
            let key = format!("lookups.{name}");
            match method.field(&lookup.from) {
                None => self.fault(&key, format!("`{}` is no field", lookup.from)),
                Some(field) => {
                    for choice in field
                        .choices
                        .iter()
                        .filter(|choice| !lookup.values.contains_key(&choice.value))
                    {
                        self.fault(&key, format!("no value for the choice `{}`", choice.value));
                    }
                }
            }
        }
        self.follows();
        self.url("base_url", &method.base_url);
        for host in &platform.api_hosts {
            self.url("api_hosts", host);
        }
        match &method.obtain {
            Obtain::Code(code) => {
                self.url("obtain.code.authorize", &code.authorize);
                if let Some(entrance) = &code.entrance {
                    self.url("obtain.code.entrance", entrance);
                }
                self.pairs("obtain.code.entrance_query", &code.entrance_query);
                self.named(code);
                if !code.omits("client_id") {
                    self.name("obtain.code", "client_id");
                }
                self.pairs("obtain.code.parameters", &code.parameters);
                self.token_call("obtain.code.token", &code.token);
                if let Some(refresh) = &code.refresh {
                    self.token_call("obtain.code.refresh", refresh);
                    if code.asks_again {
                        self.fault("obtain.code.refresh", "what is asked for again has no refresh call");
                    }
                }
                if let Some(proof) = &code.proof {
                    self.name("obtain.code.proof.key", &proof.key);
                }
                for name in &code.same {
                    self.name("obtain.code.same", name);
                }
                if let Some(finish) = &code.finish {
                    self.finish(finish);
                }
            }
            Obtain::Oauth1(handshake) => self.handshake(handshake),
            Obtain::Ask(ask) => {
                self.token_call("obtain.ask.token", &ask.token);
                if let Some(refresh) = &ask.refresh {
                    self.token_call("obtain.ask.refresh", refresh);
                }
            }
            Obtain::Given(given) => {
                if let Some(page) = &given.page {
                    self.url("obtain.given.page.url", &page.url);
                    self.pairs("obtain.given.page.query", &page.query);
                }
            }
        }
        self.sign("sign", &method.sign);
        if let Some(sign) = &method.sign_plain_http {
            self.sign("sign_plain_http", sign);
        }
        if let Some(call) = &method.verify.otherwise {
            self.call("verify.otherwise", call);
        }
        if let Some(of) = method.verify.shops.as_ref().and_then(|shops| shops.of.as_ref()) {
            self.template("verify.shops.of", of);
        }
        for name in method.verify.proves.iter().chain(&method.verify.needs_at) {
            self.name("verify", name);
        }
        for lists in method.verify.lists.iter().chain(&method.verify.says) {
            self.template(&format!("verify.{}", lists.code), &lists.value);
        }
        if let Some(within) = &method.within {
            self.template("within", within);
        }
        match &method.verify.call {
            Some(call) => self.call("verify.call", call),
            None if matches!(method.obtain, Obtain::Given(_)) => {
                self.fault("verify.call", "missing: nothing else proves keys that are given");
            }
            None => {}
        }
        if let Some(revoke) = &method.revoke {
            self.call("revoke.call", &revoke.call);
        }
        for (step, why) in &method.cannot {
            if !STEPS.contains(&step.as_str()) {
                self.fault(&format!("cannot.{step}"), "not a step that a connection may lack");
            }
            if why.trim().is_empty() {
                self.fault(&format!("cannot.{step}"), "a reason is missing");
            }
        }
        self.answers();
        self.lives();
        self.hosts(platform);
        match (method.identity, &method.identity_template) {
            (IdentitySource::Typed, Some(template)) => self.template("identity_template", template),
            (IdentitySource::Typed, None) => self.fault("identity_template", "a typed identity needs a template"),
            (IdentitySource::Platform, Some(template)) => {
                self.template("identity_template", template);
                if template.names().any(|name| method.field(name).is_some()) {
                    self.fault(
                        "identity_template",
                        "an identity that the platform states is made of nothing typed",
                    );
                }
            }
            (IdentitySource::Platform, None) => {}
        }
    }

    fn field(&mut self, key: &str, field: &Field) {
        if field.secret && field.default.is_some() {
            self.fault(&format!("{key}.default"), "a secret has no default");
        }
        if !field.secret && field.example.is_empty() {
            self.fault(&format!("{key}.example"), "missing");
        }
        let shown = std::iter::once(&field.example).filter(|e| !e.is_empty() && !field.secret);
        let values = shown
            .chain(&field.default)
            .chain(field.choices.iter().map(|choice| &choice.value));
        for value in values {
            if field.check(value, false).as_ref() != Ok(value) {
                self.fault(key, format!("`{value}` does not pass the field's own check"));
            }
        }
        for text in [&field.label, &field.help] {
            if [&text.en, &text.es, &text.pt].iter().any(|t| t.trim().is_empty()) {
                self.fault(key, "an empty text");
            }
        }
    }

    fn answers(&mut self) {
        let rules = &self.method.answer;
        for (list, rules) in [("token", &rules.token), ("verify", &rules.verify)] {
            for (i, rule) in rules.iter().enumerate() {
                let key = format!("answer.{list}[{i}]");
                self.condition(&key, &rule.on);
                if rule.kind != FailureKind::Dead {
                    continue;
                }
                if rule.on.status.is_empty() || !rule.on.reads_body() {
                    self.fault(
                        &key,
                        "`dead` needs a status and a code or words of the body: a bare status is no proof",
                    );
                }
                if rule.on.status.iter().any(|status| *status == 429 || *status >= 500) {
                    self.fault(&key, "429 and 5xx are never `dead`");
                }
                let client = |code: &String| code == "invalid_client" || code == "unauthorized_client";
                if self.method.client == ClientOwner::App && rule.on.code.iter().any(client) {
                    self.fault(&key, "a refused client of the app is `app_broken`, never `dead`");
                }
            }
        }
        for (i, on) in rules.unauthorized.iter().enumerate() {
            self.condition(&format!("answer.unauthorized[{i}]"), on);
        }
        for (i, on) in rules.unclear.iter().enumerate() {
            self.condition(&format!("answer.unclear[{i}]"), on);
        }
        if !rules.unclear.is_empty() && self.method.verify.call.is_none() {
            self.fault("answer.unclear", "without a verify call nothing makes it clear");
        }
    }

    fn condition(&mut self, key: &str, on: &Condition) {
        if on.status.is_empty() && on.challenge.is_empty() && !on.reads_body() {
            self.fault(key, "a condition that everything meets");
        }
        if !on.code.is_empty() && on.at.is_empty() && self.method.answer.code_at.is_empty() {
            self.fault(key, "codes, but no `code_at` that says where they stand");
        }
    }

    fn lives(&mut self) {
        let lives = self.method.lifetimes;
        match self.method.renewal {
            Renewal::AskAgain | Renewal::RefreshToken if lives.access.is_none() => {
                self.fault("lifetimes.access", "a token that is renewed needs a lifetime");
            }
            _ => {}
        }
    }
}
