//! Words of connecting a store that need no platform and no database.

/// The languages that people are spoken to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    #[default]
    En,
    Es,
    Pt,
}

impl Language {
    pub const ALL: [Self; 3] = [Self::En, Self::Es, Self::Pt];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
            Self::Pt => "pt",
        }
    }

    /// The language of a tag such as `pt-BR`, or the best one of an `Accept-Language` list; `None` if none is ours.
    pub fn parse(tags: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for item in tags.split(',') {
            let mut parts = item.split(';');
            let tag = parts.next().unwrap_or_default().trim();
            let primary = tag.split(['-', '_']).next().unwrap_or_default();
            let Some(language) = Self::ALL.into_iter().find(|l| primary.eq_ignore_ascii_case(l.as_str())) else {
                continue;
            };
            let weight = parts
                .find_map(|p| p.trim().strip_prefix("q=")?.parse::<f32>().ok())
                .unwrap_or(1.0);
            if weight > 0.0 && best.is_none_or(|(known, _)| weight > known) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_language_we_speak_wins() {
        assert_eq!(Language::parse("pt-BR"), Some(Language::Pt));
        assert_eq!(Language::parse("fr, en;q=0.5, es-MX;q=0.8"), Some(Language::Es));
        assert_eq!(Language::parse("es;q=0, fr"), None);
    }
}
