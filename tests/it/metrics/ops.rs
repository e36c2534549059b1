//! The alert rules and the dashboard, held against what is exported: a name or a label that the program does not export would
//! never fire, and nobody would notice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use llavero::domain::job::Job;
use llavero::domain::problem::Problem;
use llavero::domain::refresh::{RefreshOutcome, RefreshTrigger};
use llavero::domain::store::{StoreHealth, StoreStatus};
use regex::Regex;
use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

use super::{eventful, exported};

fn ops(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ops").join(name)).unwrap()
}

/// The rules as their fields.
fn rules() -> Vec<Yaml> {
    let file = YamlLoader::load_from_str(&ops("prometheus-alerts.yml"))
        .unwrap()
        .remove(0);
    let groups = file["groups"].as_vec().unwrap();
    groups
        .iter()
        .flat_map(|group| group["rules"].as_vec().unwrap().clone())
        .collect()
}

/// Every expression of the dashboard, its variables' included.
fn dashboard() -> Vec<String> {
    let file: Value = serde_json::from_str(&ops("grafana-dashboard.json")).unwrap();
    let mut found = Vec::new();
    for panel in file["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            found.push(target["expr"].as_str().unwrap().to_owned());
        }
    }
    for variable in file["templating"]["list"].as_array().unwrap() {
        found.extend(variable["definition"].as_str().map(str::to_owned));
    }
    found
}

/// Every word that a label's value may be.
fn words() -> BTreeSet<&'static str> {
    let own = [
        "platform",
        "llavero",
        "2xx",
        "3xx",
        "4xx",
        "5xx",
        "other",
        "outage",
        "crowded",
        "authorization",
        "access_token",
        "refresh_token",
        "0.0",
        "1h",
        "6h",
        "1d",
        "7d",
        "30d",
        "$platform",
    ];
    let mut words = BTreeSet::from(own);
    words.extend(RefreshOutcome::ALL.iter().map(|word| word.as_str()));
    words.extend(RefreshTrigger::ALL.iter().map(|word| word.as_str()));
    words.extend(StoreStatus::ALL.iter().map(|word| word.as_str()));
    words.extend(StoreHealth::ALL.iter().map(|word| word.as_str()));
    words.extend(Problem::ALL.iter().map(|problem| problem.code()));
    words.extend(Job::KINDS);
    words
}

/// What an expression names that is not exported.
fn unknown(expression: &str, exported: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let metric = Regex::new(r"(llavero_[a-z_]+)(?:\{([^}]*)\})?").unwrap();
    let matcher = Regex::new(r#"([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)""#).unwrap();
    let grouping = Regex::new(r"\bby\s*\(([^)]*)\)").unwrap();
    let (mut wrong, mut labels) = (Vec::new(), BTreeSet::from(["le"]));
    for found in metric.captures_iter(expression) {
        let Some(known) = exported.get(&found[1]) else {
            wrong.push(found[1].to_owned());
            continue;
        };
        labels.extend(known.iter().map(String::as_str));
        for label in found
            .get(2)
            .iter()
            .flat_map(|list| matcher.captures_iter(list.as_str()))
        {
            if !known.contains(&label[1]) {
                wrong.push(format!("{}{{{}}}", &found[1], &label[1]));
            }
            let values = label[2].split('|').filter(|value| !words().contains(value));
            wrong.extend(values.map(|value| format!("{}={value}", &label[1])));
        }
    }
    for list in grouping.captures_iter(expression) {
        let names = list[1].split(',').map(str::trim).filter(|name| !labels.contains(name));
        wrong.extend(names.map(|name| format!("by {name}")));
    }
    wrong
}

#[tokio::test]
async fn alerts_and_dashboard_name_only_what_is_exported() {
    let (_app, text) = eventful().await;
    let exported = exported(&text);
    assert!(
        !unknown(
            "sum by (shop) (llavero_nothing) + llavero_stores{colour=\"red\"}",
            &exported
        )
        .is_empty()
    );
    let rules = rules();
    let alerts = rules.iter().map(|rule| rule["expr"].as_str().unwrap().to_owned());
    let wrong: Vec<String> = alerts
        .chain(dashboard())
        .flat_map(|expression| {
            let wrong = unknown(&expression, &exported);
            wrong.into_iter().map(move |name| format!("{name} in {expression}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{text}");
    // And the other way round: what is exported is told of.
    let told = ops("README.md");
    let untold: Vec<&String> = exported
        .keys()
        .filter(|name| {
            let base = ["_bucket", "_count", "_sum"]
                .iter()
                .find_map(|end| name.strip_suffix(end));
            !told.contains(&format!("`{}`", base.unwrap_or(name)))
        })
        .collect();
    assert!(untold.is_empty(), "not in ops/README.md: {untold:?}");
}

#[test]
fn every_alert_says_what_is_wrong_how_bad_it_is_and_what_to_do() {
    let rules = rules();
    let mut names = BTreeSet::new();
    for rule in &rules {
        let name = rule["alert"].as_str().unwrap();
        assert!(names.insert(name), "{name} stands there twice");
        let severity = rule["labels"]["severity"].as_str();
        assert!(
            matches!(severity, Some("critical" | "warning" | "info")),
            "{name}: {severity:?}"
        );
        for (annotation, least) in [("summary", 20), ("runbook", 80)] {
            let text = rule["annotations"][annotation].as_str().unwrap_or_default();
            assert!(
                text.len() >= least && text.ends_with('.'),
                "{name}: {annotation}: {text}"
            );
        }
    }
    for needed in [
        "LlaveroDatabaseUnreachable",
        "LlaveroJournalNotWritable",
        "LlaveroStoresInDoubt",
        "LlaveroRefreshFailing",
        "LlaveroDeathsSpiking",
        "LlaveroVerdictsHeld",
        "LlaveroBreakerOpenLong",
        "LlaveroDeadlineComing",
        "LlaveroQueueOld",
    ] {
        assert!(names.contains(needed), "{needed}");
    }
}
