//! Whether a typed identity is a mere claim. What is typed beside keys is proven where a request that only good keys
//! pass carries it, or its answer has to say it; a name that nothing carries may be anybody's, whoever's the keys are.

use std::collections::BTreeSet;

use super::call::{Call, HeaderRule};
use super::check::hosts::source;
use super::descriptor::{IdentitySource, Method, Pair};
use super::obtain::{Obtain, TokenCall};
use super::sign::Sign;
use super::template::UrlTemplate;

/// Whether some part of the typed identity has no part in what proves the credential. What is typed has to be among shops that
/// a platform lists; what a quirk sends is not known
/// here: its platform's file says so itself (`identity_unproven`).
pub(super) fn is_claim(method: &Method) -> bool {
    let Some(identity) = &method.identity_template else {
        return false;
    };
    let listed = method.verify.shops.is_some();
    if listed || method.identity == IdentitySource::Platform || method.quirk.is_some() {
        return false;
    }
    let mut carried = Carried {
        method,
        names: BTreeSet::new(),
    };
    carried.all();
    let mut names = identity.names().map(|name| source(method, name));
    names.any(|name| !carried.names.contains(name))
}

struct Carried<'a> {
    method: &'a Method,
    names: BTreeSet<&'a str>,
}

impl<'a> Carried<'a> {
    fn all(&mut self) {
        let verify = &self.method.verify;
        for call in verify.call.iter().chain(&verify.otherwise) {
            self.call(call);
        }
        let listed = verify.lists.iter().chain(&verify.says);
        listed.for_each(|listed| self.names(listed.value.names()));
        self.names(verify.needs_at.as_deref());
        match &self.method.obtain {
            Obtain::Code(code) => self.token_call(&code.token),
            Obtain::Ask(ask) => self.token_call(&ask.token),
            Obtain::Oauth1(_) | Obtain::Given(_) => {}
        }
    }

    /// Names, and what their values follow from.
    fn names(&mut self, names: impl IntoIterator<Item = &'a str>) {
        for name in names {
            self.names.insert(source(self.method, name));
            if let Some(lookup) = self.method.lookups.get(name) {
                self.names.insert(source(self.method, &lookup.from));
            }
        }
    }

    fn url(&mut self, url: &'a UrlTemplate) {
        self.names(url.host_names());
        self.names(url.base_name());
        self.names(url.path_names());
    }

    fn pairs(&mut self, pairs: &'a [Pair]) {
        pairs.iter().for_each(|pair| self.names(pair.value.names()));
    }

    fn headers(&mut self, headers: &'a [HeaderRule]) {
        for rule in headers {
            self.names(rule.value.iter().flat_map(|value| value.names()));
            let basic = rule.basic.iter().flat_map(|(user, password)| [user, password]);
            self.names(basic.map(String::as_str));
        }
    }

    fn call(&mut self, call: &'a Call) {
        self.url(call.root.as_ref().unwrap_or(&self.method.base_url));
        self.names(call.path.names());
        self.pairs(&call.query);
        self.pairs(&call.form);
        self.pairs(&call.json_fields);
        self.headers(&call.headers);
        if !call.unsigned {
            self.sign(&self.method.sign);
        }
    }

    fn token_call(&mut self, call: &'a TokenCall) {
        self.url(&call.url);
        self.pairs(&call.parameters);
        self.pairs(&call.query);
        self.headers(&call.headers);
        let standard = ["client_id", "client_secret"].into_iter();
        self.names(standard.filter(|name| !call.leaves_out(name)));
        if call.signed {
            self.sign(&self.method.sign);
        }
    }

    fn sign(&mut self, sign: &'a Sign) {
        self.headers(&sign.headers);
        self.pairs(&sign.query);
        self.pairs(&sign.form);
        if let Some(oauth1) = &sign.oauth1 {
            let names = [&oauth1.consumer_key, &oauth1.consumer_secret].into_iter();
            let names = names.chain(&oauth1.token).chain(&oauth1.token_secret);
            self.names(names.map(String::as_str));
        }
        if let Some(recipe) = &sign.recipe {
            self.names([recipe.key.as_str()]);
            self.pairs(&recipe.parameters);
        }
    }
}
