//! Stores move from one installation to another: partners' ids and tokens go on working there, nobody authorizes again,
//! and no refresh token is used at both.

mod bulk;
mod frozen;
mod left_out;
mod lists;
mod nango;
mod papers;
mod processes;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use llavero::broker::Error;
use llavero::broker::asker::Asker;
use llavero::broker::moving::{Append, Exported, Writer, export};
use llavero::crypto::Cost;
use llavero::domain::admin::Actor;

use crate::support::installation::Installation;
use crate::support::processes::program;
use crate::support::test_app::TestApp;

const PASSPHRASE: &str = "correct horse battery";

const CHEAP: Cost = Cost {
    memory_kib: 64,
    passes: 1,
};

fn asker() -> Asker {
    Asker {
        actor: Actor::command(),
        app: None,
        request_id: None,
    }
}

/// Runs a command that refuses its work; what it said on standard error.
fn refused(installation: &Installation, arguments: &[&str]) -> String {
    let done = program(arguments, &installation.settings()).output().unwrap();
    assert!(!done.status.success(), "{arguments:?} was done");
    String::from_utf8(done.stderr).unwrap()
}

/// A file in memory, which may be full.
#[derive(Clone, Default)]
struct Lines {
    written: Arc<Mutex<Vec<u8>>>,
    most: Option<usize>,
}

impl Append for Lines {
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let mut written = self.written.lock().unwrap();
        if self
            .most
            .is_some_and(|most| written.iter().filter(|byte| **byte == b'\n').count() >= most)
        {
            return Err(io::Error::other("the disk is full"));
        }
        written.extend_from_slice(line);
        Ok(())
    }
}

impl Lines {
    fn bytes(&self) -> Vec<u8> {
        self.written.lock().unwrap().clone()
    }
}

async fn export_to(app: &TestApp, lines: &Lines, copy: bool) -> Result<Exported, Error> {
    let out = Box::new(lines.clone());
    let writer = Writer::begin(&PASSPHRASE.into(), CHEAP, app.app.random.clone(), out).unwrap();
    export(&app.app, &asker(), app.demo.app_id, copy, Duration::ZERO, writer).await
}
