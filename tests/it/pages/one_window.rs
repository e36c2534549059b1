//! Connecting happens in the one window that the merchant is in: browsers block popups, and platforms refuse to be shown
//! in frames.

use serde_json::json;

use crate::support::connecting::{Way, begin, form_page, start};
use crate::support::visitor::Visitor;

#[tokio::test]
async fn the_merchant_is_led_to_the_platform_in_the_same_window() {
    let app = start().await;
    for (platform, method) in [("mercado-libre", "authorization"), ("shopify", "expiring")] {
        let session = begin(&app, json!({ "platform": platform })).await;
        let visitor = Visitor::new();
        let way = Way::good(platform, method);
        let page = form_page(&app, &visitor, &session.url, &way).await;
        assert!(page.attributes("[target]", "target").is_empty(), "{}", page.body);
        assert!(page.attributes("iframe", "src").is_empty(), "{}", page.body);
        let scripts = page.attributes("script[src]", "src");
        for script in &scripts {
            let address = page.url.join(script).unwrap();
            let text = visitor.get(address.as_str()).await.body;
            assert!(!text.contains("window.open"), "{address}");
        }
        let fields: Vec<(&str, &str)> = way
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let answer = visitor.submit(&page.form_with("method"), &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let there = answer.location.unwrap();
        assert!(there.as_str().starts_with(&app.sandbox), "{there}");
    }
}
