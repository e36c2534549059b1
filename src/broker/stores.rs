//! What a partner says of its stores: names, the customer's id, whom to write to, data of its own.

use serde_json::Value;

use super::asker::Asker;
use super::{Error, FieldError};
use crate::app::App;
use crate::db;
use crate::db::store_list::ListedStore;
use crate::db::stores::Patch;
use crate::domain::connect::{CUSTOMER_ID_RULE, Language, is_customer_id};
use crate::domain::id::{AppId, StoreId};

const LONGEST_TEXT: usize = 200;
const LONGEST_METADATA: usize = 16 * 1024;

/// Changes what `patch` holds and gives the store as it is then. `StoreFrozen`: the change would be lost.
pub async fn patch(app: &App, asker: &Asker, owner: AppId, id: StoreId, patch: Patch) -> Result<ListedStore, Error> {
    let patch = checked(patch)?;
    let (asker, event) = (asker.clone(), app.id());
    app.db
        .transaction(move |conn| {
            db::stores::find_of(conn, owner, id)?.ok_or(Error::NotFound)?;
            let store = db::stores::lock(conn, id)?.ok_or(Error::NotFound)?;
            if db::frozen::any(conn, &[store.credential_id])? {
                return Err(Error::StoreFrozen);
            }
            db::stores::patch(conn, owner, id, &patch)?;
            db::listen::notify_store(conn, id)?;
            let details = serde_json::json!({ "fields": named(&patch) });
            db::audit::insert(conn, &asker.did(event, owner, "store.changed", id, details))?;
            db::store_list::find(conn, owner, id)?.ok_or(Error::NotFound)
        })
        .await
}

/// What [`patch`] would say of the values, before there is a store.
pub fn check(patch: &Patch) -> Result<(), Error> {
    checked(patch.clone()).map(drop)
}

/// The patch in its one spelling: trimmed, empty texts as none, the locale as one of our languages.
fn checked(mut patch: Patch) -> Result<Patch, Error> {
    let mut wrong = Vec::new();
    if let Some(name) = &mut patch.name {
        *name = name.trim().to_owned();
        if name.is_empty() {
            wrong.push(FieldError::new("name", "a store has a name"));
        }
        check_length("name", name, &mut wrong);
    }
    for (field, text) in [
        ("customer_id", &mut patch.customer_id),
        ("merchant.email", &mut patch.merchant_email),
        ("merchant.name", &mut patch.merchant_name),
        ("merchant.locale", &mut patch.merchant_locale),
    ] {
        let Some(given) = text else { continue };
        *given = given
            .take()
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty());
        match given {
            Some(id) if field == "customer_id" => {
                let refused = (!is_customer_id(id)).then(|| FieldError::new(field, CUSTOMER_ID_RULE));
                wrong.extend(refused);
            }
            Some(text) => check_length(field, text, &mut wrong),
            None => {}
        }
    }
    if let Some(Some(email)) = &patch.merchant_email
        && !looks_like_mail(email)
    {
        wrong.push(FieldError::new("merchant.email", "not a mail address"));
    }
    if let Some(Some(locale)) = &mut patch.merchant_locale {
        match Language::from_tag(locale) {
            Some(language) => *locale = language.as_str().to_owned(),
            None => wrong.push(FieldError::new("merchant.locale", "en, es or pt")),
        }
    }
    if let Some(metadata) = &patch.metadata {
        if !metadata.is_object() {
            wrong.push(FieldError::new("metadata", "an object"));
        } else if holds_nul(metadata) {
            wrong.push(FieldError::new("metadata", "without NUL characters"));
        } else if metadata.to_string().len() > LONGEST_METADATA {
            wrong.push(FieldError::new("metadata", "at most 16 KiB as JSON"));
        }
    }
    if wrong.is_empty() {
        Ok(patch)
    } else {
        Err(Error::Invalid(wrong))
    }
}

/// Postgres keeps no NUL in a text, nor in the name of a member.
fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn check_length(field: &str, text: &str, wrong: &mut Vec<FieldError>) {
    if text.chars().count() > LONGEST_TEXT || text.chars().any(char::is_control) {
        wrong.push(FieldError::new(
            field,
            format!("at most {LONGEST_TEXT} printable characters"),
        ));
    }
}

/// Enough to catch a value in the wrong field; whether the mailbox exists only a mail can tell.
fn looks_like_mail(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && host.contains('.') && !host.contains('@') && !text.contains(char::is_whitespace)
    })
}

/// The fields that a patch touches; their values stay out of the trail.
fn named(patch: &Patch) -> Vec<&'static str> {
    [
        ("name", patch.name.is_some()),
        ("customer_id", patch.customer_id.is_some()),
        ("merchant.email", patch.merchant_email.is_some()),
        ("merchant.name", patch.merchant_name.is_some()),
        ("merchant.locale", patch.merchant_locale.is_some()),
        ("metadata", patch.metadata.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, touched)| touched.then_some(name))
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_is_brought_to_one_spelling() {
        let given = Patch {
            name: Some(" Shop ".to_owned()),
            customer_id: Some(Some("  ".to_owned())),
            merchant_locale: Some(Some("pt-BR".to_owned())),
            ..Patch::default()
        };
        let patch = checked(given).unwrap();
        assert_eq!(patch.name.as_deref(), Some("Shop"));
        assert_eq!(patch.customer_id, Some(None));
        assert_eq!(patch.merchant_locale, Some(Some("pt".to_owned())));
    }

    #[test]
    fn only_a_nul_is_refused_in_metadata_and_no_text_that_spells_one() {
        let with = |metadata: Value| Patch {
            metadata: Some(metadata),
            ..Patch::default()
        };
        for good in [
            json!({ "path": "C:\\u0000" }),
            json!({ "\\u0000": [1, null, "\\\\u0000"] }),
        ] {
            assert!(checked(with(good.clone())).is_ok(), "{good}");
        }
        for bad in [
            json!({ "note": "a\0" }),
            json!({ "\0": 1 }),
            json!({ "deep": [{ "note": ["\0"] }] }),
        ] {
            let Err(Error::Invalid(wrong)) = checked(with(bad.clone())) else {
                panic!("{bad}")
            };
            assert_eq!(wrong[0].field, "metadata");
        }
    }

    #[test]
    fn every_wrong_field_is_told() {
        let given = Patch {
            name: Some(String::new()),
            merchant_email: Some(Some("nobody".to_owned())),
            merchant_locale: Some(Some("xx".to_owned())),
            metadata: Some(serde_json::json!([])),
            ..Patch::default()
        };
        let Err(Error::Invalid(wrong)) = checked(given) else {
            panic!("refused")
        };
        let fields: Vec<&str> = wrong.iter().map(|wrong| wrong.field.as_str()).collect();
        assert_eq!(fields, ["name", "merchant.email", "merchant.locale", "metadata"]);
    }
}
