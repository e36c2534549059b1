//! Stores move from one installation to another: partners' ids and tokens go on working there, nobody authorizes again,
//! and no refresh token is used at both.

mod bulk;
mod clients;
mod frozen;
mod home;
mod left_out;
mod lists;
mod nango;
mod papers;
mod processes;

use std::io::{self, Cursor};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use llavero::broker::Error;
use llavero::broker::asker::Asker;
use llavero::broker::moving::{Append, Exported, Imported, Reader, Writer, export, import, lacking};
use llavero::crypto::Cost;
use llavero::db;
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

fn reader(lines: &Lines) -> Reader {
    Reader::open(&PASSPHRASE.into(), Box::new(Cursor::new(lines.bytes()))).unwrap()
}

async fn owner(app: &TestApp) -> db::apps::App {
    let id = app.demo.app_id;
    let found = app.app.db.run(move |conn| db::apps::find(conn, id)).await;
    found.unwrap_or_else(|error: db::Error| panic!("{error}")).unwrap()
}

/// What the demo app lacks to take a file.
async fn lacks(app: &TestApp, lines: &Lines) -> Vec<String> {
    let checked = lacking(&app.app, &owner(app).await, reader(lines)).await.unwrap();
    checked.err().unwrap_or_default()
}

async fn import_from(app: &TestApp, lines: &Lines) -> Imported {
    import(&app.app, &asker(), &owner(app).await, reader(lines))
        .await
        .unwrap()
}
