//! Stylesheet, fonts and images: embedded in the binary and served under a name that holds a hash of the content, so that
//! browsers may keep them for ever and a new release is seen at once. References inside stylesheets are rewritten alike.

use std::collections::HashMap;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use super::{Error, Site, urls};

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/static");

struct Asset {
    content: Bytes,
    content_type: String,
}

/// All assets by the name they are served under.
pub struct Assets {
    served: HashMap<String, Asset>,
    names: HashMap<String, String>,
}

/// An embedded file is not usable.
#[derive(Debug, thiserror::Error)]
#[error("static/{file}: {reason}")]
pub struct AssetError {
    file: String,
    reason: String,
}

impl Assets {
    pub fn embedded() -> Result<Self, AssetError> {
        let mut assets = Self {
            served: HashMap::new(),
            names: HashMap::new(),
        };
        let (sheets, others): (Vec<_>, Vec<_>) = FILES
            .files()
            .partition(|file| file.path().extension().is_some_and(|end| end == "css"));
        for file in others {
            assets.add(&file.path().to_string_lossy(), Bytes::from_static(file.contents()));
        }
        // Sheets come last: they refer to the others.
        for file in sheets {
            let name = file.path().to_string_lossy();
            let wrong = |reason: &str| AssetError {
                file: name.to_string(),
                reason: reason.to_owned(),
            };
            let text = file.contents_utf8().ok_or_else(|| wrong("not UTF-8"))?;
            let text = assets
                .with_served_names(text)
                .map_err(|missing| wrong(&format!("refers to {missing}")))?;
            assets.add(&name, Bytes::from(text));
        }
        Ok(assets)
    }

    fn add(&mut self, name: &str, content: Bytes) {
        let hash: String = Sha256::digest(&content)
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let served = match name.rsplit_once('.') {
            Some((stem, end)) => format!("{stem}.{hash}.{end}"),
            None => format!("{name}.{hash}"),
        };
        let content_type = match mime_guess::from_path(name).first_or_octet_stream() {
            kind if kind.type_() == "text" => format!("{kind}; charset=utf-8"),
            kind => kind.to_string(),
        };
        self.names.insert(name.to_owned(), urls::asset(&served));
        self.served.insert(served, Asset { content, content_type });
    }

    /// `url("name")` in a stylesheet becomes the served address; `Err` is a name that there is none of.
    fn with_served_names(&self, sheet: &str) -> Result<String, String> {
        let mut parts = sheet.split("url(\"");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('"').ok_or("an unfinished url")?;
            let served = self.names.get(name).ok_or(name)?;
            out.push_str("url(\"");
            out.push_str(served);
            out.push('"');
            out.push_str(rest);
        }
        Ok(out)
    }

    /// The address of the asset `name`; a name that does not exist is a fault of the template (a test looks for those)
    /// and gives an address that answers 404.
    pub fn href(&self, name: &str) -> String {
        self.names.get(name).cloned().unwrap_or_else(|| urls::asset(name))
    }

    /// Served name and content of each, for the gallery of tests.
    #[cfg(test)]
    pub fn all(&self) -> impl Iterator<Item = (&String, &Bytes)> {
        self.served.iter().map(|(name, asset)| (name, &asset.content))
    }

    pub fn contains(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }
}

/// `GET /assets/{name}`
pub async fn show(site: web::Data<Site>, name: web::Path<String>) -> Result<HttpResponse, Error> {
    let asset = site.assets.served.get(name.as_str()).ok_or_else(Error::not_found)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, asset.content_type.as_str()))
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.content.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stylesheet_refers_to_served_names_only() {
        let assets = Assets::embedded().unwrap();
        let sheet = assets.href("llavero.css");
        assert!(
            sheet.starts_with("/assets/llavero.") && sheet.ends_with(".css"),
            "{sheet}"
        );
        let text = &assets.served[sheet.trim_start_matches("/assets/")].content;
        let text = std::str::from_utf8(text).unwrap();
        assert!(text.contains(&assets.href("besley.woff2")));
        assert!(!text.contains("url(\"besley.woff2\")"));
    }
}
