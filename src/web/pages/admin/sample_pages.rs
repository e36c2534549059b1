//! The sample of each page.

use super::*;
use crate::db::overview::{Outcomes, Step};

type Sample = (&'static str, &'static str, fn(Frame) -> String);

pub(super) const ALL: [Sample; 26] = [
    ("sign-in", "/admin/sign-in", sign_in),
    ("sign-in-link", "/admin/sign-in/x", sign_in_link),
    ("overview", "/admin", overview),
    ("stores", "/admin/stores", stores_page),
    ("stores-none", "/admin/stores", stores_none),
    ("store", "/admin/stores/x", store_page),
    ("store-revoke", "/admin/stores/x/revoke", store_revoke),
    ("store-refresh", "/admin/stores/x/refresh", store_refresh),
    ("store-token", "/admin/stores/x/token", store_token_page),
    (
        "store-reauthorize",
        "/admin/stores/x/reauthorize",
        store_reauthorize_page,
    ),
    ("store-identity", "/admin/stores/x/identity", store_identity_page),
    ("once", "/admin/stores/x/token", once_page),
    ("apps", "/admin/apps", apps_page),
    ("app", "/admin/apps/x", app_page),
    ("app-new", "/admin/apps/new", app_new_page),
    ("app-edit", "/admin/apps/x/edit", app_edit_page),
    ("app-keys", "/admin/apps/x/keys", app_keys_page),
    ("platform-app", "/admin/apps/x/platforms/y", platform_app_page),
    ("platforms", "/admin/platforms", platforms_page),
    ("platform", "/admin/platforms/x", platform_page),
    ("jobs", "/admin/jobs", jobs_page),
    ("notices", "/admin/notices", notices_page),
    ("audit", "/admin/audit", audit_page),
    ("admins", "/admin/admins", admins_page),
    ("sessions", "/admin/sessions", sessions_page),
    ("keys", "/admin/keys", keys_page),
];

fn done<T: Template>(page: T) -> String {
    page.render().unwrap()
}

fn sandbox(mut page: Frame) -> Frame {
    page.sandbox = true;
    page
}

fn sign_in(page: Frame) -> String {
    let mut form = Form::new(vec![
        Input::email("email", page.say("admin-email")).value("maria@northwind.example"),
        Input::secret("password", page.say("admin-password")),
    ]);
    form.message = page.say("admin-sign-in-refused");
    done(sign_in::SignIn {
        page,
        action: urls::ADMIN_SIGN_IN,
        form,
        next: String::new(),
    })
}

fn sign_in_link(page: Frame) -> String {
    let input = Input::secret("password", page.say("admin-new-password")).help(page.say("admin-password-help"));
    let (action, email) = ("/admin/sign-in/x".to_owned(), "maria@northwind.example".to_owned());
    done(sign_in_link::SignInLink {
        page,
        action,
        form: Form::new(vec![input]),
        email,
        is_first: true,
    })
}

fn overview(page: Frame) -> String {
    let since = now() - TimeDelta::hours(23) - TimeDelta::minutes(31) - TimeDelta::seconds(7);
    let outcomes: Vec<Outcomes> = (0..24)
        .map(|hour| Outcomes {
            at: since + TimeDelta::hours(hour),
            good: 110 + (hour * 37) % 60,
            bad: if hour == 15 { 80 } else { (hour * 7) % 4 },
        })
        .collect();
    let status = HashMap::from([
        (StoreStatus::Connected, 1_284_113),
        (StoreStatus::NeedsReauthorization, 7),
    ]);
    let health = HashMap::from([(StoreHealth::RefreshFailing, 3), (StoreHealth::AppMisconfigured, 41)]);
    let chart = overview::chart(&page, Step::Hour, since, now(), &outcomes);
    let rows = list_rows(&page).into_iter().take(1).collect();
    done(overview::Overview {
        figures: overview::figures(&page, &status, &health, 12, 2),
        ends: (chart.bars[0].label.clone(), chart.bars[23].label.clone()),
        chart,
        by_day: false,
        by_hour_href: urls::admin(),
        by_day_href: urls::admin(),
        attention: rows,
        attention_href: urls::admin_stores(),
        paused: vec![overview::Paused {
            platform: "Mercado Libre".to_owned(),
            owner: "Northwind ERP".to_owned(),
            href: urls::admin_apps(),
            badge: Badge::new(Tone::Bad, page.say("admin-paused")),
            code: "invalid_client".to_owned(),
            since: moment(&page, 55),
        }],
        dead_letters: vec![overview::DeadLetter {
            kind: words::job_kind(&page, "send_notice"),
            error: "550 mailbox unavailable".to_owned(),
            at: moment(&page, 70),
        }],
        dead_letters_href: urls::admin_jobs(),
        page,
    })
}

