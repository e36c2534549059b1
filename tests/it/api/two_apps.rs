//! Two partners on one installation, each with fifty stores and the same customers' names, call whatever they like, both at
//! the same time: no id and no name of the one ever stands in an answer to the other, and no count counts them. Which app
//! an id belongs to is learnt from the answers: the first one that shows it. `TWO_APPS_CALLS` sets how many calls, `TWO_APPS_SEED` which, and with
//! `TWO_APPS_SECONDS=60` they go on for at least a minute.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use llavero::domain::store::Mode;
use serde_json::{Value, json};

use crate::support::connecting::{RETURN_URL, start_with};
use crate::support::partners::other_app;
use crate::support::rows::count;
use crate::support::test_app::{TestApp, Wishes, read};
use crate::support::visitor::Answer;

const CALLS: u64 = 2_000;
const STORES: usize = 50;

/// What one app has made, as far as it can know.
struct Side {
    /// Stands in all of its names.
    mark: &'static str,
    key: String,
    /// Id, token and customer of each living store.
    stores: Vec<(String, String, String)>,
    sessions: Vec<String>,
    endpoints: Vec<String>,
    renamed: u64,
}

/// Pseudo-random numbers that a seed repeats.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn one<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        (!all.is_empty()).then(|| &all[self.below(all.len())])
    }
}

/// Every id that was seen, with the side that saw it first.
#[derive(Default)]
struct Seen(BTreeMap<String, usize>);

impl Seen {
    /// Fails if the answer to `side` shows an id of the other, but for `sent`, which it named itself.
    fn look(&mut self, side: usize, value: &Value, sent: &str, what: &str) {
        match value {
            Value::String(text) if is_id(text) => {
                let first = *self.0.entry(text.clone()).or_insert(side);
                assert!(
                    first == side || sent.contains(text.as_str()),
                    "{what} shows {text}, which is the other app's"
                );
            }
            Value::Array(all) => all.iter().for_each(|one| self.look(side, one, sent, what)),
            Value::Object(all) => all.values().for_each(|one| self.look(side, one, sent, what)),
            _ => {}
        }
    }
}

