//! Whose word counts, and where secrets go. A host that a merchant types, or that a callback or an answer brings, is
//! anybody's, unless its pattern takes nothing but names below a domain of the platform's. To anybody's host nothing goes
//! that the app registered; and what it says of a store is believed of itself only, so the store's identity holds it.

use std::collections::BTreeSet;

use super::Checker;
use crate::platform::descriptor::{ClientOwner, IdentitySource, Method, Platform};
use crate::platform::field::Takes;
use crate::platform::obtain::Obtain;
use crate::platform::template::UrlTemplate;

/// Hosts that are no platform's.
const FOREIGN: [&str; 7] = [
    "evil.example",
    "www.evil.example",
    "evil.com",
    "www.evil.com",
    "evil.com.br",
    "www.evil.com.br",
    "evil.example.com.evil.example",
];

impl Checker<'_> {
    pub(super) fn hosts(&mut self, platform: &Platform) {
        let method = self.method;
        let registered = method.client == ClientOwner::App || method.app_fields.iter().any(|field| field.secret);
        let mut told_by = BTreeSet::new();
        for (key, url) in addresses(platform, method) {
            for name in anybodys(method, url) {
                if registered {
                    self.fault(
                        &key,
                        format!("what the app registered would go to any host that `{name}` names: its pattern has to take names below one domain only"),
                    );
                }
                told_by.insert(name);
            }
        }
        for name in told_by {
            let named = method.identity_template.iter().flat_map(|identity| identity.names());
            let holds = named.into_iter().any(|named| source(method, named) == name);
            if method.identity == IdentitySource::Platform || !holds {
                self.fault(
                    "identity",
                    format!(
                        "any host that `{name}` names would say whose store it is: the identity has to hold `{name}`"
                    ),
                );
            }
        }
    }
}

/// The addresses that requests and browsers go to, each with its key.
pub(in crate::platform) fn addresses<'a>(platform: &'a Platform, method: &'a Method) -> Vec<(String, &'a UrlTemplate)> {
    let mut all = vec![("base_url".to_owned(), &method.base_url)];
    all.extend(platform.api_hosts.iter().map(|url| ("api_hosts".to_owned(), url)));
    match &method.obtain {
        Obtain::Code(code) => {
            all.push(("obtain.code.authorize".to_owned(), &code.authorize));
            all.push(("obtain.code.token.url".to_owned(), &code.token.url));
            let refresh = code.refresh.iter();
            all.extend(refresh.map(|call| ("obtain.code.refresh.url".to_owned(), &call.url)));
            all.extend(code.entrance.iter().map(|url| ("obtain.code.entrance".to_owned(), url)));
            let finish = code.finish.iter();
            all.extend(finish.map(|finish| ("obtain.code.finish.url".to_owned(), &finish.url)));
        }
        Obtain::Ask(ask) => {
            all.push(("obtain.ask.token.url".to_owned(), &ask.token.url));
            let refresh = ask.refresh.iter();
            all.extend(refresh.map(|call| ("obtain.ask.refresh.url".to_owned(), &call.url)));
        }
        Obtain::Oauth1(handshake) => all.extend([
            ("obtain.oauth1.request_token".to_owned(), &handshake.request_token),
            ("obtain.oauth1.authorize".to_owned(), &handshake.authorize),
            ("obtain.oauth1.token".to_owned(), &handshake.token),
        ]),
        Obtain::Given(given) => {
            let page = given.page.iter();
            all.extend(page.map(|page| ("obtain.given.page.url".to_owned(), &page.url)));
        }
    }
    let calls = [
        ("verify.call.root", method.verify.call.as_ref()),
        ("verify.otherwise.root", method.verify.otherwise.as_ref()),
        ("revoke.call.root", method.revoke.as_ref().map(|revoke| &revoke.call)),
    ];
    for (key, call) in calls {
        let root = call.and_then(|call| call.root.as_ref());
        all.extend(root.map(|url| (key.to_owned(), url)));
    }
    all
}

/// The value that a host's placeholder is made of.
pub(in crate::platform) fn source<'a>(method: &'a Method, name: &'a str) -> &'a str {
    let name = method.whole(name);
    let given = method.app_fields.iter().find(|field| field.name == name);
    given.and_then(|field| field.default_from.as_deref()).unwrap_or(name)
}

/// Values in the host's place that lead to whatever host somebody names.
fn anybodys<'a>(method: &'a Method, url: &'a UrlTemplate) -> Vec<&'a str> {
    let names = url.host_names().into_iter().chain(url.base_name());
    let names = names.map(|name| source(method, name));
    names.filter(|name| is_anybodys(method, name)).collect()
}

fn is_anybodys(method: &Method, name: &str) -> bool {
    if let Some(field) = method.fields.iter().find(|field| field.name == name) {
        let takes = |value: &str| field.check(value, false).is_ok();
        return field.choices.is_empty() && takes_foreign(field.takes, &field.example, takes);
    }
    method.arriving.get(name).is_some_and(|value| {
        let example = value.import.as_ref().map_or("", |import| &import.example);
        takes_foreign(value.takes, example, |given| value.check(given).is_some())
    })
}

/// Whether a host passes that is not below the example's domain.
fn takes_foreign(takes: Takes, example: &str, passes: impl Fn(&str) -> bool) -> bool {
    let bare = example.split_once("://").map_or(example, |(_, rest)| rest);
    let (host, path) = bare.split_at(bare.find('/').unwrap_or(bare.len()));
    let reaches = |host: &str| match takes {
        Takes::Host => passes(host),
        Takes::Url => ["", "/x", path]
            .iter()
            .any(|path| passes(&format!("https://{host}{path}"))),
        Takes::Label | Takes::Text | Takes::Path => false,
    };
    if FOREIGN.iter().any(|foreign| reaches(foreign)) {
        return true;
    }
    // What begins like the platform's own name, or only ends like it, is somebody else's.
    let longer = !host.is_empty() && reaches(&format!("{host}.evil.example"));
    let mut above = host
        .match_indices('.')
        .map(|(dot, _)| &host[dot + 1..])
        .collect::<Vec<_>>();
    above.reverse();
    let domain = above
        .into_iter()
        .find(|domain| domain.contains('.') && reaches(&format!("evil.{domain}")));
    longer || domain.is_some_and(|domain| reaches(&format!("evil{domain}")))
}