fn store_list(page: Frame, rows: Vec<stores::Row>) -> String {
    let query = stores::Query::default();
    let platforms = vec![Choice {
        value: "shopify".to_owned(),
        label: "Shopify".to_owned(),
    }];
    let shown = page.say_with("admin-stores-shown", [("count", &*rows.len().to_string())]);
    done(stores::Stores {
        crumbs: crumbs(&[&page.say("admin-overview"), &page.say("admin-stores")]),
        action: urls::ADMIN_STORES,
        q: "tienda".to_owned(),
        filters: stores::filters(&page, &query, platforms, Vec::new()),
        pager: pager(shown),
        rows,
        is_filtered: true,
        page,
    })
}

fn stores_page(page: Frame) -> String {
    let rows = list_rows(&page);
    store_list(page, rows)
}

fn stores_none(page: Frame) -> String {
    store_list(page, Vec::new())
}

fn store_page(page: Frame) -> String {
    let (page, store) = (sandbox(page), store());
    let sources = store_timeline::Sources {
        refreshes: vec![
            refresh(RefreshOutcome::Dead, 190),
            refresh(RefreshOutcome::Renewed, 700),
        ],
        jobs: vec![job(JobStatus::Ready)],
        notices: vec![notice()],
        audit: vec![event("store.connected", String::new(), 90_000)],
    };
    let names = store::Names {
        platform: "Mercado Libre".to_owned(),
        method: "Log in".to_owned(),
        app: "Northwind ERP".to_owned(),
    };
    let token = db::access_tokens::AccessToken {
        id: id(),
        store_id: id(),
        app_id: id(),
        hint: "x9Qz".to_owned(),
        created_at: ago(90_000),
        ends_at: Some(ago(-600)),
        revoked_at: None,
    };
    done(store::StorePage {
        crumbs: crumbs(&[&page.say("admin-overview"), &page.say("admin-stores"), &store.name]),
        badges: vec![words::status(&page, store.status), words::health(&page, store.health)],
        tone: Tone::Bad,
        state: store::state(&page, now(), &store),
        meanings: store::meanings(&page, &store),
        evidence: store::evidence(&store),
        facts: store::facts(&page, now(), &store, &names),
        lives: store::lives(&page, now(), &credential()),
        tokens: vec![store::token(&page, now(), &token, true)],
        events: store_timeline::merge(&page, now(), sources),
        actions: store::actions(&page, &store),
        identity_href: urls::admin_store_identity(store.id),
        audit_href: urls::admin_audit(),
        app_href: urls::admin_apps(),
        name: store.name,
        page,
    })
}

fn confirm_page(page: Frame, question: &str, texts: &[&str], label: &str, is_final: bool) -> String {
    done(confirm::Confirm {
        crumbs: crumbs(&[&page.say("admin-stores"), "Tienda Ñandú"]),
        question: page.say_with(question, [("name", "Tienda Ñandú")]),
        texts: texts.iter().map(|key| page.say(key)).collect(),
        label: page.say(label),
        action: "/admin".to_owned(),
        cancel: "/admin".to_owned(),
        is_final,
        page,
    })
}

fn store_revoke(page: Frame) -> String {
    let texts = ["admin-revoke-token", "admin-revoke-platform", "admin-revoke-final"];
    confirm_page(sandbox(page), "admin-revoke-question", &texts, "admin-revoke-yes", true)
}

fn store_refresh(page: Frame) -> String {
    let texts = ["admin-refresh-text", "admin-refresh-harmless"];
    confirm_page(page, "admin-refresh-question", &texts, "admin-refresh-yes", false)
}

fn store_token_page(page: Frame) -> String {
    done(store_token::StoreToken {
        crumbs: crumbs(&[&page.say("admin-stores"), "Tienda Ñandú"]),
        name: "Tienda Ñandú".to_owned(),
        action: "/admin".to_owned(),
        cancel: "/admin".to_owned(),
        form: store_token::form(&page),
        page,
    })
}

fn store_reauthorize_page(page: Frame) -> String {
    done(store_reauthorize::StoreReauthorize {
        crumbs: crumbs(&[&page.say("admin-stores"), "Tienda Ñandú"]),
        name: "Tienda Ñandú".to_owned(),
        action: "/admin".to_owned(),
        cancel: "/admin".to_owned(),
        form: store_reauthorize::form(&page),
        page,
    })
}

