//! What can be told of the sample pages without looking: no inline style or script, labels for all fields, and text
//! colours that stand out from their grounds as WCAG AA asks.

use std::collections::BTreeMap;

use super::pages;

#[test]
fn no_page_has_inline_styles_scripts_or_handlers() {
    for (name, html) in pages() {
        for refused in [" style=", "<style", "<script", " onclick=", "javascript:"] {
            assert!(!html.contains(refused), "{refused} in {name}");
        }
    }
}

#[test]
fn every_field_has_a_label_and_every_description_exists() {
    for (name, html) in pages() {
        let page = scraper::Html::parse_document(&html);
        let all = |what: &str| {
            page.select(&scraper::Selector::parse(what).unwrap())
                .collect::<Vec<_>>()
        };
        for field in all("main input:not([type=hidden]):not(.filters *), main .field select, main textarea") {
            let id = field.value().id().unwrap();
            assert_eq!(all(&format!("label[for='{id}']")).len(), 1, "label of {id} in {name}");
            if let Some(described) = field.value().attr("aria-describedby") {
                assert_eq!(all(&format!("#{described}")).len(), 1, "description of {id} in {name}");
            }
        }
        assert_eq!(all("h1").len(), 1, "one heading in {name}");
        assert_eq!(all("main").len(), 1);
    }
}

/// The tokens of the light (0) or dark (1) theme.
fn tokens(theme: usize) -> BTreeMap<String, [f64; 3]> {
    let sheet = include_str!("../../static/llavero.css");
    let block = sheet
        .split(":root {")
        .nth(theme + 1)
        .unwrap()
        .split('}')
        .next()
        .unwrap();
    let colour = |text: &str| [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&text[at..at + 2], 16).unwrap()) / 255.0);
    block
        .split(';')
        .filter_map(|line| line.trim().split_once(": #"))
        .filter(|(_, value)| value.len() == 6)
        .map(|(name, value)| (name.trim_start_matches("--").to_owned(), colour(value)))
        .collect()
}

/// WCAG 2: contrast of two colours.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let [r, g, b] = colour.map(|c| {
            if c <= 0.040_45 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    if one > other { one / other } else { other / one }
}

#[test]
fn texts_stand_out_from_their_grounds_in_light_and_dark() {
    for theme in [0, 1] {
        let tokens = tokens(theme);
        let mut pairs = vec![
            ("key-ink", "key"),
            ("key-ink", "key-over"),
            ("bar-ink", "bar"),
            ("bar-soft", "bar"),
            ("ink", "brass-wash"),
        ];
        for ground in ["paper", "sheet", "sunk"] {
            pairs.extend([("ink", ground), ("soft", ground), ("link", ground), ("brass", ground)]);
        }
        for tone in ["good", "warn", "bad", "info", "idle"] {
            pairs.extend([(tone, "sheet"), (tone, "paper")]);
        }
        let washes = ["good", "warn", "bad", "info", "idle"].map(|tone| (tone, format!("{tone}-wash")));
        pairs.extend(
            washes
                .iter()
                .flat_map(|(tone, wash)| [(*tone, wash.as_str()), ("ink", wash), ("link", wash)]),
        );
        for (text, ground) in pairs {
            let ratio = contrast(tokens[text], tokens[ground]);
            assert!(ratio >= 4.5, "{text} on {ground} is {ratio:.2} in theme {theme}");
        }
        // Borders of fields and the ring of the focus: 3 is asked.
        for (line, ground) in [
            ("line-strong", "paper"),
            ("line-strong", "sheet"),
            ("focus", "paper"),
            ("focus", "sheet"),
        ] {
            let ratio = contrast(tokens[line], tokens[ground]);
            assert!(ratio >= 3.0, "{line} on {ground} is {ratio:.2} in theme {theme}");
        }
    }
}