fn is_id(text: &str) -> bool {
    text.rsplit_once('_')
        .is_some_and(|(_, digits)| digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

struct Both {
    app: TestApp,
    // Locked for a look or a change, never over a call.
    sides: [Mutex<Side>; 2],
    seen: Mutex<Seen>,
}

impl Both {
    async fn make() -> Self {
        let settings = vec![("LLAVERO_APP_RATE", "0"), ("LLAVERO_STORE_RATE", "0")];
        let app = start_with(Wishes {
            settings,
            ..Wishes::default()
        })
        .await;
        let other = other_app(&app, Mode::Sandbox).await;
        let side = |mark, key| {
            Mutex::new(Side {
                mark,
                key,
                stores: Vec::new(),
                sessions: Vec::new(),
                endpoints: Vec::new(),
                renamed: 0,
            })
        };
        let sides = [
            side("alpha", app.demo.api_key.expose().to_owned()),
            side("beta", other.key),
        ];
        let both = Self {
            app,
            sides,
            seen: Mutex::default(),
        };
        for number in 0..STORES {
            tokio::join!(both.connect(0, number), both.connect(1, number));
        }
        both
    }

    fn side(&self, side: usize) -> MutexGuard<'_, Side> {
        self.sides[side].lock().unwrap()
    }

    async fn connect(&self, side: usize, number: usize) {
        // Every tenth shop is a customer of both.
        let host = if number.is_multiple_of(10) {
            "both"
        } else {
            self.side(side).mark
        };
        let customer = format!("customer-{}", number % 20);
        let body = json!({
            "platform": "woocommerce", "method": "keys", "customer_id": customer,
            "fields": {
                "store_url": format!("https://{host}-{number}.example.com"),
                "consumer_key": "ck_5a00000000000000000000000000000000000001",
                "consumer_secret": "cs_5a00000000000000000000000000000000000001",
            },
        });
        let answer = self.call(side, "POST", "/v1/stores", Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let told = answer.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let store = text(&told["store"]["id"]);
        let token = text(&told["access_token"]);
        self.side(side).stores.push((store.clone(), token, customer));
        let name = format!("{} {number}", self.side(side).mark);
        self.call(
            side,
            "PATCH",
            &format!("/v1/stores/{store}"),
            Some(json!({ "name": name })),
        )
        .await;
    }

    async fn call(&self, side: usize, method: &str, path: &str, body: Option<Value>) -> Answer {
        let key = self.side(side).key.clone();
        self.call_with(side, &key, method, path, body).await
    }

    /// One call, whose answer must show nothing of the other side.
    async fn call_with(&self, side: usize, bearer: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let sent = format!("{path} {}", body.clone().unwrap_or_default());
        let mut request = self.app.request(bearer, method, path);
        if let Some(body) = &body {
            // Both use the same keys, for different requests.
            request = request.json(body);
        }
        let answer = read(request.send().await.unwrap()).await;
        let what = format!("{} {method} {path}", self.side(side).mark);
        assert!(answer.status < 500, "{what}: {}", answer.body);
        let other = self.side(1 - side).mark;
        let shown = format!("{:?} {}", answer.headers, answer.body);
        assert!(
            !shown.contains(other) || sent.contains(other),
            "{what} shows a name of {other}: {shown}"
        );
        if let Ok(told) = serde_json::from_str(&answer.body) {
            self.seen.lock().unwrap().look(side, &told, &sent, &what);
        }
        answer
    }

    /// All pages of a listing.
    async fn all(&self, side: usize, path: &str, limit: usize) -> Vec<Value> {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self
                .call(side, "GET", &format!("{path}limit={limit}{cursor}"), None)
                .await
                .json();
            found.extend(page["data"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    }

    /// Something that an app does with its own things.
    async fn own(&self, side: usize, dice: &mut Dice) {
        let chosen = dice.one(&self.side(side).stores).cloned();
        let Some((store, token, customer)) = chosen else {
            return;
        };
        let at = format!("/v1/stores/{store}");
        match dice.below(14) {
            0 => {
                let limit = 1 + dice.below(60);
                let found = self.all(side, "/v1/stores?status=connected&", limit).await.len();
                assert_eq!(
                    found,
                    self.side(side).stores.len(),
                    "every store of its own, and no other"
                );
            }
            1 => {
                let same = self.side(side).stores.iter().filter(|one| one.2 == customer).count();
                let path = format!("/v1/stores?status=connected&customer_id={customer}&");
                assert_eq!(self.all(side, &path, 7).await.len(), same, "{customer}");
            }
            2 => {
                let word = ["al", "be", "alpha 1", "beta 1", "both", "example"][dice.below(6)];
                self.all(side, &format!("/v1/stores?q={}&", word.replace(' ', "%20")), 20)
                    .await;
            }
            3 => {
                self.side(side).renamed += 1;
                let name = {
                    let own = self.side(side);
                    format!("{} {}", own.mark, own.renamed)
                };
                let answer = self.call(side, "PATCH", &at, Some(json!({ "name": name }))).await;
                assert_eq!(answer.json()["name"], json!(name));
            }
            4 => assert_eq!(self.call(side, "GET", &at, None).await.status, 200),
            5 => {
                let told = self.call_with(side, &token, "GET", "/v1/access", None).await.json();
                assert_eq!(told["store"]["id"], json!(store));
            }
            6 => {
                let told = self
                    .call(side, "POST", "/v1/introspect", Some(json!({ "token": token })))
                    .await
                    .json();
                assert_eq!(told["store_id"], json!(store));
            }
            7 => {
                let body = json!({ "customer_id": customer, "return_url": RETURN_URL });
                let told = self.call(side, "POST", "/v1/connect-sessions", Some(body)).await.json();
                self.side(side).sessions.push(told["id"].as_str().unwrap().to_owned());
            }
            8 => {
                let chosen = dice.one(&self.side(side).sessions).cloned();
                if let Some(session) = chosen {
                    let answer = self
                        .call(side, "GET", &format!("/v1/connect-sessions/{session}"), None)
                        .await;
                    assert_eq!(answer.status, 200);
                }
            }
            9 => {
                self.all(side, "/v1/events?", 200).await;
            }
            10 if self.side(side).endpoints.len() < 3 => {
                let url = format!("http://127.0.0.1:9/{}", self.side(side).mark);
                let told = self
                    .call(side, "POST", "/v1/webhook-endpoints", Some(json!({ "url": url })))
                    .await
                    .json();
                self.side(side).endpoints.push(told["id"].as_str().unwrap().to_owned());
            }
            10 => {
                self.all(side, "/v1/webhook-deliveries?", 100).await;
                let found = self.call(side, "GET", "/v1/webhook-endpoints", None).await.json();
                assert_eq!(found["data"].as_array().unwrap().len(), self.side(side).endpoints.len());
            }
            11 => {
                let told = self
                    .call(side, "POST", &format!("{at}/access-tokens"), Some(json!({})))
                    .await
                    .json();
                let token = told["access_token"].as_str().unwrap().to_owned();
                self.side(side)
                    .stores
                    .iter_mut()
                    .filter(|one| one.0 == store)
                    .for_each(|one| one.1.clone_from(&token));
            }
            12 if self.side(side).stores.len() > STORES / 2 => {
                assert_eq!(self.call(side, "DELETE", &at, None).await.status, 204);
                self.side(side).stores.retain(|one| one.0 != store);
            }
            _ => {
                self.call(side, "GET", &format!("{at}/refreshes"), None).await;
                self.call(side, "GET", "/v1/app", None).await;
            }
        }
    }

    /// Something that an app tries with what belongs to the other.
    async fn foreign(&self, side: usize, dice: &mut Dice) {
        let (chosen, session, endpoint) = {
            let other = self.side(1 - side);
            (
                dice.one(&other.stores).cloned(),
                dice.one(&other.sessions).cloned(),
                dice.one(&other.endpoints).cloned(),
            )
        };
        let Some((store, token, _)) = chosen else { return };
        let at = format!("/v1/stores/{store}");
        let name = json!({ "name": self.side(side).mark });
        let (method, path, body) = match dice.below(12) {
            0 => ("GET", at, None),
            1 => ("PATCH", at, Some(name)),
            2 => ("DELETE", at, None),
            3 => ("POST", format!("{at}/access-tokens"), Some(json!({}))),
            4 => ("POST", format!("{at}/refresh"), None),
            5 => ("POST", format!("{at}/verify"), None),
            6 => (
                "POST",
                format!("{at}/reauthorize"),
                Some(json!({ "return_url": RETURN_URL })),
            ),
            7 => ("GET", format!("{at}/refreshes"), None),
            8 => (
                "GET",
                format!("/v1/connect-sessions/{}", session.unwrap_or_default()),
                None,
            ),
            9 => (
                "DELETE",
                format!("/v1/webhook-endpoints/{}", endpoint.unwrap_or_default()),
                None,
            ),
            10 => {
                let told = self
                    .call(side, "POST", "/v1/introspect", Some(json!({ "token": token })))
                    .await;
                assert_eq!((told.status, told.json()), (200, json!({ "active": false })));
                return;
            }
            _ => {
                let told = self
                    .call(side, "GET", &format!("/v1/events?store_id={store}"), None)
                    .await;
                assert_eq!(told.json()["data"], json!([]));
                return;
            }
        };
        let answer = self.call(side, method, &path, body).await;
        assert!(
            matches!(answer.status, 404 | 405),
            "{method} {path}: {} {}",
            answer.status,
            answer.body
        );
    }

    /// One partner at work, beside the other.
    async fn go_on(&self, side: usize, mut dice: Dice, calls: u64, is_time: impl Fn() -> bool) {
        let mut called = 0;
        while called < calls || is_time() {
            called += 1;
            if dice.below(3) == 0 {
                self.foreign(side, &mut dice).await;
            } else {
                self.own(side, &mut dice).await;
            }
        }
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how much is said from outside")]
async fn two_apps_see_nothing_of_each_other() {
    let wished = |name, usual| std::env::var(name).map_or(usual, |wished| wished.parse().unwrap());
    let (calls, seconds) = (wished("TWO_APPS_CALLS", CALLS), wished("TWO_APPS_SECONDS", 0));
    let seed = wished("TWO_APPS_SEED", 20_260_302).max(1);
    let (both, begun) = (Both::make().await, Instant::now());
    let is_time = || begun.elapsed() < Duration::from_secs(seconds);
    tokio::join!(
        both.go_on(0, Dice(seed), calls / 2, is_time),
        both.go_on(1, Dice(seed.rotate_left(32) | 1), calls / 2, is_time),
    );
    for side in 0..2 {
        let listed = both.all(side, "/v1/stores?status=connected&", 200).await.len();
        assert_eq!(listed, both.side(side).stores.len());
    }
    let crossed =
        "SELECT count(*) AS n FROM stores JOIN credentials c ON c.id = credential_id WHERE c.app_id <> stores.app_id";
    assert_eq!(count(&both.app.database, crossed), 0);
    let seen = &both.seen.lock().unwrap().0;
    let ids = seen.keys().filter(|id| id.starts_with("store_")).count();
    assert!(ids >= 2 * STORES, "{ids}");
    let of_the_other = seen.values().filter(|side| **side == 1).count();
    assert!(of_the_other > STORES, "the other app's ids were learnt");
}
