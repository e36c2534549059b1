//! Looking at what is stored, and waiting for what will be: tests poll for the event they mean, a bounded number of
//! times, and never for a time to pass. A look that itself waits for something is given up after a while, so that one
//! failing test cannot hold up all others.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::Value;

use super::database::TestDatabase;
use super::test_app::TestApp;

/// Looks up to this often before a test gives up on an event.
const TRIES: u32 = 1500;
const PAUSE: Duration = Duration::from_millis(20);
/// As long as the tries take when looking costs nothing, five times over.
const PATIENCE: Duration = Duration::from_secs(150);

/// What `look` finds, as soon as it finds something.
pub async fn until<T>(event: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looked = tokio::time::timeout(PATIENCE, async {
        for _ in 0..TRIES {
            if let Some(found) = look().await {
                return Some(found);
            }
            tokio::time::sleep(PAUSE).await;
        }
        None
    });
    match looked.await {
        Ok(Some(found)) => found,
        Ok(None) | Err(_) => panic!("it never came true that {event}"),
    }
}

/// The rows of a query as JSON objects.
pub fn rows(database: &TestDatabase, query: &str) -> Vec<Value> {
    #[derive(QueryableByName)]
    struct Json {
        #[diesel(sql_type = Text)]
        json: String,
    }
    let wrapped = format!("SELECT coalesce(json_agg(t), '[]')::text AS json FROM ({query}) t");
    let found: Json = diesel::sql_query(&wrapped)
        .get_result(&mut database.connect())
        .unwrap_or_else(|error| panic!("{query}: {error}"));
    serde_json::from_str(&found.json).unwrap()
}

/// The one row of a query.
pub fn row(database: &TestDatabase, query: &str) -> Value {
    let mut found = rows(database, query);
    assert_eq!(found.len(), 1, "{query}: {found:?}");
    found.remove(0)
}

/// The number that a query calls `n`.
pub fn count(database: &TestDatabase, query: &str) -> i64 {
    row(database, query)["n"].as_i64().unwrap()
}

/// How many rows a statement changed.
pub fn execute(database: &TestDatabase, statement: &str) -> usize {
    diesel::sql_query(statement)
        .execute(&mut database.connect())
        .unwrap_or_else(|error| panic!("{statement}: {error}"))
}

/// Whether a token call that a platform received asks for a renewal, not for a first token.
pub fn is_refresh(entry: &Value) -> bool {
    refresh_token(entry).is_some()
}

/// Whether a platform received it as a call of this path.
pub fn is_call_of(entry: &Value, path: &str) -> bool {
    entry["token_call"] == false && entry["url"].as_str().is_some_and(|url| url.contains(path))
}

/// The refresh token that a token call carried.
pub fn refresh_token(entry: &Value) -> Option<String> {
    let form = entry["form"].as_array().cloned().unwrap_or_default();
    let in_form = form
        .iter()
        .find(|pair| pair[0] == "refresh_token")
        .and_then(|pair| pair[1].as_str());
    if let Some(token) = in_form {
        return Some(token.to_owned());
    }
    let body: Value = serde_json::from_str(entry["body"].as_str()?).ok()?;
    body["refresh_token"].as_str().map(str::to_owned)
}

/// Lets a worker run until no job is due and none is under way.
pub async fn work(app: &TestApp) {
    let runner = llavero::jobs::Runner::start(app.app.clone());
    until("no job is due", async || {
        // In one look: between two, a job may begin, or end and leave another. A worker that has begun has its purge.
        let open = format!(
            "SELECT count(*) FILTER (WHERE status = 'running' OR (status = 'ready' AND due_at <= '{}')) \
             + (count(*) FILTER (WHERE kind = 'purge') = 0)::int AS n FROM jobs",
            app.clock.now().to_rfc3339()
        );
        (count(&app.database, &open) == 0).then_some(())
    })
    .await;
    runner.stop().await;
}
