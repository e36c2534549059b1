//! Work to do later. Payloads hold ids only: the job loads fresh state when it runs, and is safe to run twice.

use serde::{Deserialize, Serialize};

use super::id::{AppId, CredentialId, NoticeId, WebhookDeliveryId, WebhookEndpointId};

/// One kind of work with what it works on; stored as `kind` and `payload`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "payload", rename_all = "snake_case")]
pub enum Job {
    /// Refresh a credential ahead of its refresh token's death.
    RefreshCredential { credential: CredentialId },
    /// Send one recorded message.
    SendNotice { notice: NoticeId },
    /// Ask the platform whether credentials that can't be refreshed still work.
    VerifyCredential { credential: CredentialId },
    /// Announce the deadline of a credential that refreshing does not move.
    AnnounceDeadline { credential: CredentialId },
    /// Deliver the events that are due at one webhook endpoint. `delivery`: the one that is new, so that those who make
    /// some at the same time do not wait for each other; none: those that wait for their time.
    DeliverWebhook {
        endpoint: WebhookEndpointId,
        delivery: Option<WebhookDeliveryId>,
    },
    /// Seal every value again with the active key.
    Reseal {},
    /// Remove what is past its keeping time, and make the coming months' partitions.
    Purge {},
    /// Chain the audit events that are new.
    ChainAudit {},
}

/// A job with its time and, where waiting twins should merge, its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    pub job: Job,
    pub app: Option<AppId>,
    pub platform: Option<String>,
    pub due_at: chrono::DateTime<chrono::Utc>,
}

impl Job {
    /// Every kind by its stored name.
    pub const KINDS: &[&str] = &[
        "refresh_credential",
        "send_notice",
        "verify_credential",
        "announce_deadline",
        "deliver_webhook",
        "reseal",
        "purge",
        "chain_audit",
    ];

    /// All that is done about a credential in time.
    pub fn all_of(credential: CredentialId) -> [Self; 3] {
        [
            Self::RefreshCredential { credential },
            Self::VerifyCredential { credential },
            Self::AnnounceDeadline { credential },
        ]
    }

    /// The stored name of the kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RefreshCredential { .. } => "refresh_credential",
            Self::SendNotice { .. } => "send_notice",
            Self::VerifyCredential { .. } => "verify_credential",
            Self::AnnounceDeadline { .. } => "announce_deadline",
            Self::DeliverWebhook { .. } => "deliver_webhook",
            Self::Reseal {} => "reseal",
            Self::Purge {} => "purge",
            Self::ChainAudit {} => "chain_audit",
        }
    }

    /// At most one waiting job has this key; a second one only moves its time.
    pub fn unique_key(&self) -> String {
        match self {
            Self::RefreshCredential { credential } => format!("refresh_credential:{credential}"),
            Self::VerifyCredential { credential } => format!("verify_credential:{credential}"),
            Self::SendNotice { notice } => format!("send_notice:{notice}"),
            Self::AnnounceDeadline { credential } => format!("announce_deadline:{credential}"),
            Self::DeliverWebhook {
                delivery: Some(delivery),
                ..
            } => format!("deliver_webhook:{delivery}"),
            Self::DeliverWebhook {
                endpoint,
                delivery: None,
            } => format!("deliver_webhook:{endpoint}"),
            Self::Reseal {} => "reseal".to_owned(),
            Self::Purge {} => "purge".to_owned(),
            Self::ChainAudit {} => "chain_audit".to_owned(),
        }
    }

    /// Tries after which a job is a dead letter.
    pub fn max_attempts(&self) -> i32 {
        match self {
            // These schedule their own next time; the job itself must not give up during a long outage.
            Self::RefreshCredential { .. }
            | Self::VerifyCredential { .. }
            | Self::AnnounceDeadline { .. }
            | Self::DeliverWebhook { .. }
            | Self::Purge {}
            | Self::ChainAudit {} => i32::MAX,
            // Over three days: a mail server that was given a wrong password on a Friday loses nothing until Monday.
            Self::SendNotice { .. } => 100,
            Self::Reseal {} => 100,
        }
    }
}

words! {
    /// State of a job; `Failed` is the dead letter.
    JobStatus {
        Ready = "ready",
        Running = "running",
        Done = "done",
        Failed = "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;

    #[test]
    fn the_stored_kind_is_the_serialised_tag() {
        let credential = CredentialId::make(1, [1; 10]);
        for job in [
            Job::RefreshCredential { credential },
            Job::VerifyCredential { credential },
            Job::AnnounceDeadline { credential },
            Job::DeliverWebhook {
                endpoint: WebhookEndpointId::make(1, [2; 10]),
                delivery: None,
            },
            Job::Reseal {},
            Job::Purge {},
            Job::ChainAudit {},
        ] {
            let value = serde_json::to_value(&job).unwrap();
            assert_eq!(value["kind"], job.kind());
            assert!(Job::KINDS.contains(&job.kind()), "{}", job.kind());
            assert_eq!(serde_json::from_value::<Job>(value).unwrap(), job);
        }
    }
}
