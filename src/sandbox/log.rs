//! The log of received requests, for tests and for people who wonder what was sent. Secrets stay visible in it: every one
//! of them is simulated. It holds the latest `KEPT` requests.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::call::{Call, Pairs};

const KEPT: usize = 10_000;

#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Counts from 1 since the log was last cleared.
    pub number: u64,
    pub at: DateTime<Utc>,
    pub platform: String,
    pub store: Option<String>,
    pub token_call: bool,
    pub method: String,
    /// The original URL.
    pub url: String,
    pub headers: Pairs,
    /// Decoded fields of a form body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub form: Pairs,
    /// Any other body, as text, as far as it was kept.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub body: String,
    pub body_bytes: u64,
    /// Whether the request was acted on, whatever was answered.
    pub processed: bool,
    /// None: the connection was closed without an answer.
    pub status: Option<u16>,
}

/// What happened to a request, beside what it was.
#[derive(Clone, Debug)]
pub struct Fate<'a> {
    pub at: DateTime<Utc>,
    pub platform: &'a str,
    pub store: Option<String>,
    pub token_call: bool,
    pub processed: bool,
    pub status: Option<u16>,
}

#[derive(Debug, Default)]
pub struct Log {
    entries: VecDeque<Entry>,
    received: u64,
}

/// How many requests of each kind are in a listing.
#[derive(Debug, Default, Serialize)]
pub struct Counts {
    pub token_calls: u64,
    pub api_calls: u64,
    /// Requests for each store id.
    pub stores: BTreeMap<String, u64>,
}

impl Log {
    pub fn add(&mut self, call: &Call, fate: Fate<'_>) {
        self.received += 1;
        let form = if call.has_form_body() {
            call.form_pairs()
        } else {
            Pairs::new()
        };
        let body = if form.is_empty() {
            String::from_utf8_lossy(&call.body).into_owned()
        } else {
            String::new()
        };
        self.entries.push_back(Entry {
            number: self.received,
            at: fate.at,
            platform: fate.platform.to_owned(),
            store: fate.store,
            token_call: fate.token_call,
            method: call.method.clone(),
            url: call.url(),
            headers: call.headers.clone(),
            form,
            body,
            body_bytes: call.body_bytes,
            processed: fate.processed,
            status: fate.status,
        });
        if self.entries.len() > KEPT {
            self.entries.pop_front();
        }
    }

    /// The entries that meet all given conditions, oldest first, and their counts.
    pub fn list(&self, platform: Option<&str>, store: Option<&str>, after: u64) -> (Vec<&Entry>, Counts) {
        let mut counts = Counts::default();
        let entries: Vec<&Entry> = self
            .entries
            .iter()
            .filter(|entry| platform.is_none_or(|slug| slug == entry.platform))
            .filter(|entry| store.is_none_or(|id| Some(id) == entry.store.as_deref()))
            .filter(|entry| entry.number > after)
            .collect();
        for entry in &entries {
            if entry.token_call {
                counts.token_calls += 1;
            } else {
                counts.api_calls += 1;
            }
            if let Some(store) = &entry.store {
                *counts.stores.entry(store.clone()).or_default() += 1;
            }
        }
        (entries, counts)
    }

    pub fn clear(&mut self) {
        self.entries.clear();
        self.received = 0;
    }
}
