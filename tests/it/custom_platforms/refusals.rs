//! Wrong definitions are refused at the question that they answer, or with the key of the vocabulary; nothing is kept.

use super::*;
use crate::support::connecting;
use crate::support::rows;

/// The message at a question.
fn wrong(page: &Answer, name: &str) -> String {
    assert_eq!(page.status, 422, "{}", page.text());
    page.select(&format!("#{name}-about .wrong")).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_wrong_answer_is_told_at_its_question() {
    let app = connecting::start().await;
    let owner = owner(&app).await;
    for (kind, good, name, value, said) in [
        ("code", CODE, "slug", "shopify", "Begin with x-"),
        ("code", CODE, "name", "", "fill this in"),
        ("code", CODE, "documentation", "javascript:alert(1)", "https://"),
        ("code", CODE, "base_url", "", "secret must not go"),
        ("code", CODE, "authorize_url", "http://generic.example", "https address"),
        ("code", CODE, "token_url", "oauth/token", "https address"),
        ("code", CODE, "access_life", "soon", "90s"),
        ("key", KEY, "verify_path", "", "fill this in"),
        ("key", KEY, "place_name", "two words", "Letters"),
        ("key", KEY, "place_name", "Host", "belongs to the connection"),
        (
            "credentials",
            CREDENTIALS,
            "base_url",
            "https://{host}.example",
            "{shop}",
        ),
    ] {
        let mut answers = good.to_vec();
        answers.retain(|(known, _)| *known != name);
        answers.push((name, value));
        let page = define(&app.url, &owner, kind, &answers).await;
        let told = wrong(&page, name);
        assert!(told.to_lowercase().contains(&said.to_lowercase()), "{name}: {told}");
        assert_eq!(
            page.form_with("kind").values["documentation"],
            answers.iter().rfind(|(known, _)| *known == "documentation").unwrap().1,
            "what was answered stays"
        );
    }
    assert_eq!(
        rows::count(&app.database, "SELECT count(*) AS n FROM custom_platforms"),
        0
    );

    defined(&app, &owner, "key", KEY).await;
    let again = define(&app.url, &owner, "key", KEY).await;
    assert!(wrong(&again, "slug").contains("Another platform"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answers_are_shown_as_a_definition_that_can_be_gone_on_with_by_hand() {
    let app = connecting::start().await;
    let owner = owner(&app).await;
    let shown = define(&app.url, &owner, "code", &[CODE, &[("do", "preview")]].concat()).await;
    assert_eq!(shown.status, 200);
    let definition = shown.select("pre").unwrap();
    assert!(definition.contains("[methods.obtain.code]"), "{definition}");
    assert_eq!(
        rows::count(&app.database, "SELECT count(*) AS n FROM custom_platforms"),
        0
    );

    let by_hand = define(&app.url, &owner, "code", &[CODE, &[("do", "by_hand")]].concat()).await;
    let form = by_hand.form_with("definition");
    let good = form.values["definition"].clone();
    for (text, key) in [
        (
            good.replace("pkce = true", "pkce = \"yes\""),
            "methods[0].obtain.code.pkce",
        ),
        (
            good.replace("grace = ", "quirk = \"tray\"\ngrace = "),
            "methods[0].quirk",
        ),
        (
            good.replace("{access_token}", "{nothing}"),
            "methods[0].sign.headers.authorization",
        ),
        (
            good.replace(
                "headers = [{ name = \"authorization\"",
                "headers = [{ name = \"connection\"",
            ),
            "methods[0].sign.headers.connection",
        ),
        (good.replace("x-generic", "walmart"), "slug"),
        (format!("{good}\n[[[methods"), "."),
    ] {
        let page = owner.submit(&form, &[("do", "save"), ("definition", &text)]).await;
        assert_eq!(page.status, 422, "{key}");
        let faults = page.select(".callout.bad ul[lang=en]").unwrap_or_default();
        let named = match key {
            "." => "TOML".to_owned(),
            key => format!("{key} : "),
        };
        assert!(faults.contains(&named), "{key}: {faults}");
        assert_eq!(
            page.form_with("definition").values["definition"],
            text,
            "nothing typed is lost"
        );
    }
    let kept = owner.submit(&form, &[("do", "save")]).await;
    assert_eq!(kept.status, 303, "{}", kept.text());
    let row = rows::row(&app.database, "SELECT answers, methods FROM custom_platforms");
    assert_eq!(
        row,
        serde_json::json!({ "answers": null, "methods": ["authorization"] })
    );
}
