//! The page before something that changes a state: what will happen, in words, and one button. Shared by all such pages,
//! which bring their own question and their own `submit`.

use askama::Template;

use crate::web::Frame;
use crate::web::parts::Crumb;

#[derive(Template)]
#[template(path = "pages/admin/confirm.html")]
pub struct Confirm {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub question: String,
    /// What will happen, one paragraph each.
    pub texts: Vec<String>,
    pub label: String,
    pub action: String,
    pub cancel: String,
    /// It can't be undone.
    pub is_final: bool,
}
