//! A stranger names somebody else's store: he gets neither the store nor what the partner registered at the platform, and
//! nothing of the store changes.

use crate::support::connecting::start;
use crate::support::visitor::Visitor;

/// The switch of languages is a link to the page that is shown: to no other host, whatever was asked for.
#[tokio::test]
async fn the_language_switch_stays_at_this_host() {
    let app = start().await;
    for path in ["//evil.example/x", "///evil.example"] {
        let page = Visitor::new().get(&format!("{}{path}", app.url)).await;
        assert_eq!(page.status, 404, "{path}");
        let links = page.attributes("a[href]", "href");
        let switch: Vec<_> = links.iter().filter(|link| link.contains("locale=")).collect();
        assert!(!switch.is_empty(), "{}", page.body);
        for link in links {
            let to = page.url.join(&link).unwrap();
            assert!(!link.starts_with("//"), "{link}");
            assert!(!link.contains("locale=") || to.as_str().starts_with(&app.url), "{link}");
        }
    }
}
