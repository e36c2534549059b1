//! Which changes of a definition stores that are connected would not outlive. What a store keeps was made by the definition
//! of its day: a method that is in use keeps its kind, its client, its identity and all values that calls are made from.

use std::collections::BTreeMap;
use std::mem::discriminant;

use crate::platform::check::known;
use crate::platform::descriptor::{Method, Platform};
use crate::platform::field::{Field, Takes};

/// What of a change would break stores that use `methods` of a platform; `before` is unknown where the definition was
/// broken. Each entry names the key and says why.
pub fn breaks(before: Option<&Platform>, after: &Platform, methods: &[String]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for id in methods {
        let Some(new) = after.method(id) else {
            found.push((
                "methods".to_owned(),
                format!("stores are connected with the method `{id}`, so it has to stay"),
            ));
            continue;
        };
        let Some(old) = before.and_then(|before| before.method(id)) else {
            continue;
        };
        let at = after
            .methods
            .iter()
            .position(|method| method.id == *id)
            .unwrap_or_default();
        let broken = of_method(old, new).into_iter();
        found.extend(broken.map(|(key, message)| (format!("methods[{at}].{key}"), message)));
    }
    found
}

fn of_method(old: &Method, new: &Method) -> Vec<(String, String)> {
    const STAYS: &str = "stores are connected with this method, so it has to stay as it is: add another method instead";
    let mut found = Vec::new();
    let mut keep = |same: bool, key: &str| {
        if !same {
            found.push((key.to_owned(), STAYS.to_owned()));
        }
    };
    keep(discriminant(&old.obtain) == discriminant(&new.obtain), "obtain");
    keep(old.renewal == new.renewal, "obtain");
    keep(old.client == new.client, "client");
    keep(old.identity == new.identity, "identity");
    keep(old.identity_template == new.identity_template, "identity_template");
    keep(old.app_fields.is_empty() == new.app_fields.is_empty(), "app_fields");
    for (kind, fields) in [("fields", &new.fields), ("app_fields", &new.app_fields)] {
        for (at, field) in fields.iter().enumerate() {
            let key = format!("{kind}[{at}]");
            match old.field(&field.name) {
                Some(known) => keep(takes_the_same(known, field), &key),
                None => keep(!field.required || field.default.is_some(), &key),
            }
        }
    }
    let (had, has) = (known(old), known(new));
    for name in has.difference(&had) {
        // A value that only new grants bring is missing in the credentials of now.
        let needless = new.field(name).is_some() || new.lookups.contains_key(name);
        keep(needless, &format!("obtain ({name})"));
    }
    keep(arriving(old) == arriving(new), "arriving");
    found
}

/// A value that leads somewhere is checked again at each call, with the pattern of the day.
fn takes_the_same(old: &Field, new: &Field) -> bool {
    old.takes == new.takes
        && old.secret == new.secret
        && (new.takes == Takes::Text || old.pattern.as_str() == new.pattern.as_str())
}

fn arriving(method: &Method) -> BTreeMap<&str, (Takes, &str)> {
    let values = method.arriving.iter();
    values
        .map(|(name, value)| (name.as_str(), (value.takes, value.pattern.as_str())))
        .collect()
}