fn store_identity_page(page: Frame) -> String {
    done(store_identity::StoreIdentity {
        crumbs: crumbs(&[&page.say("admin-stores"), "Tienda Ñandú"]),
        name: "Tienda Ñandú".to_owned(),
        from: "https://shop.example.com/tienda".to_owned(),
        to: "https://nueva.example.com".to_owned(),
        until: moment(&page, -600),
        action: "/admin".to_owned(),
        cancel: "/admin".to_owned(),
        page,
    })
}

fn once_page(page: Frame) -> String {
    done(once::Once {
        crumbs: crumbs(&[&page.say("admin-stores"), "Tienda Ñandú"]),
        title: page.say("admin-rotated-title"),
        label: page.say("admin-access-token"),
        secret: "llv_st_9rX0O1lI7s8dK2mQ4vB6nT3yW5zA8cE1fG4hJ7kL0pU3xR6tY9".to_owned(),
        texts: vec![page.say("admin-rotated-text"), page.say("admin-rotated-at-once")],
        facts: vec![Fact::text(page.say("admin-link-ends"), "29 Nov 2026, 10:31 UTC")],
        back_label: page.say("admin-to-store"),
        back: "/admin".to_owned(),
        page,
    })
}

fn apps_page(page: Frame) -> String {
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

fn app_page(page: Frame) -> String {
    let (page, row, catalogue) = (sandbox(page), app_row(), Catalogue::embedded().unwrap());
    let key = |name: &str, revoked_at| db::api_keys::ApiKey {
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
    };
    let keys = [key("ERP server", None), key("Old server", Some(ago(50)))];
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
        owns: true,
        edit_href: "/admin".to_owned(),
        secret_href: "/admin".to_owned(),
        new_key_href: "/admin".to_owned(),
        stores_href: "/admin".to_owned(),
        audit_href: "/admin".to_owned(),
        name: row.name.clone(),
        page,
    })
}

fn app_new_page(page: Frame) -> String {
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

fn app_edit_page(page: Frame) -> String {
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

fn app_keys_page(page: Frame) -> String {
    done(app_keys::AppKeys {
        crumbs: crumbs(&[&page.say("admin-apps"), "Northwind ERP"]),
        action: "/admin".to_owned(),
        cancel: "/admin".to_owned(),
        form: app_keys::form(&page),
        page,
    })
}

fn platform_app_page(page: Frame) -> String {
    let catalogue = Catalogue::embedded().unwrap();
    let platform = catalogue.platform("mercado-libre").unwrap();
    let redirect_uri = "https://llavero.example/connect/callback/mercado-libre".to_owned();
    done(app_platform::ClientPage {
        crumbs: crumbs(&[&page.say("admin-apps"), "Northwind ERP"]),
        title: page.say_with(
            "admin-client-title",
            [("platform", "Mercado Libre"), ("app", "Northwind ERP")],
        ),
        badge: Badge::new(Tone::Bad, page.say("admin-paused")),
        texts: vec![page.say_with("admin-paused-text", [("when", "-"), ("code", "invalid_client")])],
        register: platform_fields::to_register(&page, platform, redirect_uri),
        documentation: platform.documentation.clone(),
        form: Some(platform_fields::form(&page, platform, None)),
        action: "/admin".to_owned(),
        cancel: "/admin".to_owned(),
        page,
    })
}

fn platforms_page(page: Frame) -> String {
    let catalogue = Catalogue::embedded().unwrap();
    let clients = HashSet::from([("shopify".to_owned(), Mode::Live)]);
    let rows = catalogue
        .platforms()
        .iter()
        .map(|one| platforms::row(&page, one, &clients))
        .collect();
    done(platforms::Platforms {
        crumbs: crumbs(&[&page.say("admin-platforms")]),
        rows,
        page,
    })
}

fn platform_page(page: Frame) -> String {
    let catalogue = Catalogue::embedded().unwrap();
    let platform = catalogue.platform("mercado-libre").unwrap();
    let crumbs = crumbs(&[&page.say("admin-platforms"), &platform.name]);
    done(platform::of(
        page,
        crumbs,
        platform,
        "https://llavero.example/connect/callback/x".to_owned(),
    ))
}

fn jobs_page(page: Frame) -> String {
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

fn notices_page(page: Frame) -> String {
    let rows = vec![notices::row(&page, now(), notice())];
    let pager = pager(page.say_with("admin-notices-shown", [("count", "1")]));
    done(notices::Notices {
        crumbs: crumbs(&[&page.say("admin-notices")]),
        rows,
        pager,
        page,
    })
}

fn audit_page(page: Frame) -> String {
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

fn admins_page(page: Frame) -> String {
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

fn sessions_page(page: Frame) -> String {
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

fn keys_page(page: Frame) -> String {
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
