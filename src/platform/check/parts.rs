//! Checks of the parts that methods are made of: templates, addresses, headers, calls, signers.

use super::Checker;
use crate::platform::call::{Call, HeaderRule};
use crate::platform::descriptor::{ClientOwner, Pair, Platform};
use crate::platform::field::{Field, Takes};
use crate::platform::obtain::{self, Code, Finish, Handshake, InstallKind, TokenCall};
use crate::platform::register::NAMES;
use crate::platform::sign::Sign;
use crate::platform::template::{Template, UrlTemplate};
use crate::platform::transport::is_of_connection;

impl Checker<'_> {
    pub(super) fn template(&mut self, key: &str, template: &Template) {
        for name in template.names() {
            self.name(key, name);
        }
    }

    pub(super) fn pairs(&mut self, key: &str, pairs: &[Pair]) {
        for pair in pairs {
            let key = format!("{key}.{}", pair.name);
            self.template(&key, &pair.value);
            if let Some(when) = &pair.when {
                self.name(&key, &when.value);
            }
        }
    }

    pub(super) fn url(&mut self, key: &str, url: &UrlTemplate) {
        for name in url.path_names() {
            self.name(key, name);
        }
        for name in url.host_names() {
            let checked = self
                .method
                .check_of(name)
                .is_some_and(|(takes, _)| matches!(takes, Takes::Host | Takes::Label));
            if !checked && !self.method.lookups.contains_key(name) {
                self.fault(
                    key,
                    format!("host placeholder `{name}` without a pattern: it needs a field that takes a host"),
                );
            }
        }
        if let Some(name) = url.base_name()
            && !self.method.check_of(name).is_some_and(|(takes, _)| takes == Takes::Url)
        {
            self.fault(
                key,
                format!("host placeholder `{name}` without a pattern: it needs a field that takes a url"),
            );
        }
    }

    /// Who may name a store without a proof is asked for no approval, and vouches with a client of its own.
    pub(super) fn partners(&mut self, platform: &Platform) {
        let method = self.method;
        if !method.for_partners {
            return;
        }
        if method.client != ClientOwner::App || obtain::is_approved_there(method) || obtain::is_delivered(method) {
            self.fault("for_partners", "goes with the app's client and without a redirect");
        }
        if platform.default_method().id == method.id {
            self.fault("for_partners", "the method that is offered first is for merchants");
        }
    }

    /// What follows from another value, follows from one that is there and checked.
    pub(super) fn follows(&mut self) {
        let method = self.method;
        for (name, trimmed) in &method.trimmed {
            let key = format!("trimmed.{name}");
            if !method
                .field(&trimmed.from)
                .is_some_and(|field| field.takes == Takes::Url)
            {
                self.fault(&key, format!("`{}` is no field that takes a url", trimmed.from));
            }
            if !trimmed.end.starts_with('/') || trimmed.end.ends_with('/') {
                self.fault(&key, "what is left out begins with a slash, and does not end with one");
            }
        }
        let all = method.fields.iter().chain(&method.app_fields);
        for (field, from) in all.filter_map(|field| Some((field, field.default_from.as_ref()?))) {
            let plain = |other: &Field| !other.secret && other.default_from.is_none();
            if field.secret || field.default.is_some() || !method.field(from).is_some_and(plain) {
                let fault = format!("`{from}` cannot stand in for `{}`", field.name);
                self.fault("default_from", fault);
            }
        }
    }

    /// What a connection that starts at the platform brings has a place, and nothing of it goes into an address unseen.
    pub(super) fn named(&mut self, code: &Code) {
        let key = "obtain.code.named";
        let wanted = matches!(code.install, Some(InstallKind::Named | InstallKind::Handle));
        if wanted == code.named.is_empty() {
            self.fault(
                key,
                "goes with `install = \"named\"` and `install = \"handle\"`, and only with those",
            );
        }
        for named in &code.named {
            let field = self.method.fields.iter().find(|field| field.name == named.name);
            match code.install {
                Some(InstallKind::Handle) if !self.method.arriving.contains_key(&named.name) => {
                    self.fault(key, format!("`{}` arrives without a pattern", named.name));
                }
                Some(InstallKind::Named) if field.is_none_or(|field| field.secret) => {
                    self.fault(key, format!("`{}` is no field that a form shows", named.name));
                }
                _ => {}
            }
        }
    }

    /// What a partner registers names every address that has to be entered there, and no other word in braces.
    pub(super) fn registered(&mut self, platform: &Platform) {
        let method = self.method;
        let texts = method.register.iter().flat_map(|text| [&text.en, &text.es, &text.pt]);
        for text in texts.clone() {
            let rest = NAMES.iter().fold(text.clone(), |rest, name| rest.replace(name, ""));
            if rest.contains(['{', '}']) {
                self.fault("register", format!("a word in braces that is no address in `{text}`"));
            }
        }
        let lacks = |name: &str| !texts.clone().all(|text| text.contains(name)) || method.register.is_none();
        if obtain::knows_one_address(method) {
            if lacks("{redirect_uri}") {
                self.fault("register", "does not name `{redirect_uri}`");
            }
        } else if obtain::starts_at_platform(method) && lacks("{install_url}") {
            self.fault("register", "does not name `{install_url}`");
        }
        if platform.hooks.is_some() && method.client == ClientOwner::App && lacks("{webhook_url}") {
            self.fault("register", "does not name `{webhook_url}`");
        }
    }

    pub(super) fn handshake(&mut self, handshake: &Handshake) {
        let key = "obtain.oauth1";
        self.url(&format!("{key}.request_token"), &handshake.request_token);
        self.url(&format!("{key}.authorize"), &handshake.authorize);
        self.url(&format!("{key}.token"), &handshake.token);
        let signs = self.method.sign.oauth1.as_ref();
        if !signs.is_some_and(|signs| signs.token.is_some() && signs.token_secret.is_some()) {
            self.fault(key, "`sign.oauth1` has to name the token and its secret");
        }
    }

    pub(super) fn finish(&mut self, finish: &Finish) {
        let key = "obtain.code.finish";
        match finish.url.base_name() {
            Some(name) if !self.method.arriving.contains_key(name) => {
                self.fault(key, format!("`{name}` is an address that arrives, without a pattern"));
            }
            Some(_) => {}
            None => self.url(key, &finish.url),
        }
        if let Some(with) = &finish.with {
            self.name(key, with);
        }
    }

    pub(super) fn headers(&mut self, key: &str, headers: &[HeaderRule]) {
        for rule in headers {
            let key = format!("{key}.{}", rule.name);
            if is_of_connection(&rule.name) {
                self.fault(
                    &key,
                    format!(
                        "`{}` belongs to the connection and is written by the HTTP client alone",
                        rule.name
                    ),
                );
            }
            match (&rule.value, &rule.basic) {
                (Some(template), None) => self.template(&key, template),
                (None, Some((user, password))) => {
                    self.name(&key, user);
                    if !password.is_empty() {
                        self.name(&key, password);
                    }
                }
                _ => self.fault(&key, "a header needs `value` or `basic`, and not both"),
            }
            if let Some(when) = &rule.when {
                self.name(&key, &when.value);
            }
            if let Some(named) = &rule.named {
                self.name(&key, named);
            }
        }
    }

    pub(super) fn call(&mut self, key: &str, call: &Call) {
        if let Some(root) = &call.root {
            self.url(&format!("{key}.root"), root);
        }
        self.template(&format!("{key}.path"), &call.path);
        self.pairs(&format!("{key}.json_fields"), &call.json_fields);
        self.pairs(&format!("{key}.query"), &call.query);
        self.pairs(&format!("{key}.form"), &call.form);
        self.headers(&format!("{key}.headers"), &call.headers);
        if call
            .json
            .as_ref()
            .is_some_and(|json| serde_json::from_str::<serde_json::Value>(json).is_err())
        {
            self.fault(&format!("{key}.json"), "not JSON");
        }
    }

    pub(super) fn token_call(&mut self, key: &str, call: &TokenCall) {
        self.url(&format!("{key}.url"), &call.url);
        self.pairs(&format!("{key}.parameters"), &call.parameters);
        self.pairs(&format!("{key}.query"), &call.query);
        self.headers(&format!("{key}.headers"), &call.headers);
        for name in ["client_id", "client_secret"] {
            if !call.leaves_out(name) {
                self.name(key, name);
            }
        }
    }

    pub(super) fn sign(&mut self, key: &str, sign: &Sign) {
        self.headers(&format!("{key}.headers"), &sign.headers);
        self.pairs(&format!("{key}.query"), &sign.query);
        self.pairs(&format!("{key}.query_if_absent"), &sign.query_if_absent);
        self.pairs(&format!("{key}.form"), &sign.form);
        if !sign.form.is_empty() && !self.method.signs_body {
            self.fault(&format!("{key}.form"), "fields of a body need `signs_body`");
        }
        if let Some(oauth1) = &sign.oauth1 {
            self.name(&format!("{key}.oauth1.consumer_key"), &oauth1.consumer_key);
            self.name(&format!("{key}.oauth1.consumer_secret"), &oauth1.consumer_secret);
            for name in oauth1.token.iter().chain(&oauth1.token_secret) {
                self.name(&format!("{key}.oauth1"), name);
            }
        }
        if let Some(recipe) = &sign.recipe {
            self.name(&format!("{key}.recipe.key"), &recipe.key);
            self.pairs(&format!("{key}.recipe.parameters"), &recipe.parameters);
            self.pairs(&format!("{key}.recipe.if_absent"), &recipe.if_absent);
            for token in &recipe.tokens {
                self.template(&format!("{key}.recipe.tokens.{}", token.name), &token.value);
            }
        }
        let data = !sign.headers.is_empty()
            || !sign.query.is_empty()
            || !sign.form.is_empty()
            || sign.oauth1.is_some()
            || sign.recipe.is_some();
        if !data && self.method.quirk.is_none() {
            self.fault(key, "nothing here authenticates a call");
        }
    }
}
