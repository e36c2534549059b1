//! The search over the documentation: every heading of a guide, every operation and every event is one place, found when
//! it holds all words asked for. A few hundred places: looking at each is faster than anything cleverer, and never out of date.

use super::guides::Guide;
use super::reference::Reference;
use crate::web::urls;

/// As many as a reader looks through.
const MOST: usize = 40;
/// Letters of a text shown around what was found.
const SHOWN: usize = 180;

/// A place that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    pub href: String,
    pub title: String,
    /// The page it stands on.
    pub page: String,
    pub text: String,
}

struct Place {
    href: String,
    title: String,
    page: String,
    text: String,
    /// Title and text as they are compared.
    folded_title: String,
    folded_text: String,
}

pub(super) struct Index(Vec<Place>);

impl Index {
    pub fn of(guides: &[Guide], reference: Option<&Reference>) -> Self {
        let mut places = Vec::new();
        let operations = reference.into_iter().flat_map(|reference| &reference.tags);
        for tag in operations {
            for operation in &tag.operations {
                let title = format!("{} {}", operation.method, operation.path);
                let text = format!("{} {}", operation.summary, operation.plain);
                let href = format!("{}#{}", tag.href(), operation.id);
                places.push(Place::new(href, title, format!("Reference: {}", tag.name), text));
            }
        }
        for event in reference.into_iter().flat_map(|reference| &reference.webhooks) {
            let text = format!("{} {}", event.summary, event.plain);
            let href = format!("{}#{}", urls::docs_tag("webhooks"), event.id);
            places.push(Place::new(
                href,
                event.path.clone(),
                "Reference: Webhooks".to_owned(),
                text,
            ));
        }
        for guide in guides {
            for section in &guide.sections {
                let page = urls::docs_guide(guide.slug);
                let href = match section.anchor.as_str() {
                    "" => page,
                    anchor => format!("{page}#{anchor}"),
                };
                let title = match section.heading.as_str() {
                    "" => guide.title.clone(),
                    heading => heading.to_owned(),
                };
                places.push(Place::new(href, title, guide.title.clone(), section.text.clone()));
            }
        }
        Self(places)
    }

    pub fn search(&self, query: &str) -> Vec<Hit> {
        let query = query.to_lowercase();
        let words: Vec<&str> = query.split_whitespace().collect();
        if words.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<(usize, &Place)> = self
            .0
            .iter()
            .filter_map(|place| Some((place.rank(&words)?, place)))
            .collect();
        found.sort_by_key(|(rank, _)| *rank);
        let first = words.first().copied().unwrap_or_default();
        let shown = found.into_iter().take(MOST).map(|(_, place)| place.hit(first));
        shown.collect()
    }
}

impl Place {
    fn new(href: String, title: String, page: String, text: String) -> Self {
        Self {
            folded_title: title.to_lowercase(),
            folded_text: text.to_lowercase(),
            href,
            title,
            page,
            text,
        }
    }

    /// 0 where the title is what was asked for, 1 where it holds all words, 2 where it holds one, 3 where only the text
    /// has them; `None` where a word is missing.
    fn rank(&self, words: &[&str]) -> Option<usize> {
        let in_title = |word: &&&str| self.folded_title.contains(**word);
        let all = words
            .iter()
            .all(|word| in_title(&word) || self.folded_text.contains(*word));
        if !all {
            return None;
        }
        let titled = words.iter().filter(in_title).count();
        Some(match titled {
            _ if self.folded_title == words.join(" ") => 0,
            titled if titled == words.len() => 1,
            0 => 3,
            _ => 2,
        })
    }

    fn hit(&self, word: &str) -> Hit {
        Hit {
            href: self.href.clone(),
            title: self.title.clone(),
            page: self.page.clone(),
            text: around(&self.text, word),
        }
    }
}

/// The part of a text that holds the word, cut between words.
fn around(text: &str, word: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words
        .iter()
        .position(|one| one.to_lowercase().contains(word))
        .unwrap_or(0);
    let start = at.saturating_sub(8);
    let mut out = if start > 0 { "... ".to_owned() } else { String::new() };
    for one in words.iter().skip(start) {
        if out.chars().count() + one.chars().count() > SHOWN {
            out.push_str("...");
            return out;
        }
        out.push_str(one);
        out.push(' ');
    }
    out.trim_end().to_owned()
}
