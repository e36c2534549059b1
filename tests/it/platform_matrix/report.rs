//! What came of it, for people: a line for each platform, one for each method, and the reasons of what is not there. Methods
//! that no page offers cannot be walked: they are named with the place where they are proved.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use super::steps::STEPS;
use super::table::Way;

#[derive(Debug, Clone)]
pub enum Outcome {
    Passed,
    /// With the reason.
    Impossible(String),
    Failed(String),
}

#[derive(Debug)]
pub struct Row {
    platform: String,
    method: String,
    steps: Vec<(&'static str, Outcome)>,
}

impl Row {
    pub fn new(way: &Way) -> Self {
        Self {
            platform: way.platform.clone(),
            method: way.method.clone(),
            steps: Vec::new(),
        }
    }

    pub fn add(&mut self, step: &'static str, outcome: Outcome) {
        self.steps.push((step, outcome));
    }

    fn outcome(&self, step: &str) -> Option<&Outcome> {
        self.steps
            .iter()
            .find(|(name, _)| *name == step)
            .map(|(_, outcome)| outcome)
    }

    /// Steps that failed or were never reached without a declared reason.
    pub fn failures(&self) -> Vec<String> {
        let declared = matches!(self.outcome("connect"), Some(Outcome::Impossible(_)));
        let of_step = |step: &&str| match self.outcome(step) {
            Some(Outcome::Failed(why)) => Some(format!("{} {} {step}: {why}", self.platform, self.method)),
            None if !declared && matches!(self.outcome("connect"), Some(Outcome::Passed)) => {
                Some(format!("{} {} {step}: not reached", self.platform, self.method))
            }
            _ => None,
        };
        STEPS.iter().filter_map(of_step).collect()
    }

    fn line(&self) -> String {
        let marks: String = STEPS
            .iter()
            .map(|step| {
                let mark = match self.outcome(step) {
                    Some(Outcome::Passed) => "yes",
                    Some(Outcome::Impossible(_)) => "-",
                    Some(Outcome::Failed(_)) => "FAILED",
                    None => "",
                };
                format!("{mark:<8}")
            })
            .collect();
        let reasons: BTreeSet<String> = self
            .steps
            .iter()
            .filter_map(|(step, outcome)| match outcome {
                Outcome::Impossible(why) => Some(format!("{step}: {why}")),
                _ => None,
            })
            .collect();
        let reasons: Vec<String> = reasons.into_iter().collect();
        format!("{:<16}{:<15}{marks} {}", self.platform, self.method, reasons.join("; "))
    }
}

/// All methods of one platform together: a step that all of them passed, that none can have, or how many passed it.
fn of_platform(name: &str, rows: &[&Row]) -> String {
    let cells: String = STEPS
        .iter()
        .map(|step| {
            let count =
                |wanted: fn(&Outcome) -> bool| rows.iter().filter(|row| row.outcome(step).is_some_and(wanted)).count();
            let passed = count(|outcome| matches!(outcome, Outcome::Passed));
            let impossible = count(|outcome| matches!(outcome, Outcome::Impossible(_)));
            let cell = match (passed, impossible) {
                (passed, _) if passed == rows.len() => "yes".to_owned(),
                (0, impossible) if impossible == rows.len() => "-".to_owned(),
                (passed, impossible) if passed + impossible == rows.len() => format!("{passed} of {}", rows.len()),
                _ => "FAILED".to_owned(),
            };
            format!("{cell:<8}")
        })
        .collect();
    let methods: Vec<&str> = rows.iter().map(|row| row.method.as_str()).collect();
    format!("{name:<16}{cells} {}", methods.join(", "))
}

/// To the real standard output, for the table is wanted of passing runs too: a row for each platform, then each method with
/// what it cannot have, then the methods that are walked `apart`. Answers how many platforms there are.
pub fn print(rows: &[Row], apart: &[(String, String)]) -> usize {
    let heads: String = STEPS.iter().map(|step| format!("{step:<8}")).collect();
    let mut platforms: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        platforms.entry(&row.platform).or_default().push(row);
    }
    let mut text = format!("\n{:<16}{heads} methods\n", "platform");
    for (name, rows) in &platforms {
        text.push_str(of_platform(name, rows).trim_end());
        text.push('\n');
    }
    text.push_str(&format!("\n{:<16}{:<15}{heads} not there\n", "platform", "method"));
    for row in rows {
        text.push_str(row.line().trim_end());
        text.push('\n');
    }
    for (platform, method) in apart {
        text.push_str(&format!(
            "{platform:<16}{method:<15}for partners only, proved in tests/it/api/for_partners.rs\n"
        ));
    }
    let count = |wanted: fn(&Outcome) -> bool| {
        let all = rows.iter().flat_map(|row| &row.steps);
        all.filter(|(_, outcome)| wanted(outcome)).count()
    };
    text.push_str(&format!(
        "{} platforms, {} methods, {} more for partners only; steps: {} passed, {} declared impossible, {} failed\n",
        platforms.len(),
        rows.len(),
        apart.len(),
        count(|outcome| matches!(outcome, Outcome::Passed)),
        count(|outcome| matches!(outcome, Outcome::Impossible(_))),
        count(|outcome| matches!(outcome, Outcome::Failed(_))),
    ));
    let _ = std::io::stdout().write_all(text.as_bytes());
    platforms.len()
}
