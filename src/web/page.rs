//! Pages. A page's struct derives `askama::Template` and has a field `page: Frame`: the reader's language and texts, asset
//! addresses, the form token, and what the layouts show around the content. Handlers take `Frame` as an argument and
//! answer `Page(struct)`.

use actix_session::SessionExt;
use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::{Method, StatusCode};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, web};
use askama::Template;
use std::future::{Ready, ready};

use super::i18n::{Language, own_name};
use super::parts::Flash;
use super::urls::Group;
use super::{Error, Site, csrf, session, urls};
use crate::domain::problem::Problem;

/// The cookie that remembers a chosen language.
pub const LANGUAGE_COOKIE: &str = "llavero_language";

/// What surrounds every page.
#[derive(Clone, Debug)]
pub struct Frame {
    site: web::Data<Site>,
    pub language: Language,
    /// Whether the reader chose the language here, rather than the browser.
    chosen: bool,
    path: String,
    query: String,
    form_token: String,
    /// Hides bar and foot (`nobar=true`).
    pub bare: bool,
    /// Whether the page is about an app in sandbox mode, which every such page says.
    pub sandbox: bool,
    pub flash: Option<Flash>,
    /// The admin who is signed in.
    pub admin: Option<AdminBar>,
}

/// Who is signed in, for the admin layout; the role in the reader's language.
#[derive(Clone, Debug)]
pub struct AdminBar {
    pub email: String,
    pub role: String,
}

/// An entry of the admin navigation.
#[derive(Clone, Debug)]
pub struct MenuItem {
    pub label: String,
    pub href: &'static str,
    pub current: bool,
}

/// An entry of the language switch.
#[derive(Clone, Debug)]
pub struct LanguageChoice {
    pub code: &'static str,
    pub name: &'static str,
    pub href: String,
    pub current: bool,
}

/// `?locale=` of the request, if it names a language of ours.
pub fn asked_language(request: &HttpRequest) -> Option<Language> {
    url::form_urlencoded::parse(request.query_string().as_bytes())
        .find(|(name, _)| name == "locale")
        .and_then(|(_, value)| Language::from_tag(&value))
}

fn chosen_language(site: &Site, request: &HttpRequest) -> Option<Language> {
    asked_language(request).or_else(|| Language::from_tag(request.cookie(&site.cookie_name(LANGUAGE_COOKIE))?.value()))
}

/// The path as a link that stays at this host: two slashes at its beginning, or a backslash, would name another one.
fn own_path(asked: &str) -> String {
    format!("/{}", asked.trim_start_matches(['/', '\\']))
}

impl Frame {
    /// The frame of the page that answers `request`, without a flash.
    pub fn of(site: web::Data<Site>, request: &HttpRequest) -> Self {
        let chosen = chosen_language(&site, request);
        let preferred = || Language::negotiate(request.headers().get("accept-language")?.to_str().ok()?);
        let query = request.query_string();
        Self {
            language: chosen.or_else(preferred).unwrap_or(Language::En),
            chosen: chosen.is_some(),
            path: own_path(request.path()),
            query: query.to_owned(),
            form_token: csrf::form_token(request),
            bare: url::form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "nobar" && value == "true"),
            sandbox: false,
            flash: None,
            admin: None,
            site,
        }
    }

    /// Speaks `language` (the merchant's, as the partner told it) unless the reader chose another.
    pub fn prefer(&mut self, language: Language) {
        if !self.chosen {
            self.language = language;
        }
    }

    pub fn say(&self, key: &str) -> String {
        self.site.texts.say(self.language, key)
    }

    /// Whether there is such a text.
    pub fn knows(&self, key: &str) -> bool {
        self.site.texts.has(self.language, key)
    }

    /// Where browsers reach this installation.
    pub fn public_url(&self) -> &url::Url {
        &self.site.options.public_url
    }

    /// A text with values: `page.say_with("retry-after", [("seconds", "12")])`.
    pub fn say_with<'a>(&self, key: &str, values: impl AsRef<[(&'a str, &'a str)]>) -> String {
        self.site.texts.say_with(self.language, key, values.as_ref())
    }

    pub fn asset(&self, name: &str) -> String {
        self.site.assets.href(name)
    }

    pub fn form_token(&self) -> &str {
        &self.form_token
    }

    pub fn sign_out_href(&self) -> &'static str {
        urls::ADMIN_SIGN_OUT
    }

    pub fn admin_home(&self) -> &'static str {
        urls::ADMIN
    }

    /// The same page in each language.
    pub fn languages(&self) -> Vec<LanguageChoice> {
        let choice = |language: Language| {
            let kept = url::form_urlencoded::parse(self.query.as_bytes()).filter(|(name, _)| name != "locale");
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            let query = query
                .extend_pairs(kept)
                .append_pair("locale", language.as_str())
                .finish();
            let (code, name) = (language.as_str(), own_name(language));
            LanguageChoice {
                code,
                name,
                href: format!("{}?{query}", self.path),
                current: language == self.language,
            }
        };
        Language::ALL.iter().copied().map(choice).collect()
    }

    pub fn admin_menu(&self) -> Vec<MenuItem> {
        let item = |label: String, href: &'static str| {
            let below = self.path.strip_prefix(href);
            let current = below.is_some_and(|rest| rest.is_empty() || (href != urls::ADMIN && rest.starts_with('/')));
            MenuItem { label, href, current }
        };
        vec![
            item(self.say("admin-overview"), urls::ADMIN),
            item(self.say("admin-stores"), urls::ADMIN_STORES),
            item(self.say("admin-apps"), urls::ADMIN_APPS),
            item(self.say("admin-platforms"), urls::ADMIN_PLATFORMS),
            item(self.say("admin-jobs"), urls::ADMIN_JOBS),
            item(self.say("admin-notices"), urls::ADMIN_NOTICES),
            item(self.say("admin-audit"), urls::ADMIN_AUDIT),
            item(self.say("admin-admins"), urls::ADMIN_ADMINS),
            item(self.say("admin-keys"), urls::ADMIN_KEYS),
        ]
    }
}

impl FromRequest for Frame {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(site) = request.app_data::<web::Data<Site>>() else {
            return ready(Err(Error::of(Problem::Internal).caused_by("the site is not registered")));
        };
        let mut frame = Self::of(site.clone(), request);
        // Only a page takes the message; a POST that redirects leaves it for the page after.
        if request.method() == Method::GET && Group::of_path(urls::routed(request)) == Group::Admin {
            frame.flash = session::take_flash(&request.get_session());
        }
        ready(Ok(frame))
    }
}

/// A rendered template as the answer.
#[derive(Debug)]
pub struct Page<T>(pub T);

impl<T: Template> Page<T> {
    /// With a status other than 200, such as 422 for a refused form.
    pub fn with_status(self, status: StatusCode) -> Result<HttpResponse, Error> {
        let body = self
            .0
            .render()
            .map_err(|error| Error::of(Problem::Internal).caused_by(error))?;
        Ok(HttpResponse::build(status)
            .content_type("text/html; charset=utf-8")
            .body(body))
    }
}

impl<T: Template> Responder for Page<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.with_status(StatusCode::OK)
            .unwrap_or_else(HttpResponse::from_error)
    }
}

/// After a POST: the page to show next (303).
pub fn see_other(href: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header(("location", href)).finish()
}
