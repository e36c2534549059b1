//! The documentation that the program carries: guides from `docs/*.md` and the reference from the OpenAPI description,
//! rendered once at start and searched in memory, so that it works without a network and tells of this very release. The
//! files stay plain Markdown, to be read on a forge as well: links and anchors are those that forges make.

mod guides;
mod markdown;
mod operation;
mod reference;
mod samples;
mod schema;
mod search;

#[cfg(test)]
mod tests;

pub use guides::{GROUPS, Group, Guide};
pub use markdown::Heading;
pub use operation::{Body, Operation, Parameter, Response};
pub use reference::{Reference, SchemaPage, Tag, reference};
pub use samples::Sample;
pub use schema::Row;
pub use search::Hit;

use search::Index;

/// All pages of the documentation.
pub struct Docs {
    pub guides: Vec<Guide>,
    pub reference: Option<Reference>,
    index: Index,
}

impl Docs {
    /// The embedded guides, and the reference if there is a description of the API.
    pub fn new(description: Option<&serde_json::Value>) -> Self {
        let guides = guides::embedded();
        let reference = description.map(reference::reference);
        let index = Index::of(&guides, reference.as_ref());
        Self {
            guides,
            reference,
            index,
        }
    }

    pub fn guide(&self, slug: &str) -> Option<&Guide> {
        self.guides.iter().find(|guide| guide.slug == slug)
    }

    /// The places that hold all words of `query`, best first; nothing for an empty one.
    pub fn search(&self, query: &str) -> Vec<Hit> {
        self.index.search(query)
    }
}
