//! How the vocabulary of `base` stands in columns: ids and times as integers, closed sets as their names.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::base::clock::Time;
use crate::base::day::Day;
use crate::base::ids::*;
use crate::base::job::{JobKind, JobState, Lane};
use crate::base::roles::{Role, SiteRole};

macro_rules! integer_columns {
    ($($name:ident),+) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.0.into())
            }
        }
        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_i64().map($name)
            }
        }
    )+};
}

integer_columns!(
    Time,
    UserId,
    ProjectId,
    FeedbackId,
    MediaId,
    CommentId,
    UploadId,
    JobId,
    SessionId,
    InvitationId,
    EntryId,
    PlanId,
    NoticeId,
    MailId,
    WebhookId,
    DeliveryId,
    AlertId,
    AlertTargetId,
    AlertTellingId
);

/// Lets a closed set stand in a text column.
#[macro_export]
macro_rules! text_columns {
    ($($name:ty),+ $(,)?) => {$(
        impl $crate::engines::store::ToSql for $name {
            fn to_sql(&self) -> Result<$crate::engines::store::ToSqlOutput<'_>, $crate::engines::store::SqlError> {
                Ok(self.as_str().into())
            }
        }
        impl $crate::engines::store::FromSql for $name {
            fn column_result(
                value: $crate::engines::store::ValueRef<'_>,
            ) -> Result<Self, $crate::engines::store::FromSqlError> {
                $crate::engines::store::named(value)
            }
        }
    )+};
}

text_columns!(Role, SiteRole, JobKind, JobState, Lane);

impl ToSql for Day {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.to_string().into())
    }
}

impl FromSql for Day {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map_err(|()| FromSqlError::InvalidType)
    }
}

/// Reads a closed set from its name.
pub fn named<T: std::str::FromStr>(value: ValueRef<'_>) -> FromSqlResult<T> {
    value.as_str()?.parse().map_err(|_| FromSqlError::InvalidType)
}
