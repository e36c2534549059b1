//! What the macros in `templates/parts/` take: plain values, formatted already, so that templates only place them.

/// How good a state is. The name is both CSS class and icon, so that colour never stands alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Warn,
    Bad,
    Info,
    Idle,
}

impl Tone {
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Info => "info",
            Self::Idle => "idle",
        }
    }
}

/// A state in a word or two.
#[derive(Debug, Clone)]
pub struct Badge {
    pub tone: Tone,
    pub label: String,
}

impl Badge {
    pub fn new(tone: Tone, label: impl Into<String>) -> Self {
        Self {
            tone,
            label: label.into(),
        }
    }
}

/// Told once, on the page after a redirect.
#[derive(Debug, Clone)]
pub struct Flash {
    pub tone: Tone,
    pub text: String,
}

/// One step of the way to a place; the page itself has an empty `href`.
#[derive(Debug, Clone)]
pub struct Crumb {
    pub label: String,
    pub href: String,
}

impl Crumb {
    pub fn link(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            href: href.into(),
        }
    }

    pub fn here(label: impl Into<String>) -> Self {
        Self::link(label, "")
    }
}

/// Cursor paging. `shown` says what is on the page ("50 stores"); empty hrefs show no link.
#[derive(Debug, Clone, Default)]
pub struct Pager {
    pub shown: String,
    pub first: String,
    pub next: String,
}

/// A line of a description list; `code` for ids and the like.
#[derive(Debug, Clone)]
pub struct Fact {
    pub label: String,
    pub value: String,
    pub code: bool,
}

impl Fact {
    pub fn text(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            value: value.into(),
            code: false,
        }
    }

    pub fn code(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            value: value.into(),
            code: true,
        }
    }
}

/// One thing that happened: `at` for machines (RFC 3339), `when` for people.
#[derive(Debug, Clone)]
pub struct Event {
    pub tone: Tone,
    pub title: String,
    pub at: String,
    pub when: String,
    pub detail: String,
}

/// A number on the overview; without `href` it is no link and shows no tone.
#[derive(Debug, Clone)]
pub struct Figure {
    pub value: String,
    pub label: String,
    pub tone: Tone,
    pub href: String,
}

/// A step of a flow.
#[derive(Debug, Clone)]
pub struct Step {
    pub label: String,
    pub place: StepPlace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepPlace {
    Done,
    Now,
    Ahead,
}

impl Step {
    /// The steps named, with the one at `now` (from 0) under way.
    pub fn list(labels: impl IntoIterator<Item = String>, now: usize) -> Vec<Self> {
        let place = |at: usize| match at.cmp(&now) {
            std::cmp::Ordering::Less => StepPlace::Done,
            std::cmp::Ordering::Equal => StepPlace::Now,
            std::cmp::Ordering::Greater => StepPlace::Ahead,
        };
        labels
            .into_iter()
            .enumerate()
            .map(|(at, label)| Self {
                label,
                place: place(at),
            })
            .collect()
    }

    pub fn class(&self) -> &'static str {
        match self.place {
            StepPlace::Done => "done",
            StepPlace::Now => "now",
            StepPlace::Ahead => "ahead",
        }
    }

    pub fn is_now(&self) -> bool {
        self.place == StepPlace::Now
    }
}

/// A party of a connection: its logo (a URL), else its initials.
#[derive(Debug, Clone)]
pub struct Plate {
    pub name: String,
    pub logo: String,
}

impl Plate {
    pub fn new(name: impl Into<String>, logo: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            logo: logo.into(),
        }
    }

    /// One or two letters: those of the first two words, or of a name such as `OpenCounter` its first two capitals.
    pub fn initials(&self) -> String {
        let first = |word: &str| word.chars().find(|letter| letter.is_alphanumeric());
        let mut words = self.name.split_whitespace().filter_map(first);
        match (words.next(), words.next()) {
            (Some(one), Some(two)) => [one, two].iter().flat_map(|letter| letter.to_uppercase()).collect(),
            (Some(one), None) => {
                let second = self.name.chars().skip(1).find(|letter| letter.is_uppercase());
                one.to_uppercase().chain(second).collect()
            }
            _ => String::new(),
        }
    }
}

/// A platform that can be chosen; `note` is one short line or empty, `find` what a search is compared with.
#[derive(Debug, Clone)]
pub struct PlatformChoice {
    pub plate: Plate,
    pub href: String,
    pub note: String,
    pub find: String,
}

/// A bar chart of counts; `good` and `bad` name the two parts of each bar.
#[derive(Debug, Clone)]
pub struct Bars {
    pub title: String,
    pub good: String,
    pub bad: String,
    pub bars: Vec<Bar>,
}

#[derive(Debug, Clone)]
pub struct Bar {
    pub label: String,
    pub good: u64,
    pub bad: u64,
}

/// A bar in the units of the drawing: 100 high, 12 a bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawnBar {
    pub x: u64,
    pub good_y: u64,
    pub good_height: u64,
    pub bad_y: u64,
    pub bad_height: u64,
}

impl Bars {
    pub fn width(&self) -> usize {
        self.bars.len().max(1) * 12 - 4
    }

    pub fn drawn(&self) -> Vec<DrawnBar> {
        let most = self.bars.iter().map(|bar| bar.good + bar.bad).max().unwrap_or(0).max(1);
        // A failure among thousands must stay visible: at least 3 units.
        let height = |count: u64| if count == 0 { 0 } else { (count * 97 / most).max(3) };
        (0..)
            .zip(&self.bars)
            .map(|(at, bar)| {
                let (bad_height, good_height) = (height(bar.bad), height(bar.good));
                let good_y = 100 - good_height;
                DrawnBar {
                    x: at * 12,
                    good_y,
                    good_height,
                    bad_y: good_y.saturating_sub(bad_height),
                    bad_height,
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_failure_stays_visible_beside_many_successes() {
        let bar = Bar {
            label: "Mon".into(),
            good: 10_000,
            bad: 1,
        };
        let chart = Bars {
            title: String::new(),
            good: String::new(),
            bad: String::new(),
            bars: vec![bar],
        };
        let drawn = chart.drawn();
        assert_eq!((drawn[0].bad_height, drawn[0].good_height), (3, 96));
        assert_eq!(chart.width(), 8);
    }

    #[test]
    fn initials_are_one_or_two_letters() {
        for (name, initials) in [
            ("Demo Shop", "DS"),
            ("Anvil (Acme)", "AA"),
            ("OpenCounter", "OC"),
            ("vendora", "V"),
            ("", ""),
        ] {
            assert_eq!(Plate::new(name, "").initials(), initials);
        }
    }
}
