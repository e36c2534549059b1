//! A person's browser without the screen: keeps cookies, fills in forms as they stand on the page, follows redirects only
//! when told to, so that a test sees each of them.

use std::collections::BTreeMap;

use scraper::{Html, Selector};
use url::Url;

#[expect(clippy::disallowed_types, reason = "the test is the client")]
type Http = reqwest::Client;

/// One browser with its own cookies.
pub struct Visitor {
    client: Http,
}

/// An answer with the address it came from.
#[derive(Debug, Clone)]
pub struct Answer {
    pub url: Url,
    pub status: u16,
    pub location: Option<Url>,
    pub headers: http::HeaderMap,
    pub body: String,
}

/// A form with the values that stand in it.
#[derive(Debug, Clone)]
pub struct Form {
    pub action: Url,
    pub method: String,
    pub values: BTreeMap<String, String>,
    /// Text of its buttons, with the name and value they send.
    pub buttons: Vec<(String, Option<(String, String)>)>,
}

impl Visitor {
    pub fn new() -> Self {
        let client = Http::builder()
            .cookie_store(true)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { client }
    }

    /// One GET, redirects not followed.
    pub async fn get(&self, url: &str) -> Answer {
        let mut answer = read(self.client.get(url).send().await.unwrap()).await;
        // Browsers keep it, and scripts read it.
        let fragment = url.split_once('#').map(|(_, fragment)| fragment);
        answer.url.set_fragment(fragment);
        answer
    }

    pub async fn get_in(&self, url: &str, language: &str) -> Answer {
        read(
            self.client
                .get(url)
                .header("accept-language", language)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    pub async fn delete(&self, url: &str) -> Answer {
        read(self.client.delete(url).send().await.unwrap()).await
    }

    /// A GET that follows redirects while they stay at addresses beginning with one of `within`.
    pub async fn open(&self, url: &str, within: &[&str]) -> Answer {
        let answer = self.get(url).await;
        self.follow(answer, within).await
    }

    pub async fn follow(&self, mut answer: Answer, within: &[&str]) -> Answer {
        for _ in 0..10 {
            match &answer.location {
                Some(next) if within.iter().any(|start| next.as_str().starts_with(start)) => {
                    answer = self.get(next.as_str()).await;
                }
                _ => return answer,
            }
        }
        panic!("more than ten redirects: {}", answer.url);
    }

    /// Sends a form with some values changed, as a press of its first button would.
    pub async fn submit(&self, form: &Form, changed: &[(&str, &str)]) -> Answer {
        let mut values = form.values.clone();
        for (name, value) in changed {
            values.insert((*name).to_owned(), (*value).to_owned());
        }
        let request = if form.method == "post" {
            self.client.post(form.action.clone()).form(&values)
        } else {
            self.client.get(form.action.clone()).query(&values)
        };
        read(request.send().await.unwrap()).await
    }

    /// Presses the button whose text holds `label`, or which sends it as its value.
    pub async fn press(&self, answer: &Answer, label: &str) -> Answer {
        for form in answer.forms() {
            for (text, value) in &form.buttons {
                if text.contains(label) || value.as_ref().is_some_and(|sent| sent.1 == label) {
                    let changed: Vec<(&str, &str)> = value
                        .iter()
                        .map(|(name, value)| (name.as_str(), value.as_str()))
                        .collect();
                    return self.submit(&form, &changed).await;
                }
            }
        }
        panic!("no button `{label}` on {}:\n{}", answer.url, answer.text());
    }
}

async fn read(response: reqwest::Response) -> Answer {
    let url = response.url().clone();
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let location = headers
        .get("location")
        .and_then(|value| value.to_str().ok())
        .map(|location| url.join(location).unwrap());
    Answer {
        url,
        status,
        location,
        headers,
        body: response.text().await.unwrap(),
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.body))
    }

    /// Text of the first element that a CSS selector finds.
    pub fn select(&self, selector: &str) -> Option<String> {
        let page = Html::parse_document(&self.body);
        let found = page.select(&Selector::parse(selector).unwrap()).next()?;
        Some(words(found.text()))
    }

    /// The attribute of every element that a CSS selector finds.
    pub fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        let page = Html::parse_document(&self.body);
        let selector = Selector::parse(selector).unwrap();
        page.select(&selector)
            .filter_map(|element| element.attr(name).map(str::to_owned))
            .collect()
    }

    /// The address behind the link whose text holds `label`.
    pub fn link(&self, label: &str) -> String {
        let page = Html::parse_document(&self.body);
        let links = Selector::parse("a[href]").unwrap();
        let found = page.select(&links).find(|link| words(link.text()).contains(label));
        let href = found.and_then(|link| link.attr("href")).map(str::to_owned);
        let href = href.unwrap_or_else(|| panic!("no link `{label}` on {}:\n{}", self.url, self.text()));
        self.url.join(&href).unwrap().to_string()
    }

    /// The page as text, for messages of failed tests and searches for words.
    pub fn text(&self) -> String {
        words(Html::parse_document(&self.body).root_element().text())
    }

    /// Every form of the page.
    pub fn forms(&self) -> Vec<Form> {
        let page = Html::parse_document(&self.body);
        let (forms, fields) = (
            Selector::parse("form").unwrap(),
            Selector::parse("input, select, textarea").unwrap(),
        );
        let (buttons, chosen) = (
            Selector::parse("button").unwrap(),
            Selector::parse("option[selected]").unwrap(),
        );
        page.select(&forms)
            .map(|form| {
                let mut values = BTreeMap::new();
                for field in form.select(&fields) {
                    let Some(name) = field.attr("name") else { continue };
                    let kind = field.attr("type").unwrap_or("text");
                    if matches!(kind, "checkbox" | "radio") && field.attr("checked").is_none() {
                        continue;
                    }
                    let value = match field.value().name() {
                        "select" => {
                            let option = field.select(&chosen).next();
                            option
                                .and_then(|option| option.attr("value"))
                                .unwrap_or_default()
                                .to_owned()
                        }
                        "textarea" => field.text().collect::<String>().trim_start_matches('\n').to_owned(),
                        _ => field.attr("value").unwrap_or_default().to_owned(),
                    };
                    values.insert(name.to_owned(), value);
                }
                let buttons = form
                    .select(&buttons)
                    .map(|button| {
                        let sends = button
                            .attr("name")
                            .map(|name| (name.to_owned(), button.attr("value").unwrap_or_default().to_owned()));
                        (words(button.text()), sends)
                    })
                    .collect();
                Form {
                    action: self.url.join(form.attr("action").unwrap_or_default()).unwrap(),
                    method: form.attr("method").unwrap_or("get").to_lowercase(),
                    values,
                    buttons,
                }
            })
            .collect()
    }

    /// The form that has a field of this name.
    pub fn form_with(&self, field: &str) -> Form {
        self.forms()
            .into_iter()
            .find(|form| form.values.contains_key(field))
            .unwrap_or_else(|| panic!("no form with `{field}` on {}:\n{}", self.url, self.text()))
    }
}

fn words<'a>(text: impl Iterator<Item = &'a str>) -> String {
    text.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}
