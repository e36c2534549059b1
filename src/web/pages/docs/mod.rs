//! The documentation's pages, for everybody and in English, whatever language the reader chose elsewhere.

pub mod guide;
pub mod index;
pub mod reference;
pub mod search;

use crate::web::docs::{Docs, GROUPS};
use crate::web::i18n::Language;
use crate::web::{Frame, urls};

/// The list of pages beside each of them.
pub struct Menu {
    pub groups: Vec<MenuGroup>,
    pub search: &'static str,
    pub home: &'static str,
    /// What was searched for.
    pub query: String,
}

/// Pages that are listed together.
pub struct MenuGroup {
    pub label: &'static str,
    pub items: Vec<MenuLink>,
}

/// A page in the list.
pub struct MenuLink {
    pub label: String,
    pub href: String,
    pub about: String,
    pub current: bool,
}

impl Menu {
    /// `current` is the path of the page that shows it.
    fn of(docs: &Docs, current: &str) -> Self {
        let groups = GROUPS.iter().map(|(group, label)| {
            let guides = docs.guides.iter().filter(|guide| guide.group == *group);
            let items = guides.map(|guide| MenuLink {
                label: guide.title.clone(),
                href: urls::docs_guide(guide.slug),
                about: guide.about.clone(),
                current: urls::docs_guide(guide.slug) == current,
            });
            MenuGroup {
                label,
                items: items.collect(),
            }
        });
        let mut groups: Vec<MenuGroup> = groups.collect();
        if let (Some(_), Some(look_up)) = (&docs.reference, groups.last_mut()) {
            let item = MenuLink {
                label: "API reference".to_owned(),
                href: urls::docs_api(),
                about: "Every operation with its parameters, answers and samples.".to_owned(),
                current: current.starts_with(urls::DOCS_API),
            };
            look_up.items.insert(0, item);
        }
        Self {
            groups,
            search: urls::DOCS_SEARCH,
            home: urls::DOCS,
            query: String::new(),
        }
    }
}

/// The frame of a page that is written in English.
fn english(mut frame: Frame) -> Frame {
    frame.language = Language::En;
    frame
}
