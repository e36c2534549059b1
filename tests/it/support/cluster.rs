//! One private PostgreSQL for each run of a test program. It is never dropped: the guardian stops it and removes its
//! folder when the program ends, also when it is killed.

use std::path::PathBuf;
use std::sync::OnceLock;

use llavero::dev::postgres::{Cluster, Programs, Settings};

static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();

/// The cluster of this run, started by whoever asks first.
pub fn shared() -> &'static Cluster {
    let started = SHARED.get_or_init(|| {
        let cluster = Cluster::temporary(&programs(), &parent(), &Settings::fast(), entropy());
        cluster.map_err(|error| error.to_string())
    });
    started.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

pub fn programs() -> Programs {
    Programs::find().unwrap_or_else(|error| panic!("{error}"))
}

/// Where temporary clusters go: as root, a folder that the account of the server can enter.
pub fn parent() -> PathBuf {
    if rustix::process::geteuid().is_root() {
        "/tmp".into()
    } else {
        std::env::temp_dir()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "two runs at once must not share a folder's name"
)]
pub fn entropy() -> [u8; 32] {
    rand::random()
}
