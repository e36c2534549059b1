//! Credentials that the verify call has found good although a call was refused: what that call lacked is a right, and no
//! renewal brings it. So the next refusals are passed on, for a minute without asking anybody, and after that for as long
//! as the verify call says the same; a caller that goes on asking costs no token calls. Kept in memory, for each process.

use chrono::{DateTime, TimeDelta, Utc};
use moka::sync::Cache;

use crate::domain::credential::Generation;
use crate::domain::id::CredentialId;

/// How long nobody is asked again.
const SURE: TimeDelta = TimeDelta::minutes(1);
/// How long only the verify call is asked.
const KEPT: TimeDelta = TimeDelta::minutes(10);
const MOST: u64 = 10_000;

/// What is known of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It was accepted just now.
    Good,
    /// It was some minutes ago.
    WasGood,
}

/// A cheap handle.
#[derive(Clone)]
pub struct Accepted(Cache<CredentialId, Noted>);

/// Of a generation: until when nobody is asked, and until when only the verify call is.
#[derive(Debug, Clone, Copy)]
struct Noted {
    generation: Generation,
    sure_until: DateTime<Utc>,
    kept_until: DateTime<Utc>,
}

impl Default for Accepted {
    fn default() -> Self {
        Self(Cache::new(MOST))
    }
}

impl Accepted {
    /// The verify call accepted this generation.
    pub fn note(&self, credential: CredentialId, generation: Generation, now: DateTime<Utc>) {
        self.insert(credential, generation, now + SURE, now + KEPT);
    }

    /// This generation is new, was refused, and the verify call could not tell: for a moment there is nothing better to do.
    pub fn note_undecided(&self, credential: CredentialId, generation: Generation, now: DateTime<Utc>) {
        self.insert(credential, generation, now + SURE, now + SURE);
    }

    fn insert(
        &self,
        credential: CredentialId,
        generation: Generation,
        sure_until: DateTime<Utc>,
        kept_until: DateTime<Utc>,
    ) {
        let noted = Noted {
            generation,
            sure_until,
            kept_until,
        };
        self.0.insert(credential, noted);
    }

    /// `None`: nothing is known of this generation.
    pub fn find(&self, credential: CredentialId, generation: Generation, now: DateTime<Utc>) -> Option<Known> {
        let noted = self.0.get(&credential).filter(|noted| noted.generation == generation)?;
        if now < noted.sure_until {
            Some(Known::Good)
        } else {
            (now < noted.kept_until).then_some(Known::WasGood)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;

    #[test]
    fn what_was_accepted_is_known_for_its_generation_and_for_minutes() {
        let (accepted, now) = (Accepted::default(), DateTime::<Utc>::UNIX_EPOCH);
        let id = CredentialId::make(1, [1; 10]);
        let generation = |attempt| Generation { grant_no: 1, attempt };
        accepted.note(id, generation(1), now);
        for (minutes, wanted) in [
            (0, Some(Known::Good)),
            (1, Some(Known::WasGood)),
            (9, Some(Known::WasGood)),
            (10, None),
        ] {
            let found = accepted.find(id, generation(1), now + TimeDelta::minutes(minutes));
            assert_eq!(found, wanted, "{minutes}");
        }
        assert_eq!(accepted.find(id, generation(2), now), None);
        assert_eq!(accepted.find(CredentialId::make(2, [1; 10]), generation(1), now), None);
    }
}
