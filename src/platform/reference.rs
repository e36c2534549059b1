//! The reference table: what is commonly said of a platform. Where today's documentation says otherwise, both are shown,
//! so that nobody who knows the one is surprised by the other.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::descriptor::{Method, Renewal};
use super::obtain::Obtain;

/// What the reference table says of a platform; empty where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    pub auth: String,
    #[serde(default)]
    pub access: String,
    #[serde(default)]
    pub refresh: String,
}

/// A life in the table's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    NoEnd,
    Between(Duration, Duration),
}

impl Reference {
    /// The columns that a connect method differs in: `auth`, `access`, `refresh`.
    pub fn differs(&self, method: &Method) -> Vec<&'static str> {
        let access = method.lifetimes.access.filter(|_| !method.lifetimes.access_unknown);
        let refresh = method.lifetimes.refresh.filter(|_| !method.lifetimes.refresh_unknown);
        let renews = method.renewal == Renewal::RefreshToken;
        let columns = [
            ("auth", self.auth_differs(method)),
            (
                "access",
                !method.lifetimes.access_unknown && said(&self.access).differs(access),
            ),
            (
                "refresh",
                match renews {
                    true => !method.lifetimes.refresh_unknown && said(&self.refresh).differs(refresh),
                    false => matches!(said(&self.refresh), Said::Between(..)),
                },
            ),
        ];
        columns
            .into_iter()
            .filter_map(|(column, differs)| differs.then_some(column))
            .collect()
    }

    fn auth_differs(&self, method: &Method) -> bool {
        let auth = self.auth.to_ascii_lowercase();
        if auth.starts_with("oauth2") {
            matches!(method.obtain, Obtain::Given(_))
        } else if auth == "client credentials" {
            !matches!(method.obtain, Obtain::Ask(_))
        } else if auth.starts_with("api key") || auth == "fixed token" {
            method.renewal != Renewal::Never
        } else {
            false
        }
    }
}

impl Said {
    fn differs(self, life: Option<Duration>) -> bool {
        match (self, life) {
            (Self::Nothing, _) | (Self::NoEnd, None) => false,
            (Self::NoEnd, Some(_)) | (Self::Between(..), None) => true,
            // The table rounds: months have 30 days, and a tenth more or less is the same.
            (Self::Between(least, most), Some(life)) => life * 10 < least * 9 || life * 10 > most * 11,
        }
    }
}

/// Such as `~6h`, `15m-12h`, `~18 months`, `No expiration*`; what cannot be told (`Variable`) says nothing.
fn said(words: &str) -> Said {
    let words = words
        .trim_matches(|c: char| c == '~' || c == '*' || c.is_whitespace())
        .to_ascii_lowercase();
    if words == "no expiration" {
        return Said::NoEnd;
    }
    let (least, most) = words.split_once('-').unwrap_or((&words, &words));
    match (length(least), length(most)) {
        (Some(least), Some(most)) => Said::Between(least, most),
        _ => Said::Nothing,
    }
}

fn length(words: &str) -> Option<Duration> {
    let words = words.trim();
    let (digits, unit) = words.split_at(words.find(|c: char| !c.is_ascii_digit())?);
    let seconds = match unit.trim() {
        "m" | "min" => 60,
        "h" => 60 * 60,
        "d" | "day" | "days" => 24 * 60 * 60,
        "month" | "months" => 30 * 24 * 60 * 60,
        "year" | "years" => 365 * 24 * 60 * 60,
        _ => return None,
    };
    digits
        .parse::<u32>()
        .ok()
        .map(|count| Duration::from_secs(u64::from(count) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_words_are_understood() {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        assert_eq!(said("~6h"), Said::Between(hours(6), hours(6)));
        assert_eq!(said("15m-12h"), Said::Between(hours(1) / 4, hours(12)));
        assert_eq!(said("~18 months"), Said::Between(hours(24 * 540), hours(24 * 540)));
        assert_eq!(said("No expiration*"), Said::NoEnd);
        for nothing in ["", "Variable"] {
            assert_eq!(said(nothing), Said::Nothing);
        }
    }

    #[test]
    fn a_life_differs_only_where_the_table_says_another() {
        let day = Duration::from_secs(24 * 3600);
        assert!(!said("~18 months").differs(Some(day * 547)));
        assert!(said("~6 months").differs(Some(day * 30)));
        assert!(said("No expiration").differs(Some(day)));
        assert!(said("~1h").differs(None));
        assert!(!said("Variable").differs(Some(day)));
    }
}
