//! What came of it, for people: a line for each method, and the reasons of what is not there.

use std::collections::BTreeSet;
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

/// To the real standard output: the table is wanted of passing runs too.
pub fn print(rows: &[Row]) {
    let heads: String = STEPS.iter().map(|step| format!("{step:<8}")).collect();
    let platforms: BTreeSet<&str> = rows.iter().map(|row| row.platform.as_str()).collect();
    let mut text = format!("\n{:<16}{:<15}{heads} not there\n", "platform", "method");
    for row in rows {
        text.push_str(row.line().trim_end());
        text.push('\n');
    }
    let count = |wanted: fn(&Outcome) -> bool| {
        let all = rows.iter().flat_map(|row| &row.steps);
        all.filter(|(_, outcome)| wanted(outcome)).count()
    };
    text.push_str(&format!(
        "{} platforms, {} methods; steps: {} passed, {} declared impossible, {} failed\n",
        platforms.len(),
        rows.len(),
        count(|outcome| matches!(outcome, Outcome::Passed)),
        count(|outcome| matches!(outcome, Outcome::Impossible(_))),
        count(|outcome| matches!(outcome, Outcome::Failed(_))),
    ));
    let _ = std::io::stdout().write_all(text.as_bytes());
}
