//! Ids: UUIDv7 inside, `prefix_` + 32 hexadecimal digits outside. One type for each kind of row, so that a store's id
//! can't be handed in where an app's is wanted. Making one needs a time and randomness, which come in as arguments:
//! nothing in this layer asks the machine.

use std::fmt;
use std::str::FromStr;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use uuid::Uuid;

/// What all id types share: a fixed prefix and the way from and to a UUID.
pub trait Id: Copy + Eq + std::hash::Hash + fmt::Display + FromStr<Err = IdError> + Send + Sync + 'static {
    /// The text before the underscore, such as `store`.
    const PREFIX: &'static str;
    fn from_uuid(uuid: Uuid) -> Self;
    fn uuid(self) -> Uuid;

    /// A UUIDv7 from `unix_millis` and ten random bytes.
    fn make(unix_millis: u64, random: [u8; 10]) -> Self {
        Self::from_uuid(uuid::Builder::from_unix_timestamp_millis(unix_millis, &random).into_uuid())
    }
}

/// The text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}_<32 hexadecimal digits>")]
pub struct IdError {
    pub prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        pub struct $name(Uuid);

        impl Id for $name {
            const PREFIX: &'static str = $prefix;
            fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
            fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let wrong = IdError { prefix: $prefix };
                let digits = text.strip_prefix(concat!($prefix, "_")).ok_or(wrong.clone())?;
                // Only the form that we print: 32 lower-case digits, no hyphens, no braces.
                if digits.len() != 32 || !digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                    return Err(wrong);
                }
                Uuid::try_parse(digits).map(Self).map_err(|_| wrong)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some(concat!("^", $prefix, "_[0-9a-f]{32}$")))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A company that integrates; owns apps.
    PartnerId = "partner";
    /// One integration of a partner.
    AppId = "app";
    /// An OAuth client registered at a platform.
    PlatformAppId = "papp";
    /// A partner's API key of one app.
    ApiKeyId = "key";
    /// A person who signs in to the admin pages.
    AdminId = "admin";
    /// A connected store.
    StoreId = "store";
    /// What a platform gave in one grant.
    CredentialId = "cred";
    /// Our access token of a store.
    AccessTokenId = "token";
    /// One attempt to connect or re-authorize.
    ConnectSessionId = "cs";
    /// A row of the refresh log.
    RefreshLogId = "refresh";
    /// A row of the job table.
    JobId = "job";
    /// A message about a store.
    NoticeId = "notice";
    /// A row of the audit trail.
    AuditEventId = "audit";
    /// One process' journal, as named in a lease.
    JournalId = "journal";
    /// One event as a partner's webhook gets it.
    EventId = "evt";
    /// A partner's webhook endpoint.
    WebhookEndpointId = "whe";
    /// One event for one endpoint.
    WebhookDeliveryId = "whd";
    /// A request with an idempotency key.
    IdempotentRequestId = "idem";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_prints() {
        let id = StoreId::make(1_700_000_000_000, [7; 10]);
        let text = id.to_string();
        assert!(text.starts_with("store_"));
        assert_eq!(text.parse::<StoreId>(), Ok(id));
        assert_eq!(id.uuid().get_version_num(), 7);
    }

    #[test]
    fn an_id_of_another_kind_or_form_is_refused() {
        let id = StoreId::make(1, [0; 10]).to_string();
        assert!(id.parse::<AppId>().is_err());
        for text in ["", "store_", "store_ABC", &id.to_uppercase(), &format!("{id}0")] {
            assert!(text.parse::<StoreId>().is_err(), "{text}");
        }
    }
}
