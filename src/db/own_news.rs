//! What this process changes it forgets at once, not when its own NOTIFY comes back. The door to the database reads along
//! which news a unit of work sends, so no use case can forget to say so twice. Telling too much does no harm: what was
//! rolled back after all is only read once more.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::{Connection, DebugQuery, InstrumentationEvent};

use super::Conn;
use super::listen::{self, Hear, News};

/// The news of one unit of work; told when it is dropped.
pub(super) struct OwnNews {
    sent: Arc<Mutex<Vec<News>>>,
    hear: Hear,
}

impl OwnNews {
    /// Reads along from now on.
    pub(super) fn of(conn: &mut Conn, hear: Hear) -> Self {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let noting = Arc::clone(&sent);
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event
                && let Some(news) = news_in(query)
            {
                noting.lock().unwrap_or_else(PoisonError::into_inner).push(news);
            }
        });
        Self { sent, hear }
    }
}

impl Drop for OwnNews {
    fn drop(&mut self) {
        let sent = std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner));
        sent.into_iter().for_each(|news| (self.hear)(news));
    }
}

fn news_in(query: &dyn DebugQuery) -> Option<News> {
    let mut start = Start(String::new());
    write!(start, "{query}").ok()?;
    listen::sent(&start.0)
}

/// Takes the text of a statement for as long as it can be one that sends news.
struct Start(String);

impl Write for Start {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text.get(..text.len().min(100)).unwrap_or_default());
        let length = self.0.len().min(listen::NOTIFY.len());
        match self.0.get(..length) {
            Some(start) if listen::NOTIFY.starts_with(start) => Ok(()),
            _ => Err(fmt::Error),
        }
    }
}
