//! The words of states, kinds and actions in the reader's language, with the tone each has. Closed lists come from the
//! domain; a test sees to it that none of their words is missing.

use crate::domain::admin::{ActorKind, Role};
use crate::domain::job::{Job, JobStatus};
use crate::domain::notice::{Audience, NoticeKind, NoticeStatus};
use crate::domain::refresh::{RefreshOutcome, RefreshTrigger};
use crate::domain::store::{Mode, StatusReason, StoreHealth, StoreStatus};
use crate::domain::webhook::{DeliveryStatus, DisabledReason};
use crate::web::Frame;
use crate::web::parts::{Badge, Tone};

/// The key of a word's text.
fn key(list: &str, word: &str) -> String {
    format!("admin-{list}-{}", word.replace(['_', '.', ':'], "-"))
}

fn say(page: &Frame, list: &str, word: &str) -> String {
    page.say(&key(list, word))
}

pub fn status(page: &Frame, status: StoreStatus) -> Badge {
    let tone = match status {
        StoreStatus::Connected => Tone::Good,
        StoreStatus::NeedsReauthorization => Tone::Bad,
        StoreStatus::Revoked => Tone::Idle,
    };
    Badge::new(tone, say(page, "status", status.as_str()))
}

/// What the state means for calls, as a sentence.
pub fn status_meaning(page: &Frame, status: StoreStatus) -> String {
    say(page, "status-meaning", status.as_str())
}

pub fn reason(page: &Frame, reason: StatusReason) -> String {
    say(page, "reason", reason.as_str())
}

pub fn health(page: &Frame, health: StoreHealth) -> Badge {
    let tone = match health {
        StoreHealth::Ok => Tone::Good,
        StoreHealth::RefreshFailing | StoreHealth::RefreshInDoubt => Tone::Warn,
        StoreHealth::PlatformUnavailable => Tone::Info,
        StoreHealth::AppMisconfigured => Tone::Bad,
    };
    Badge::new(tone, say(page, "health", health.as_str()))
}

/// What the state of health means, as a sentence.
pub fn health_meaning(page: &Frame, health: StoreHealth) -> String {
    say(page, "health-meaning", health.as_str())
}

pub fn mode(page: &Frame, mode: Mode) -> Badge {
    let tone = match mode {
        Mode::Live => Tone::Info,
        Mode::Sandbox => Tone::Warn,
    };
    Badge::new(tone, say(page, "mode", mode.as_str()))
}

pub fn outcome(page: &Frame, outcome: RefreshOutcome) -> Badge {
    let tone = match outcome {
        RefreshOutcome::Renewed | RefreshOutcome::Unchanged => Tone::Good,
        RefreshOutcome::Superseded => Tone::Idle,
        RefreshOutcome::Dead | RefreshOutcome::AppBroken => Tone::Bad,
        RefreshOutcome::Refused
        | RefreshOutcome::Throttled
        | RefreshOutcome::Down
        | RefreshOutcome::Unknown
        | RefreshOutcome::NotSent
        | RefreshOutcome::AnswerLost => Tone::Warn,
    };
    Badge::new(tone, say(page, "outcome", outcome.as_str()))
}

pub fn trigger(page: &Frame, trigger: RefreshTrigger) -> String {
    say(page, "trigger", trigger.as_str())
}

pub fn job_status(page: &Frame, status: JobStatus) -> Badge {
    let tone = match status {
        JobStatus::Ready => Tone::Info,
        JobStatus::Running => Tone::Warn,
        JobStatus::Done => Tone::Good,
        JobStatus::Failed => Tone::Bad,
    };
    Badge::new(tone, say(page, "job-status", status.as_str()))
}

pub fn job_kind(page: &Frame, kind: &str) -> String {
    known(page, "job", kind, Job::KINDS)
}

pub fn notice_status(page: &Frame, status: NoticeStatus) -> Badge {
    let tone = match status {
        NoticeStatus::Pending => Tone::Info,
        NoticeStatus::Sent => Tone::Good,
        NoticeStatus::Failed => Tone::Bad,
        NoticeStatus::Skipped => Tone::Idle,
    };
    Badge::new(tone, say(page, "notice-status", status.as_str()))
}

pub fn notice_kind(page: &Frame, kind: NoticeKind) -> String {
    say(page, "notice", kind.as_str())
}

pub fn delivery_status(page: &Frame, status: DeliveryStatus) -> Badge {
    let tone = match status {
        DeliveryStatus::Pending => Tone::Info,
        DeliveryStatus::Delivered => Tone::Good,
        DeliveryStatus::DeadLettered => Tone::Bad,
    };
    Badge::new(tone, say(page, "delivery", status.as_str()))
}

/// Why an endpoint is switched off.
pub fn disabled_reason(page: &Frame, reason: DisabledReason) -> String {
    say(page, "disabled", reason.as_str())
}

pub fn audience(page: &Frame, audience: Audience) -> String {
    say(page, "audience", audience.as_str())
}

pub fn role(page: &Frame, role: Role) -> String {
    say(page, "role", role.as_str())
}

pub fn actor_kind(page: &Frame, kind: ActorKind) -> String {
    say(page, "actor", kind.as_str())
}

/// An action in words; one that this version does not know as it is written. A test finds those without words.
pub fn action(page: &Frame, action: &str) -> String {
    let key = key("action", action);
    if page.knows(&key) {
        page.say(&key)
    } else {
        action.to_owned()
    }
}

/// What stands in the place of a store's health once it has moved to another installation.
pub fn frozen(page: &Frame) -> Badge {
    Badge::new(Tone::Idle, page.say("admin-frozen"))
}

fn known(page: &Frame, list: &str, word: &str, all: &[&str]) -> String {
    if all.contains(&word) {
        say(page, list, word)
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::i18n::{Language, Texts};

    #[test]
    fn every_word_of_a_closed_list_has_its_text() {
        fn keys(list: &str, words: impl IntoIterator<Item = &'static str>) -> Vec<String> {
            words.into_iter().map(|word| key(list, word)).collect()
        }
        macro_rules! words {
            ($list:literal, $name:ident) => {
                keys($list, $name::ALL.iter().map(|word| word.as_str()))
            };
        }
        let all = [
            words!("status", StoreStatus),
            words!("status-meaning", StoreStatus),
            words!("reason", StatusReason),
            words!("health", StoreHealth),
            words!("health-meaning", StoreHealth),
            words!("mode", Mode),
            words!("outcome", RefreshOutcome),
            words!("trigger", RefreshTrigger),
            words!("job-status", JobStatus),
            words!("notice-status", NoticeStatus),
            words!("notice", NoticeKind),
            words!("delivery", DeliveryStatus),
            words!("disabled", DisabledReason),
            words!("audience", Audience),
            words!("role", Role),
            words!("actor", ActorKind),
            keys("job", Job::KINDS.iter().copied()),
            (1..=12).map(|month| format!("admin-month-{month}")).collect(),
        ];
        let texts = Texts::embedded().unwrap();
        let missing: Vec<_> = all
            .concat()
            .into_iter()
            .filter(|key| !texts.has(Language::En, key))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
