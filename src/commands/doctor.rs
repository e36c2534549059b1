//! `llavero doctor`: one line for each thing that must be right, and a failing exit code if any is not.

use llavero::clock::Clock;
use llavero::config::Config;
use llavero::crypto::{Random, Sealer};
use llavero::db::{self, Db};
use llavero::journal::Journal;
use llavero::mail::Mailer;
use llavero::platform::Catalogue;

use super::{Stop, load_ring, one_connection, runtime, say};

/// More than this and lease times, expiries and signatures can't be trusted.
const CLOCK_TOLERANCE_SECONDS: i64 = 5;

struct Findings {
    failed: usize,
    json: bool,
}

impl Findings {
    fn tell(&mut self, what: &str, finding: Result<String, String>) {
        if self.json {
            let (ok, Ok(text) | Err(text)) = (finding.is_ok(), &finding);
            say(&serde_json::json!({ "check": what, "ok": ok, "text": text }).to_string());
            self.failed += usize::from(!ok);
            return;
        }
        match finding {
            Ok(text) => say(&format!("ok      {what}: {text}")),
            Err(text) => {
                self.failed += 1;
                say(&format!("FAILED  {what}: {text}"));
            }
        }
    }
}

/// Checks everything, however much of it is broken.
pub fn run(config: Config, json: bool) -> Result<(), Stop> {
    let mut findings = Findings { failed: 0, json };
    let missing = config.missing_for_serve();
    findings.tell(
        "settings",
        if missing.is_empty() {
            Ok("complete for `serve`".to_owned())
        } else {
            Err(missing.join("; "))
        },
    );
    let sealer = load_ring(&config).map(|ring| Sealer::new(ring, Random::system()));
    findings.tell(
        "keys",
        match &sealer {
            Ok(sealer) => Ok(format!("the ring is readable, `{}` seals", sealer.active_key_id())),
            Err(stop) => Err(stop.lines.join("; ")),
        },
    );
    match one_connection(&config) {
        Some(db) => check_database(&mut findings, &db, sealer.as_ref().ok()),
        None => findings.tell("database", Err("DATABASE_URL is missing".to_owned())),
    }
    findings.tell(
        "journal",
        match Journal::open(&config.journal_dir, Random::system().id(Clock::system().now())).writable() {
            true => Ok(format!("{} can be written", config.journal_dir.display())),
            false => Err(format!("{} cannot be written", config.journal_dir.display())),
        },
    );
    check_mail(&mut findings, &config)?;
    findings.tell(
        "platforms",
        Catalogue::embedded()
            .map(|catalogue| format!("{} in the catalogue", catalogue.platforms().len()))
            .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    );
    match findings.failed {
        0 => Ok(()),
        1 => Err(Stop::line("1 check failed")),
        failed => Err(Stop::line(format!("{failed} checks failed"))),
    }
}

fn check_database(findings: &mut Findings, db: &Db, sealer: Option<&Sealer>) {
    let clock = Clock::system();
    let asked = clock.now();
    match db.run_blocking(db::now) {
        Ok(told) => {
            findings.tell("database", Ok("answers".to_owned()));
            let apart = (told - asked).num_seconds().abs();
            findings.tell(
                "clock",
                if apart <= CLOCK_TOLERANCE_SECONDS {
                    Ok("agrees with the database's".to_owned())
                } else {
                    Err(format!("{apart} seconds apart from the database's: synchronise both"))
                },
            );
        }
        Err(error) => {
            findings.tell("database", Err(error.to_string()));
            return;
        }
    }
    findings.tell(
        "migrations",
        match db.run_blocking(db::pending_migrations) {
            Ok(pending) if pending.is_empty() => Ok("all applied".to_owned()),
            Ok(pending) => Err(format!("{} pending: run `llavero migrate`", pending.len())),
            Err(error) => Err(error.to_string()),
        },
    );
    if let Some(sealer) = sealer {
        let checks = db.run_blocking(db::key_checks::list);
        findings.tell(
            "sealed values",
            match checks {
                Ok(checks) => checks
                    .iter()
                    .try_for_each(|(id, sealed)| {
                        sealer
                            .open_check(id, sealed)
                            .map_err(|error| format!("key `{id}`: {error}"))
                    })
                    .map(|()| format!("the ring opens all {} keys in use", checks.len())),
                Err(error) => Err(error.to_string()),
            },
        );
    }
    findings.tell(
        "platform apps",
        match db.run_blocking(|conn| db::platform_apps::list(conn, None)) {
            Ok(rows) => {
                let paused: Vec<&str> = rows
                    .iter()
                    .filter(|row| row.paused_at.is_some())
                    .map(|row| row.platform.as_str())
                    .collect();
                if paused.is_empty() {
                    Ok(format!("{} of the installation", rows.len()))
                } else {
                    Err(format!("refused by the platform: {}", paused.join(", ")))
                }
            }
            Err(error) => Err(error.to_string()),
        },
    );
}

fn check_mail(findings: &mut Findings, config: &Config) -> Result<(), Stop> {
    let (Some(url), Some(from)) = (&config.smtp_url, &config.mail_from) else {
        findings.tell("mail", Ok("no LLAVERO_SMTP_URL: mails are written to files".to_owned()));
        return Ok(());
    };
    let runtime = runtime(1, "doctor")?;
    let finding = match Mailer::smtp(url, from) {
        Ok(mailer) => runtime
            .block_on(mailer.check())
            .map(|()| "the server answers".to_owned())
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    findings.tell("mail", finding);
    Ok(())
}
