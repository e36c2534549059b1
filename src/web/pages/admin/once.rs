//! The page that shows a secret, this once: the answer to the POST that made it. Nothing keeps it, so there is no address
//! at which it could be seen again.

use askama::Template;

use crate::domain::secret::Secret;
use crate::web::Frame;
use crate::web::parts::{Crumb, Fact};

#[derive(Template)]
#[template(path = "pages/admin/once.html")]
pub struct Once {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub title: String,
    pub label: String,
    pub secret: String,
    /// What to do with it.
    pub texts: Vec<String>,
    pub facts: Vec<Fact>,
    pub back_label: String,
    pub back: String,
}

impl Once {
    /// The page is its rightful reader.
    pub fn secret(secret: &Secret) -> String {
        secret.expose().to_owned()
    }
}
