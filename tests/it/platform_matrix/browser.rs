//! A merchant's way through our pages and the platform's, however many of them there are.

use crate::support::connecting::{self, at_platform, form_page, send};
use crate::support::test_app::TestApp;
use crate::support::visitor::{Answer, Visitor};

/// Pages of a platform that one connection may show.
const PAGES: usize = 4;

/// From the link to the last page: fills in the form and presses `button` wherever the platform asks.
pub async fn through(app: &TestApp, link: &str, way: &connecting::Way, button: &str) -> Answer {
    let visitor = Visitor::new();
    let form = form_page(app, &visitor, link, way).await;
    let mut page = send(app, &visitor, &form, way).await;
    for _ in 0..PAGES {
        page = unfolded(app, &visitor, page).await;
        if !at_platform(app, &page) || page.forms().is_empty() {
            break;
        }
        // A page of one button only, such as an app's page in a store, has no account to choose.
        let offers = |wanted: &str| {
            let mut buttons = page.forms().into_iter().flat_map(|form| form.buttons);
            buttons.any(|(text, value)| text.contains(wanted) || value.is_some_and(|sent| sent.1 == wanted))
        };
        let pressed = if offers(button) { button } else { connecting::APPROVE };
        let answer = visitor.press(&page, pressed).await;
        page = visitor.follow(answer, &[&app.url, &app.sandbox]).await;
    }
    page
}

/// A page that reads what stands behind the `#` of its address asks again with it, as its script would.
async fn unfolded(app: &TestApp, visitor: &Visitor, page: Answer) -> Answer {
    let asked = page
        .url
        .fragment()
        .and_then(|text| text.split_once('?'))
        .map(|(_, query)| query.to_owned());
    match asked {
        Some(query) if at_platform(app, &page) => {
            let mut url = page.url.clone();
            url.set_fragment(None);
            url.set_query(Some(&query));
            visitor.open(url.as_str(), &[&app.url, &app.sandbox]).await
        }
        _ => page,
    }
}
