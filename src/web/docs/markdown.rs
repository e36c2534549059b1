//! Markdown to HTML. Headings get the anchors that forges give them, links between the files of `docs/` become links
//! between pages, and inline code that is a page of ours or an error's code leads there. HTML in a text is shown, not
//! meant: a description may come from elsewhere one day.

use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};

use super::guides;
use crate::domain::problem::Problem;
use crate::web::urls;

/// A heading that can be linked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    pub level: u8,
    pub text: String,
    pub anchor: String,
}

/// The plain text below one heading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// Empty: the beginning of the page.
    pub anchor: String,
    pub heading: String,
    pub text: String,
}

/// A rendered text.
pub(super) struct Rendered {
    pub title: String,
    pub about: String,
    pub html: String,
    pub headings: Vec<Heading>,
    pub sections: Vec<Section>,
}

/// A short text such as a description, without a title of its own.
pub(super) fn fragment(text: &str) -> String {
    let mut out = String::new();
    html::push_html(&mut out, Walk::default().events(text).into_iter());
    out
}

/// A whole guide: its first heading is the title.
pub(super) fn page(text: &str) -> Rendered {
    let mut walk = Walk::default();
    let mut out = String::new();
    html::push_html(&mut out, walk.events(text).into_iter());
    let title = walk
        .headings
        .first()
        .map(|first| first.text.clone())
        .unwrap_or_default();
    Rendered {
        title,
        about: walk.about.trim().to_owned(),
        html: out,
        headings: walk.headings,
        sections: walk.sections,
    }
}

/// The anchor that forges give a heading.
fn anchor(text: &str) -> String {
    let kept = text.trim().to_lowercase();
    let kept = kept.chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        letter if letter.is_alphanumeric() || matches!(letter, '-' | '_') => Some(letter),
        _ => None,
    });
    kept.collect()
}

/// Where a link of a text leads on our pages; `None`: out of the documentation, where only the files can be followed.
fn destination(link: &str) -> Option<String> {
    if link.starts_with("https://") || link.starts_with("http://") || link.starts_with('#') {
        return Some(link.to_owned());
    }
    let (file, fragment) = match link.split_once('#') {
        Some((file, fragment)) => (file, format!("#{fragment}")),
        None => (link, String::new()),
    };
    let slug = file.trim_start_matches("./").strip_suffix(".md")?;
    guides::exists(slug).then(|| format!("{}{fragment}", urls::docs_guide(slug)))
}

/// Where inline code leads by itself.
fn place_of(code: &str) -> Option<String> {
    if Problem::ALL.iter().any(|problem| problem.code() == code) {
        return Some(format!("{}#{code}", urls::docs_guide("errors")));
    }
    (code == urls::DOCS || code.starts_with("/docs/")).then(|| code.to_owned())
}

#[derive(Default)]
struct Walk {
    headings: Vec<Heading>,
    sections: Vec<Section>,
    about: String,
    out: Vec<Event<'static>>,
    /// The heading under way: where its events begin.
    heading: Option<usize>,
    heading_text: String,
    paragraphs: usize,
    paragraph: bool,
    inside_link: usize,
    /// Of each open link, whether it leads somewhere.
    links: Vec<bool>,
}

