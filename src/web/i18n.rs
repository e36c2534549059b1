//! The words of the pages: Fluent files in `locales/`, English, Spanish and Portuguese. Embedded and parsed at start, so
//! that a broken file stops the start and not a page. Which language: what was asked for (`?locale=`), else what was
//! asked for earlier (a cookie), else what the browser prefers.

use std::collections::HashMap;
use std::fmt;

use fluent_templates::fluent_bundle::concurrent::FluentBundle;
use fluent_templates::fluent_bundle::{FluentArgs, FluentResource};
use include_dir::{Dir, include_dir};

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/locales");

pub use crate::domain::connect::Language;

/// The language's own name for itself.
pub fn own_name(language: Language) -> &'static str {
    match language {
        Language::En => "English",
        Language::Es => "Español",
        Language::Pt => "Português",
    }
}

/// All texts of all languages.
pub struct Texts {
    bundles: HashMap<Language, FluentBundle<FluentResource>>,
}

/// A file in `locales/` can't be used.
#[derive(Debug, thiserror::Error)]
#[error("locales/{file}: {reason}")]
pub struct TextError {
    file: String,
    reason: String,
}

impl Texts {
    pub fn embedded() -> Result<Self, TextError> {
        let mut bundles = HashMap::new();
        for &language in Language::ALL {
            let folder = language.as_str();
            let wrong = |file: &str, reason: String| TextError {
                file: format!("{folder}/{file}"),
                reason,
            };
            let tag = folder.parse().map_err(|error| wrong("", format!("{error}")))?;
            let mut bundle = FluentBundle::new_concurrent(vec![tag]);
            // The marks around inserted values would end up in titles, mails and copied text.
            bundle.set_use_isolating(false);
            let dir = FILES.get_dir(folder).ok_or_else(|| wrong("", "missing".to_owned()))?;
            for file in dir.files() {
                let name = file
                    .path()
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                let text = file
                    .contents_utf8()
                    .ok_or_else(|| wrong(&name, "not UTF-8".to_owned()))?;
                let resource = FluentResource::try_new(text.to_owned())
                    .map_err(|(_, errors)| wrong(&name, format!("{errors:?}")))?;
                bundle
                    .add_resource(resource)
                    .map_err(|errors| wrong(&name, format!("{errors:?}")))?;
            }
            bundles.insert(language, bundle);
        }
        Ok(Self { bundles })
    }

    /// The text `key`. A key that does not exist is shown as itself, which a test keeps from happening.
    pub fn say(&self, language: Language, key: &str) -> String {
        self.say_with(language, key, &[])
    }

    /// The text `key` with values for its `{ $names }`.
    pub fn say_with(&self, language: Language, key: &str, values: &[(&str, &str)]) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in values {
            // Numbers choose plural forms; digits that a number would print otherwise (0012) stay text.
            match value.parse::<i64>() {
                // A longer one is an identifier, which a floating-point number would not keep.
                Ok(number) if number.to_string() == *value && value.len() <= 12 => args.set(*name, number),
                _ => args.set(*name, *value),
            }
        }
        let found = self.bundles.get(&language).and_then(|bundle| {
            let pattern = bundle.get_message(key)?.value()?;
            let mut errors = Vec::new();
            let text = bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned();
            if !errors.is_empty() {
                tracing::error!(
                    text.key = key,
                    text.language = language.as_str(),
                    "a text lacks a value: {errors:?}"
                );
            }
            Some(text)
        });
        found.unwrap_or_else(|| {
            tracing::error!(text.key = key, text.language = language.as_str(), "a text is missing");
            key.to_owned()
        })
    }

    pub fn has(&self, language: Language, key: &str) -> bool {
        self.bundles
            .get(&language)
            .is_some_and(|bundle| bundle.has_message(key))
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Texts")
    }
}

#[cfg(test)]
#[path = "i18n_tests.rs"]
mod tests;
