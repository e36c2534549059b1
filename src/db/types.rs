//! How domain types stand in columns: words as text, ids as uuid, lists of text without holes. And the SQL functions of
//! the schema.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types;
use std::io::Write;

use crate::domain::access_token::TokenHash;
use crate::domain::id::{self, Id};

diesel::define_sql_function! {
    /// The time every statement uses; see the migration.
    fn llavero_now() -> Timestamptz;
}

macro_rules! text_words {
    ($($name:path,)*) => {$(
        impl ToSql<sql_types::Text, Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                out.write_all(self.as_str().as_bytes())?;
                Ok(IsNull::No)
            }
        }

        impl FromSql<sql_types::Text, Pg> for $name {
            fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                let text = <String as FromSql<sql_types::Text, Pg>>::from_sql(value)?;
                Ok(text.parse()?)
            }
        }
    )*};
}

text_words! {
    crate::domain::admin::ActorKind,
    crate::domain::admin::Role,
    crate::domain::connect::ConnectFailure,
    crate::domain::connect::Language,
    crate::domain::connect::SessionStatus,
    crate::domain::event::EventKind,
    crate::domain::job::JobStatus,
    crate::domain::notice::Audience,
    crate::domain::notice::NoticeKind,
    crate::domain::notice::NoticeStatus,
    crate::domain::refresh::FailureKind,
    crate::domain::refresh::RefreshOutcome,
    crate::domain::refresh::RefreshTrigger,
    crate::domain::refresh::SecretSet,
    crate::domain::store::MerchantMail,
    crate::domain::store::Mode,
    crate::domain::store::StatusReason,
    crate::domain::store::StoreHealth,
    crate::domain::store::StoreStatus,
    crate::domain::webhook::DeliveryStatus,
    crate::domain::webhook::DisabledReason,
}

macro_rules! uuid_ids {
    ($($name:ident,)*) => {$(
        impl ToSql<sql_types::Uuid, Pg> for id::$name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                out.write_all(self.uuid().as_bytes())?;
                Ok(IsNull::No)
            }
        }

        impl FromSql<sql_types::Uuid, Pg> for id::$name {
            fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                <uuid::Uuid as FromSql<sql_types::Uuid, Pg>>::from_sql(value).map(Id::from_uuid)
            }
        }
    )*};
}

uuid_ids! {
    AccessTokenId, AdminId, ApiKeyId, AppId, AuditEventId, ConnectSessionId, CredentialId, EventId,
    IdempotentRequestId, JobId, JournalId, NoticeId, PartnerId, PlatformAppId, RefreshLogId, StoreId, WebhookDeliveryId,
    WebhookEndpointId,
}

impl ToSql<sql_types::Bytea, Pg> for TokenHash {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql_types::Bytea, Pg> for TokenHash {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(value.as_bytes().try_into()?))
    }
}

/// A `text[]` column whose elements are never null.
#[derive(Debug, Clone, Default, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql_types::Array<sql_types::Nullable<sql_types::Text>>)]
pub struct Texts(pub Vec<String>);

type TextArray = sql_types::Array<sql_types::Nullable<sql_types::Text>>;

impl ToSql<TextArray, Pg> for Texts {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let elements: Vec<Option<&str>> = self.0.iter().map(|text| Some(text.as_str())).collect();
        ToSql::<TextArray, Pg>::to_sql(&elements, &mut out.reborrow())
    }
}

impl FromSql<TextArray, Pg> for Texts {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let elements = <Vec<Option<String>> as FromSql<TextArray, Pg>>::from_sql(value)?;
        Ok(Self(elements.into_iter().flatten().collect()))
    }
}
