//! Samples of the pages about apps, platforms and people, and of the other lists.

use super::pages::{done, sandbox};
use super::*;

pub(super) fn apps_page(page: Frame) -> String {
    let row = |name: &str, mode| apps::Row {
        href: urls::admin_app(id::<AppId>()),
        name: name.to_owned(),
        partner: "Northwind".to_owned(),
        mode: words::mode(&page, mode),
        stores_href: urls::admin_stores(),
        made: moment(&page, 120_000),
    };
    let rows = vec![
        row("Northwind ERP", Mode::Live),
        row("Northwind ERP, rehearsal", Mode::Sandbox),
    ];
    done(apps::Apps {
        crumbs: crumbs(&[&page.say("admin-apps")]),
        rows,
        new_href: urls::admin_app_new(),
        page,
    })
}

pub(super) fn app_page(page: Frame) -> String {
    let (page, row, catalogue) = (sandbox(page), app_row(), Catalogue::embedded().unwrap());
    let key = |name: &str, expires_at, revoked_at| db::api_keys::ApiKey {
        id: ApiKeyId::make(1, [1; 10]),
        app_id: row.id,
        name: name.to_owned(),
        scopes: Texts(vec![
            "connect:write".to_owned(),
            "stores:read".to_owned(),
            "stores:write".to_owned(),
        ]),
        hint: "k3Fd".to_owned(),
        created_at: ago(100_000),
        last_used_at: Some(ago(2)),
        revoked_at,
        expires_at,
        successor_id: None,
    };
    let keys = [
        key("ERP server", None, None),
        key("Reports", Some(now() + TimeDelta::days(9)), None),
        key("Trial", Some(ago(9)), None),
        key("Old server", None, Some(ago(50))),
    ];
    let clients = catalogue
        .platforms()
        .iter()
        .map(|one| app::client(&page, &row, one, None, None));
    let connect = "https://llavero.example/connect/apps/app_019c".to_owned();
    done(app::AppPage {
        crumbs: crumbs(&[&page.say("admin-apps"), &row.name]),
        mode: words::mode(&page, row.mode),
        facts: app::facts(&page, now(), &row, "Northwind".to_owned(), connect),
        return_urls: row.return_urls.0.clone(),
        keys: keys.iter().map(|one| app::key(&page, now(), one)).collect(),
        clients: clients.collect(),
        webhooks: webhooks::listed(&page, row.id),
        owns: true,
        edit_href: "/admin".to_owned(),
        secret_href: "/admin".to_owned(),
        secret_finish_href: "/admin".to_owned(),
        secret_text: app::secret_text(&page, Some(ago(-7_200))),
        ending: app::ending(now(), &keys),
        new_key_href: "/admin".to_owned(),
        stores_href: "/admin".to_owned(),
        audit_href: "/admin".to_owned(),
        name: row.name.clone(),
        page,
    })
}

pub(super) fn app_new_page(page: Frame) -> String {
    let mut form = app_new::form(&page);
    form.refuse("return_urls", page.say("admin-wrong-return-urls"));
    let crumbs = crumbs(&[&page.say("admin-apps"), &page.say("admin-app-new")]);
    done(app_new::AppNew {
        page,
        crumbs,
        action: urls::ADMIN_APP_NEW,
        cancel: urls::ADMIN_APPS,
        form,
    })
}

pub(super) fn app_edit_page(page: Frame) -> String {
    let (page, row) = (sandbox(page), app_row());
    done(app_edit::AppEdit {
        crumbs: crumbs(&[&page.say("admin-apps"), &row.name]),
        mode: words::mode(&page, row.mode),
        action: "/admin".to_owned(),
        cancel: "/admin".to_owned(),
        form: app_edit::form(&page, &row),
        page,
    })
}

pub(super) fn app_keys_page(page: Frame) -> String {
    done(app_keys::AppKeys {
        crumbs: crumbs(&[&page.say("admin-apps"), "Northwind ERP"]),
        action: "/admin".to_owned(),
        cancel: "/admin".to_owned(),
        form: app_keys::form(&page),
        page,
    })
}

pub(super) fn app_key_roll_page(page: Frame) -> String {
    done(app_key_roll::AppKeyRoll {
        crumbs: crumbs(&[&page.say("admin-apps"), "Northwind ERP"]),
        name: "ERP server".to_owned(),
        hint: "k3Fd".to_owned(),
        action: "/admin".to_owned(),
        cancel: "/admin".to_owned(),
        form: app_key_roll::form(&page),
        page,
    })
}

pub(super) fn app_secret_page(page: Frame) -> String {
    done(app_secret::AppSecret {
        crumbs: crumbs(&[&page.say("admin-apps"), "Northwind ERP"]),
        action: "/admin".to_owned(),
        cancel: "/admin".to_owned(),
        form: app_secret::form(&page),
        page,
    })
}

pub(super) fn platform_app_page(page: Frame) -> String {
    let catalogue = Catalogue::embedded().unwrap();
    let platform = catalogue
        .platforms()
        .iter()
        .find(|known| !known.methods[0].app_fields.is_empty())
        .unwrap();
    let addresses = platform_fields::addresses(&site(), Some(id()), "acme-market");
    done(app_platform::ClientPage {
        crumbs: crumbs(&[&page.say("admin-apps"), "Northwind ERP"]),
        title: page.say_with(
            "admin-client-title",
            [("platform", "Acme Market"), ("app", "Northwind ERP")],
        ),
        badge: Badge::new(Tone::Bad, page.say("admin-paused")),
        texts: vec![page.say_with("admin-paused-text", [("when", "-"), ("code", "invalid_client")])],
        register: platform_fields::to_register(&page, platform, &addresses),
        documentation: platform.documentation.clone(),
        form: Some(platform_fields::form(&page, platform, None)),
        action: "/admin".to_owned(),
        cancel: "/admin".to_owned(),
        test: Some((Form::default(), "/admin".to_owned())),
        page,
    })
}

