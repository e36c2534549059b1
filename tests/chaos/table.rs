//! The table that a run prints: a line for each phase, and one for each platform at the end.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::Phase;
use super::judge::Judged;

/// More findings than this tell nothing new.
const FINDINGS: usize = 12;

pub fn print(phases: &[Phase], judged: &Judged) {
    println!(
        "\n{:<12} {:>4} {:>7} {:>8} {:>8} {:>5} {:>6} {:>8} {:>6} {:>6} {:>6} {:>6} {:>6} {:>5} {:>6} {:>6}",
        "trouble",
        "s",
        "calls",
        "not made",
        "answered",
        "cut",
        "db off",
        "no token",
        "wrong",
        "token",
        "again",
        "kills",
        "stops",
        "cuts",
        "faults",
        "clocks"
    );
    for (phase, figures) in phases.iter().zip(&judged.figures) {
        println!(
            "{:<12} {:>4} {:>7} {:>8} {:>8} {:>5} {:>6} {:>8} {:>6} {:>6} {:>6} {:>6} {:>6} {:>5} {:>6} {:>6}",
            phase.name,
            (phase.ended - phase.begun).num_seconds(),
            figures.calls,
            figures.not_made,
            figures.answered,
            figures.cut,
            figures.database_away,
            figures.tokenless.values().sum::<usize>(),
            figures.wrong,
            figures.token_calls,
            figures.in_doubt,
            figures.kills,
            figures.stops,
            figures.cuts,
            figures.faults(),
            figures.clocks(),
        );
    }
    println!(
        "\nnot made: no server was up, or too many calls waited; cut: by a kill; db off: 503 while the database was away; \
         no token: errors while no valid token existed; wrong: errors although one did; token: token calls; again: of \
         these the same refresh token once more, after an answer that was lost on its way"
    );
    println!("\nerrors without a valid token, by kind:");
    for (phase, figures) in phases.iter().zip(&judged.figures) {
        println!("  {:<12} {}", phase.name, listed(&figures.tokenless));
    }
    println!("\nwhat the platforms were told to do wrong, and how they ended token calls:");
    for (phase, figures) in phases.iter().zip(&judged.figures) {
        println!("  {:<12} {}", phase.name, listed(&figures.ordered));
        println!("  {:<12} -> {}", "", listed(&figures.ends));
    }
    println!(
        "\n{:<14} {:<16} {:>6} {:>5} {:>9} {:>9} {:>13} {:>14}",
        "platform", "forgives", "stores", "lost", "in doubt", "kept away", "wrongly asked", "calls too many"
    );
    for ending in &judged.endings {
        println!(
            "{:<14} {:<16} {:>6} {:>5} {:>9} {:>9} {:>13} {:>14}",
            ending.slug,
            ending.forgives.to_string(),
            ending.stores,
            ending.lost,
            ending.named,
            ending.kept_away,
            ending.wrongly_asked,
            ending.calls_too_many,
        );
    }
    println!(
        "\nin doubt: of the lost ones those named so, with reason; kept away: those that nobody could ask for again \
         within the platform's minute, because two processes were killed at it or the database was gone"
    );
    for finding in judged.findings.iter().take(FINDINGS) {
        println!("\n{finding}");
    }
    if judged.findings.len() > FINDINGS {
        println!("\n... and {} more", judged.findings.len() - FINDINGS);
    }
}

fn listed(counts: &BTreeMap<impl Display, usize>) -> String {
    let listed: Vec<String> = counts.iter().map(|(what, count)| format!("{what}: {count}")).collect();
    if listed.is_empty() {
        return "none".to_owned();
    }
    listed.join(", ")
}
