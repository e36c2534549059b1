//! The guides in the order in which they are read, embedded from `docs/`. A guide's title is its first heading.

use super::markdown::{self, Heading, Section};

/// One rendered guide.
pub struct Guide {
    pub slug: &'static str,
    pub group: Group,
    pub title: String,
    /// One sentence for the list of guides: the guide's first paragraph.
    pub about: String,
    pub html: String,
    /// The second level of headings, for the list beside the text.
    pub headings: Vec<Heading>,
    /// What the search looks through.
    pub(super) sections: Vec<Section>,
}

/// Guides that are listed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Start,
    Understand,
    Move,
    LookUp,
}

/// The groups as the pages name them.
pub const GROUPS: &[(Group, &str)] = &[
    (Group::Start, "Begin"),
    (Group::Understand, "Build"),
    (Group::Move, "Move here"),
    (Group::LookUp, "Look up"),
];

macro_rules! guides {
    ($($slug:literal $group:ident,)*) => {
        const TEXTS: &[(&str, Group, &str)] = &[
            $(($slug, Group::$group, include_str!(concat!("../../../docs/", $slug, ".md")))),*
        ];
    };
}

guides! {
    "quick-start" Start,
    "sandbox" Start,
    "going-live" Start,
    "tokens" Understand,
    "signatures" Understand,
    "webhooks" Understand,
    "moving" Move,
    "from-ecartapi" Move,
    "from-nango" Move,
    "errors" LookUp,
    "platforms" LookUp,
}

/// Whether there is a guide of this name.
pub(super) fn exists(slug: &str) -> bool {
    TEXTS.iter().any(|(known, ..)| *known == slug)
}

/// All guides, rendered.
pub(super) fn embedded() -> Vec<Guide> {
    let rendered = TEXTS.iter().map(|&(slug, group, text)| {
        let page = markdown::page(text);
        Guide {
            slug,
            group,
            title: page.title,
            about: page.about,
            html: page.html,
            headings: page.headings.into_iter().filter(|heading| heading.level == 2).collect(),
            sections: page.sections,
        }
    });
    rendered.collect()
}