pub(super) fn platforms_page(page: Frame) -> String {
    let catalogue = Catalogue::embedded().unwrap();
    let clients = HashSet::from([("cart-works".to_owned(), Mode::Live)]);
    let rows = catalogue
        .platforms()
        .iter()
        .map(|one| platforms::row(&page, one, &clients))
        .collect();
    done(platforms::Platforms {
        crumbs: crumbs(&[&page.say("admin-platforms")]),
        custom_href: "/admin",
        rows,
        page,
    })
}

pub(super) fn platform_page(page: Frame) -> String {
    let catalogue = Catalogue::embedded().unwrap();
    let platform = catalogue
        .platforms()
        .iter()
        .find(|known| !known.methods[0].app_fields.is_empty())
        .unwrap();
    let crumbs = crumbs(&[&page.say("admin-platforms"), &platform.name]);
    let pause = platform::Pause {
        host: "api.acme-market.example".to_owned(),
        since: now() - chrono::TimeDelta::minutes(12),
        next: now() + chrono::TimeDelta::minutes(2),
    };
    done(platform::of(
        page,
        crumbs,
        platform,
        &[pause],
        &platform_fields::addresses(&site(), None, "acme-market"),
    ))
}

pub(super) fn jobs_page(page: Frame) -> String {
    let counts = HashMap::from([(JobStatus::Ready, 21_340), (JobStatus::Failed, 2)]);
    let rows = [JobStatus::Failed, JobStatus::Running, JobStatus::Ready];
    done(jobs::Jobs {
        crumbs: crumbs(&[&page.say("admin-jobs")]),
        tabs: jobs::tabs(&page, Some(JobStatus::Failed), &counts),
        rows: rows.map(|status| jobs::row(&page, now(), job(status), true)).into(),
        pager: pager(page.say_with("admin-jobs-shown", [("count", "3")])),
        page,
    })
}

pub(super) fn notices_page(page: Frame) -> String {
    let rows = vec![notices::row(&page, now(), notice())];
    let pager = pager(page.say_with("admin-notices-shown", [("count", "1")]));
    done(notices::Notices {
        crumbs: crumbs(&[&page.say("admin-notices")]),
        rows,
        pager,
        page,
    })
}

pub(super) fn audit_page(page: Frame) -> String {
    let names = HashMap::from([("admin_1".to_owned(), "maria@northwind.example".to_owned())]);
    let subject = id::<StoreId>().to_string();
    let rows = vec![
        audit::row(&page, now(), event("store.revoked", subject.clone(), 5), &names),
        audit::row(
            &page,
            now(),
            event("api_key.made", id::<ApiKeyId>().to_string(), 50),
            &names,
        ),
    ];
    let pager = pager(page.say_with("admin-audit-shown", [("count", "2")]));
    let crumbs = crumbs(&[&page.say("admin-audit")]);
    done(audit::Audit {
        crumbs,
        action: urls::ADMIN_AUDIT,
        subject,
        rows,
        pager,
        page,
    })
}

pub(super) fn admins_page(page: Frame) -> String {
    let row = |email: &str, role, is_self| admins::Row {
        href: "/admin".to_owned(),
        email: email.to_owned(),
        role: words::role(&page, role),
        badge: Badge::new(Tone::Good, page.say("admin-account-active")),
        made: moment(&page, 90_000),
        is_self,
    };
    let rows = vec![
        row("maria@northwind.example", Role::Owner, true),
        row("li@northwind.example", Role::Viewer, false),
    ];
    done(admins::Admins {
        crumbs: crumbs(&[&page.say("admin-admins")]),
        rows,
        sessions_href: urls::admin_sessions(),
        action: urls::ADMIN_ADMINS,
        form: Some(admins::form(&page)),
        page,
    })
}

pub(super) fn sessions_page(page: Frame) -> String {
    let session = db::sessions::Session {
        id: uuid::Uuid::nil(),
        admin_id: None,
        state_sealed: Vec::new(),
        address: Some("2001:db8:5::7".to_owned()),
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0".to_owned()),
        created_at: ago(200),
        seen_at: ago(0),
        expires_at: ago(-500),
    };
    let rows = vec![sessions::row(
        &page,
        now(),
        session,
        "maria@northwind.example".to_owned(),
        true,
    )];
    done(sessions::Sessions {
        crumbs: crumbs(&[&page.say("admin-sessions")]),
        rows,
        all: true,
        page,
    })
}

pub(super) fn keys_page(page: Frame) -> String {
    let rows = [
        ("k1", keys::Standing::Open),
        ("k2", keys::Standing::Active),
        ("k0", keys::Standing::Missing),
    ];
    let rows = rows
        .map(|(id, standing)| keys::row(&page, id.to_owned(), standing))
        .into();
    done(keys::Keys {
        crumbs: crumbs(&[&page.say("admin-keys")]),
        rows,
        audit_href: urls::admin_audit(),
        page,
    })
}
