//! The table that a run prints: a line for each phase, and one for each platform at the end.

use super::Phase;
use super::judge::Judged;

/// More findings than this tell nothing new.
const FINDINGS: usize = 12;

pub fn print(phases: &[Phase], judged: &Judged) {
    println!(
        "\n{:<12} {:>4} {:>7} {:>8} {:>5} {:>6} {:>8} {:>6} {:>6} {:>6} {:>6} {:>6} {:>5}",
        "trouble",
        "s",
        "calls",
        "answered",
        "cut",
        "db off",
        "no token",
        "wrong",
        "token",
        "again",
        "kills",
        "stops",
        "cuts"
    );
    for (phase, figures) in phases.iter().zip(&judged.figures) {
        println!(
            "{:<12} {:>4} {:>7} {:>8} {:>5} {:>6} {:>8} {:>6} {:>6} {:>6} {:>6} {:>6} {:>5}",
            phase.name,
            (phase.ended - phase.begun).num_seconds(),
            figures.calls,
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
        );
    }
    println!(
        "\nno token: errors while no valid token existed; wrong: errors although one did; token: token calls; again: of \
         these the same refresh token once more, after an answer that was lost on its way"
    );
    for (phase, figures) in phases.iter().zip(&judged.figures) {
        if !figures.tokenless.is_empty() {
            println!("  {}: {:?}", phase.name, figures.tokenless);
        }
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
