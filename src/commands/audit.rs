//! `llavero audit verify`: whether the audit trail is what was written. What it prints with `--json` can be kept somewhere
//! else and given back later: then even a trail whose end was cut off, with the database put back as it was, is found.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use llavero::broker::audit_chain::{self, Report};
use llavero::config::Config;
use llavero::domain::audit_chain::{Chain, Fault, Finding, Head};
use llavero::domain::id::AppId;
use serde::Deserialize;

use super::people::{told, with_tools};
use super::{Stop, say};

#[derive(Subcommand)]
pub enum AuditCommand {
    /// Check that no event was altered, removed, inserted or moved; exit code 1 if any was
    Verify {
        /// Only this app's events
        #[arg(long)]
        app: Option<AppId>,
        /// What an earlier run printed with --json; it must be part of what is there now
        #[arg(long, value_name = "FILE")]
        since: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
}

/// A line of an earlier run; what else it tells is of no use here.
#[derive(Deserialize)]
struct Earlier {
    app_id: Option<AppId>,
    length: i64,
    hash: String,
}

pub fn run(config: Config, command: AuditCommand) -> Result<(), Stop> {
    let AuditCommand::Verify { app, since, json } = command;
    let earlier = since.map_or(Ok(Vec::new()), |file| read_earlier(&file))?;
    let earlier = earlier
        .into_iter()
        .filter(|(chain, _)| app.is_none() || chain.app() == app)
        .collect();
    with_tools(config, async |tools| {
        if let Some(id) = app {
            let known = tools.db.run(move |conn| llavero::db::apps::find(conn, id)).await;
            let known = known.map_err(|error: llavero::db::Error| told(error.into()))?;
            known.ok_or_else(|| Stop::line(format!("no app {id}")))?;
        }
        let reports = audit_chain::verify(&tools, app, earlier).await.map_err(told)?;
        let mut wrong = 0;
        for report in &reports {
            wrong += report.findings.len();
            if json {
                say(&line(report).to_string());
            } else {
                print(report);
            }
        }
        match wrong {
            0 => Ok(()),
            _ => Err(Stop::line("the audit trail is not what was written")),
        }
    })
}

fn read_earlier(file: &Path) -> Result<Vec<(Chain, Head)>, Stop> {
    let failed = |why: String| Stop::line(format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            let not_understood = || failed(format!("line {} is not one of `audit verify --json`", number + 1));
            let earlier: Earlier = serde_json::from_str(line).map_err(|_| not_understood())?;
            let hash = bytes(&earlier.hash).ok_or_else(not_understood)?;
            let length = earlier.length;
            Ok((Chain::of(earlier.app_id), Head { length, hash }))
        })
        .collect()
}

fn line(report: &Report) -> serde_json::Value {
    serde_json::json!({
        "app_id": report.chain.app(), "length": report.head.length, "hash": hexadecimal(&report.head.hash),
        "waiting": report.waiting, "findings": report.findings,
    })
}

fn print(report: &Report) {
    let name = report
        .chain
        .app()
        .map_or("installation".to_owned(), |app| app.to_string());
    let state = if report.findings.is_empty() { "whole " } else { "BROKEN" };
    let (length, waiting) = (report.head.length, report.waiting);
    say(&format!(
        "{state}  {name:<36}  {length} events, {waiting} not chained yet"
    ));
    for finding in &report.findings {
        say(&format!("        {}", sentence(finding)));
    }
}

fn sentence(finding: &Finding) -> String {
    let place = match (finding.position, finding.until) {
        (Some(from), Some(until)) => format!("{from} to {until}"),
        (Some(position), None) => position.to_string(),
        (None, _) => "-".to_owned(),
    };
    let meaning = match (finding.fault, finding.belongs_at) {
        (Fault::Altered, _) => "the event is not what was chained".to_owned(),
        (Fault::Removed, _) => "gone".to_owned(),
        (Fault::Inserted, _) => "put in afterwards".to_owned(),
        (Fault::Reordered, Some(own)) => format!("chained at {own}"),
        (Fault::Reordered, None) => "chained elsewhere".to_owned(),
        (Fault::Forged, _) if finding.position.is_none() => {
            "the end of the chain is not one that a key of the ring wrote".to_owned()
        }
        (Fault::Forged, _) => "a link that no key of the ring made".to_owned(),
        (Fault::Rewritten, _) => "not what the earlier run found here".to_owned(),
    };
    let event = finding.event_id.map(|id| format!("  {id}")).unwrap_or_default();
    format!("{:<9}  {place:>8}{event}  {meaning}", finding.fault)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let pairs = digits.chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect()
}
