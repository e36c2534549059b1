//! Public keys that platforms sign their webhooks with, kept in memory for an hour: a platform publishes each under a name
//! and asks not to be asked about it for every message. Names that nobody has published are not kept, so that strangers
//! cannot fill this up; how often they may make us ask is counted in `arrivals`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::store::Mode;

const KEPT: TimeDelta = TimeDelta::hours(1);
/// More keys than any platform has at a time; beyond it the oldest go.
const MOST: usize = 64;

type Name = (String, Mode, String);
/// A key, and until when it is kept.
type Kept = (String, DateTime<Utc>);

/// A cheap handle.
#[derive(Clone, Default)]
pub struct HookKeys(Arc<Mutex<HashMap<Name, Kept>>>);

impl HookKeys {
    /// A platform's key as it published it, if that is not too long ago.
    pub fn find(&self, platform: &str, mode: Mode, key_id: &str, now: DateTime<Utc>) -> Option<String> {
        // A panic elsewhere leaves the map whole.
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (key, until) = known.get(&(platform.to_owned(), mode, key_id.to_owned()))?;
        (now < *until).then(|| key.clone())
    }

    pub fn keep(&self, platform: &str, mode: Mode, key_id: &str, key: String, now: DateTime<Utc>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            let oldest = known.iter().min_by_key(|(_, (_, until))| *until);
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                known.remove(&name);
            }
        }
        known.insert((platform.to_owned(), mode, key_id.to_owned()), (key, now + KEPT));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_for_an_hour_for_its_platform_and_mode_alone() {
        let (keys, now) = (HookKeys::default(), DateTime::<Utc>::UNIX_EPOCH);
        keys.keep("a", Mode::Live, "1", "key".to_owned(), now);
        let later = now + TimeDelta::minutes(59);
        assert_eq!(keys.find("a", Mode::Live, "1", later).as_deref(), Some("key"));
        for (platform, mode, id) in [
            ("b", Mode::Live, "1"),
            ("a", Mode::Sandbox, "1"),
            ("a", Mode::Live, "2"),
        ] {
            assert_eq!(keys.find(platform, mode, id, later), None);
        }
        assert_eq!(keys.find("a", Mode::Live, "1", now + KEPT), None);
    }

    #[test]
    fn no_more_keys_are_kept_than_platforms_have() {
        let (keys, now) = (HookKeys::default(), DateTime::<Utc>::UNIX_EPOCH);
        for n in 0..=MOST {
            let at = now + TimeDelta::seconds(i64::try_from(n).unwrap_or_default());
            keys.keep("a", Mode::Live, &n.to_string(), "key".to_owned(), at);
        }
        let now = now + TimeDelta::minutes(10);
        assert_eq!(keys.find("a", Mode::Live, "0", now), None);
        assert!(keys.find("a", Mode::Live, "1", now).is_some());
    }
}
