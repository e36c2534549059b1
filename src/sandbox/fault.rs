//! Faults ordered through the control API for the next calls. What matters to a client is whether the platform had
//! already PROCESSED the request when it went wrong, so each fault says so: a lost answer is processed, an unprocessed one
//! and a plain error status are not.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which calls a fault waits for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Calls {
    Token,
    Api,
    #[default]
    All,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum FaultEffect {
    /// Processed; then the connection is closed without an answer.
    LostAnswer,
    /// The connection is closed; nothing was processed.
    Unprocessed,
    /// Answered as if the grant or credential were dead; nothing was processed.
    Refuse,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    pub calls: Calls,
    /// Answered instead of the platform's own status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Body of that answer; default: the platform's own error shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Seconds, sent as `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// With `status`: the request is processed all the same.
    pub processed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<FaultEffect>,
    /// Milliseconds between processing and answer.
    pub delay_ms: u64,
    /// Milliseconds before the request is processed, even if its sender has gone by then.
    pub delay_before_ms: u64,
}

/// An ordered fault and where it applies.
#[derive(Clone, Debug, Serialize)]
pub struct Ordered {
    pub platform: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    pub times: u64,
    #[serde(flatten)]
    pub fault: Fault,
}

/// Faults in the order in which they were ordered; a store's own come before its platform's.
#[derive(Debug, Default)]
pub struct Faults(VecDeque<Ordered>);

impl Faults {
    pub fn order(&mut self, ordered: Ordered) {
        self.0.push_back(ordered);
    }

    pub fn list(&self) -> impl Iterator<Item = &Ordered> {
        self.0.iter()
    }

    pub fn clear(&mut self, platform: Option<&str>) {
        self.0
            .retain(|ordered| platform.is_some_and(|slug| slug != ordered.platform));
    }

    /// The fault for this call, counted down.
    pub fn take(&mut self, platform: &str, store: Option<&str>, token_call: bool) -> Option<Fault> {
        let wanted = if token_call { Calls::Token } else { Calls::Api };
        let applies = |ordered: &Ordered| {
            ordered.platform == platform && (ordered.fault.calls == wanted || ordered.fault.calls == Calls::All)
        };
        let own = self
            .0
            .iter()
            .position(|ordered| applies(ordered) && ordered.store.is_some() && ordered.store.as_deref() == store);
        let index = own.or_else(|| {
            self.0
                .iter()
                .position(|ordered| applies(ordered) && ordered.store.is_none())
        })?;
        let ordered = self.0.get_mut(index)?;
        ordered.times = ordered.times.saturating_sub(1);
        let fault = ordered.fault.clone();
        if ordered.times == 0 {
            self.0.remove(index);
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(store: Option<&str>, calls: Calls, status: u16) -> Ordered {
        let fault = Fault {
            calls,
            status: Some(status),
            ..Fault::default()
        };
        Ordered {
            platform: "p".into(),
            store: store.map(str::to_owned),
            times: 1,
            fault,
        }
    }

    #[test]
    fn a_stores_own_fault_comes_first_and_only_as_often_as_ordered() {
        let mut faults = Faults::default();
        faults.order(ordered(None, Calls::All, 500));
        faults.order(ordered(Some("a"), Calls::Token, 429));
        assert_eq!(
            faults.take("p", Some("a"), true).and_then(|fault| fault.status),
            Some(429)
        );
        assert_eq!(
            faults.take("p", Some("b"), false).and_then(|fault| fault.status),
            Some(500)
        );
        assert!(faults.take("p", Some("a"), true).is_none());
    }
}
