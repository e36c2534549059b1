//! A command ends as it said it would, also while a thread of its own is still on the way to the database: scripts read
//! its exit code.

use std::process::{ExitStatus, Stdio};

use crate::support::database::TestDatabase;
use crate::support::installation::Installation;
use crate::support::processes::program;
use crate::support::rows;

/// What Postgres keeps of the password `slow` (RFC 5802) when a client has to hash it 200,000 times for each connection:
/// PBKDF2 with the salt `salt of the test`, then the stored key and the server key.
const VERIFIER: &str = "SCRAM-SHA-256$200000:c2FsdCBvZiB0aGUgdGVzdA==$fysL7udi04bewYbNGxQZ3nFUEIxYFWVn4Hxwq1MpfGs=\
    :18vzwGMS7cG4y9DNFB7KV/YaG2L4br2b2p45C8KOAWU=";

/// So often that one of the commands is all but sure to end at the wrong moment.
const TIMES: usize = 15;

/// A role for which it takes long to connect; dropped at the end, as roles belong to no database.
struct SlowRole<'a> {
    database: &'a TestDatabase,
    name: String,
}

impl<'a> SlowRole<'a> {
    fn of(database: &'a TestDatabase) -> Self {
        let url = database.url();
        let name = format!("slow_{}", url.rsplit('/').next().unwrap());
        rows::execute(
            database,
            &format!("CREATE ROLE {name} SUPERUSER LOGIN PASSWORD '{VERIFIER}'"),
        );
        Self { database, name }
    }

    fn url(&self) -> String {
        let url = self.database.url();
        let (_, place) = url.rsplit_once('@').unwrap();
        format!("postgres://{}:slow@{place}", self.name)
    }
}

impl Drop for SlowRole<'_> {
    fn drop(&mut self) {
        rows::execute(self.database, &format!("DROP ROLE {}", self.name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_done_while_it_still_connects_elsewhere_ends_well() {
    let it = Installation::start().await;
    let role = SlowRole::of(&it.database);
    let mut settings = it.settings();
    settings.push(("LLAVERO_DATABASE_LISTEN_URL", role.url()));
    let run = || {
        program(&["admin", "list"], &settings)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut ended: Vec<ExitStatus> = Vec::new();
    for _ in 0..TIMES {
        let together = [run(), run(), run(), run()];
        ended.extend(together.map(|mut command| command.wait().unwrap()));
    }
    assert!(ended.iter().all(ExitStatus::success), "{ended:?}");
}
