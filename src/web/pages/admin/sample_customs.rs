//! Samples of the pages about platforms that owners define.

use super::pages::done;
use super::*;
use crate::platform::custom::draft::{Draft, Kind};
use custom_platform_form::{CustomPlatformPage, Defining};

pub(super) fn list(page: Frame) -> String {
    let row = |name: &str, slug: &str, good: bool| custom_platforms::Row {
        href: "/admin".to_owned(),
        name: name.to_owned(),
        slug: slug.to_owned(),
        owner: if good {
            page.say("admin-custom-everybody")
        } else {
            "Shop manager".to_owned()
        },
        state: match good {
            true => Badge::new(Tone::Good, page.say("admin-custom-works")),
            false => Badge::new(Tone::Bad, page.say("admin-custom-broken")),
        },
        faults: match good {
            true => Vec::new(),
            false => vec![(
                "methods[0].obtain.code.pcke".to_owned(),
                "unknown field `pcke`".to_owned(),
            )],
        },
        stores: "12".to_owned(),
        stores_href: "/admin".to_owned(),
        changed: moment(&page, 90),
    };
    done(custom_platforms::CustomPlatforms {
        crumbs: crumbs(&[&page.say("admin-platforms"), &page.say("admin-custom")]),
        rows: vec![
            row("Acme Market", "x-acme-market", true),
            row("In-house shop", "x-in-house", false),
        ],
        kinds: custom_platforms::kinds(&page),
        page,
    })
}

fn draft(kind: Kind) -> Draft {
    let mut draft = Draft::new(kind);
    for (name, value) in [
        ("slug", "x-acme-market"),
        ("name", "Acme Market"),
        ("documentation", "https://acme.example/docs"),
        ("base_url", "https://api.acme.example/v1"),
        ("authorize_url", "https://acme.example/oauth/authorize"),
        ("token_url", "/oauth/token"),
        ("verify_path", "/me"),
        ("key_label", "Acme key"),
    ] {
        draft.set(name, value);
    }
    draft
}

fn shown(page: Frame, defining: &Defining, form: Form, preview: &str) -> String {
    let kind = defining.kind();
    done(CustomPlatformPage {
        crumbs: crumbs(&[&page.say("admin-platforms"), &page.say("admin-custom-new")]),
        title: page.say(&format!("admin-custom-kind-{kind}")),
        intro: page.say(&format!("admin-custom-kind-{kind}-text")),
        action: "/admin".to_owned(),
        cancel: "/admin".to_owned(),
        delete: if kind == "text" {
            "/admin".to_owned()
        } else {
            String::new()
        },
        kind,
        faults: match form.is_refused() {
            true => vec![(
                "methods[0].quirk".to_owned(),
                "only a built-in platform has it".to_owned(),
            )],
            false => Vec::new(),
        },
        form,
        preview: preview.to_owned(),
        page,
    })
}

fn owners() -> Option<Vec<Choice>> {
    Some(vec![Choice {
        value: "app".to_owned(),
        label: "Shop manager (Northwind ERP)".to_owned(),
    }])
}

pub(super) fn code(page: Frame) -> String {
    let draft = draft(Kind::Code);
    let preview = draft.definition().unwrap();
    let defining = Defining::Form(draft);
    let form = defining.form(&page, owners(), "");
    shown(page, &defining, form, &preview)
}

pub(super) fn key(page: Frame) -> String {
    let defining = Defining::Form(draft(Kind::Key));
    let form = defining.form(&page, owners(), "");
    shown(page, &defining, form, "")
}

pub(super) fn refused(page: Frame) -> String {
    let mut draft = draft(Kind::Code);
    for (name, value) in [("slug", "Acme"), ("base_url", ""), ("access_life", "soon")] {
        draft.set(name, value);
    }
    let defining = Defining::Form(draft);
    let mut form = defining.form(&page, owners(), "");
    assert!(defining.definition(&page, &mut form).is_none());
    shown(page, &defining, form, "")
}

pub(super) fn text(page: Frame) -> String {
    let text = draft(Kind::Code).definition().unwrap();
    let defining = Defining::Text(text);
    let form = defining.form(&page, None, "");
    shown(page, &defining, form, "")
}