impl Walk {
    fn events(&mut self, text: &str) -> Vec<Event<'static>> {
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
        for event in Parser::new_ext(text, options) {
            self.take(event.into_static());
        }
        std::mem::take(&mut self.out)
    }

    fn take(&mut self, event: Event<'static>) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                self.heading = Some(self.out.len());
                self.heading_text.clear();
            }
            Event::End(TagEnd::Heading(level)) => self.end_heading(level),
            Event::Start(Tag::Table(alignments)) => {
                self.html("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table\">");
                self.out.push(Event::Start(Tag::Table(alignments)));
            }
            Event::End(TagEnd::Table) => {
                self.out.push(Event::End(TagEnd::Table));
                self.html("</div>");
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                // What follows the language is for tests.
                let language = info.split(' ').next().unwrap_or_default().to_owned();
                let kind = CodeBlockKind::Fenced(CowStr::from(language));
                self.out.push(Event::Start(Tag::CodeBlock(kind)));
            }
            Event::Start(Tag::Link { dest_url, title, .. }) => self.start_link(&dest_url, title),
            Event::End(TagEnd::Link) => {
                self.inside_link = self.inside_link.saturating_sub(1);
                if self.links.pop() == Some(true) {
                    self.out.push(Event::End(TagEnd::Link));
                }
            }
            Event::Start(Tag::Paragraph) => {
                self.paragraph = true;
                self.out.push(Event::Start(Tag::Paragraph));
            }
            Event::End(TagEnd::Paragraph) => {
                self.paragraph = false;
                self.paragraphs += 1;
                self.out.push(Event::End(TagEnd::Paragraph));
            }
            Event::Code(code) => self.code(code),
            Event::Text(text) => {
                self.read(&text);
                self.out.push(Event::Text(text));
            }
            Event::SoftBreak | Event::HardBreak => {
                self.read(" ");
                self.out.push(event);
            }
            Event::Html(text) | Event::InlineHtml(text) => self.out.push(Event::Text(text)),
            Event::End(TagEnd::TableCell | TagEnd::Item | TagEnd::CodeBlock) => {
                self.read(" ");
                self.out.push(event);
            }
            other => self.out.push(other),
        }
    }

    fn html(&mut self, text: &'static str) {
        self.out.push(Event::Html(CowStr::Borrowed(text)));
    }

    /// Plain text, for the search and the summary.
    fn read(&mut self, text: &str) {
        if self.heading.is_some() {
            self.heading_text.push_str(text);
            return;
        }
        if self.sections.is_empty() {
            self.sections.push(Section::default());
        }
        if let Some(section) = self.sections.last_mut() {
            section.text.push_str(text);
        }
        if self.paragraph && self.paragraphs == 0 {
            self.about.push_str(text);
        }
    }

    fn code(&mut self, code: CowStr<'static>) {
        self.read(&code);
        let place = place_of(&code).filter(|_| self.heading.is_none() && self.inside_link == 0);
        let Some(place) = place else {
            self.out.push(Event::Code(code));
            return;
        };
        let link = Tag::Link {
            link_type: LinkType::Inline,
            dest_url: CowStr::from(place),
            title: CowStr::Borrowed(""),
            id: CowStr::Borrowed(""),
        };
        self.out
            .extend([Event::Start(link), Event::Code(code), Event::End(TagEnd::Link)]);
    }

    fn start_link(&mut self, to: &str, title: CowStr<'static>) {
        let place = destination(to);
        self.inside_link += 1;
        self.links.push(place.is_some());
        if let Some(place) = place {
            self.out.push(Event::Start(Tag::Link {
                link_type: LinkType::Inline,
                dest_url: CowStr::from(place),
                title,
                id: CowStr::Borrowed(""),
            }));
        }
    }

    fn end_heading(&mut self, level: HeadingLevel) {
        let start = self.heading.take().unwrap_or(self.out.len());
        let text = std::mem::take(&mut self.heading_text);
        let plain = anchor(&text);
        let same = self.headings.iter().filter(|heading| heading.text == text).count();
        let anchor = if same == 0 { plain } else { format!("{plain}-{same}") };
        let tag = Tag::Heading {
            level,
            id: Some(CowStr::from(anchor.clone())),
            classes: Vec::new(),
            attrs: Vec::new(),
        };
        self.out.insert(start, Event::Start(tag));
        self.out.push(Event::End(TagEnd::Heading(level)));
        let first = self.headings.is_empty();
        self.sections.push(Section {
            anchor: if first { String::new() } else { anchor.clone() },
            heading: text.clone(),
            text: String::new(),
        });
        self.headings.push(Heading {
            level: level as u8,
            text,
            anchor,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_have_the_anchors_of_a_forge_and_repeated_ones_are_numbered() {
        let page = page("# A page\n\nWhat *it* is.\n\n## `not_found`\n\nGone.\n\n## Twice, here\n\n## Twice, here\n");
        let anchors: Vec<_> = page.headings.iter().map(|heading| heading.anchor.as_str()).collect();
        assert_eq!(anchors, ["a-page", "not_found", "twice-here", "twice-here-1"]);
        assert_eq!((page.title.as_str(), page.about.as_str()), ("A page", "What it is."));
        assert_eq!(page.sections[1].text, "Gone.");
    }

    #[test]
    fn links_between_files_lead_to_pages_and_links_out_of_the_folder_are_text() {
        let html = fragment("[a](errors.md#internal) [b](../README.md) [c](https://example.com/) [d](#here)");
        assert_eq!(
            html,
            "<p><a href=\"/docs/errors#internal\">a</a> b <a href=\"https://example.com/\">c</a> <a href=\"#here\">d</a></p>\n"
        );
    }

    #[test]
    fn codes_of_errors_are_links_and_html_is_text() {
        let html = fragment("`not_found` <script>x</script>");
        assert!(
            html.contains("<a href=\"/docs/errors#not_found\"><code>not_found</code></a>"),
            "{html}"
        );
        assert!(!html.contains("<script>"), "{html}");
    }

    #[test]
    fn what_marks_a_block_for_tests_is_not_shown() {
        assert!(fragment("```sh run\nls\n```").contains("<code class=\"language-sh\">"));
    }
}
