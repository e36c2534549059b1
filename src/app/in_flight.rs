//! Refreshes under way in this process: callers who want the same credential share one, and a graceful stop waits for
//! all. The turn belongs to the detached task that does the work; whoever waits may hang up without changing anything.
//! Other detached work that must not be cut short says so for as long as it lasts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::domain::id::CredentialId;
use crate::domain::refresh::Ended;

type Running = HashMap<CredentialId, watch::Receiver<Option<Ended>>>;

/// A cheap handle.
#[derive(Clone, Default)]
pub struct InFlight(Arc<Inner>);

struct Inner {
    running: Mutex<Running>,
    count: watch::Sender<usize>,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            running: Mutex::default(),
            count: watch::Sender::new(0),
        }
    }
}

/// The right to do the work; its end, however it comes, is told to all who wait.
pub struct Turn {
    inner: Arc<Inner>,
    credential: CredentialId,
    end: watch::Sender<Option<Ended>>,
}

/// Work that a graceful stop waits for.
pub struct Busy(Arc<Inner>);

/// The result of somebody's work, once it is there.
pub struct Wait(watch::Receiver<Option<Ended>>);

impl InFlight {
    /// Joins the refresh under way, or begins one: then there is a turn to take.
    pub fn join(&self, credential: CredentialId) -> (Wait, Option<Turn>) {
        let mut running = self.0.running();
        if let Some(wait) = running.get(&credential) {
            return (Wait(wait.clone()), None);
        }
        let (end, wait) = watch::channel(None);
        running.insert(credential, wait.clone());
        self.0.began();
        (
            Wait(wait),
            Some(Turn {
                inner: self.0.clone(),
                credential,
                end,
            }),
        )
    }

    pub fn contains(&self, credential: CredentialId) -> bool {
        self.0.running().contains_key(&credential)
    }

    /// Work of another kind, under way until this is dropped.
    pub fn busy(&self) -> Busy {
        self.0.began();
        Busy(self.0.clone())
    }

    /// Returns once nothing is under way.
    pub async fn idle(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.0.count.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Inner {
    fn running(&self) -> MutexGuard<'_, Running> {
        // A panic elsewhere leaves the map whole.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn began(&self) {
        self.count.send_modify(|count| *count += 1);
    }

    fn ended(&self) {
        self.count.send_modify(|count| *count = count.saturating_sub(1));
    }
}

impl Turn {
    /// Makes room first, then tells: whoever asks after that begins anew instead of getting an old result.
    pub fn end(self, ended: Ended) {
        let end = self.end.clone();
        drop(self);
        end.send_replace(Some(ended));
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut running = self.inner.running();
        running.remove(&self.credential);
        self.inner.ended();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.ended();
    }
}

impl Wait {
    pub async fn ended(mut self) -> Ended {
        match self.0.wait_for(Option::is_some).await {
            Ok(ended) => ended.clone().unwrap_or(Ended::Changed),
            // The task died without a word; the row tells what it did.
            Err(_) => Ended::Changed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;

    #[tokio::test]
    async fn callers_share_one_turn_and_its_end() {
        let in_flight = InFlight::default();
        let id = CredentialId::make(1, [1; 10]);
        let (first, turn) = in_flight.join(id);
        let (second, none) = in_flight.join(id);
        assert!(none.is_none() && in_flight.contains(id));
        turn.unwrap().end(Ended::Changed);
        assert_eq!(
            (first.ended().await, second.ended().await),
            (Ended::Changed, Ended::Changed)
        );
        in_flight.idle().await;
        assert!(!in_flight.contains(id));
    }

    #[tokio::test]
    async fn a_turn_that_is_dropped_frees_its_waiters() {
        let in_flight = InFlight::default();
        let (wait, turn) = in_flight.join(CredentialId::make(1, [1; 10]));
        drop(turn);
        assert_eq!(wait.ended().await, Ended::Changed);
        in_flight.idle().await;
    }
}
