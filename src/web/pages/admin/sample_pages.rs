//! The sample of each page.

use super::*;
use crate::db::overview::{Outcomes, Step};

type Sample = (&'static str, &'static str, fn(Frame) -> String);

pub(super) const ALL: [Sample; 35] = [
    ("sign-in", "/admin/sign-in", sign_in),
    ("sign-in-link", "/admin/sign-in/x", sign_in_link),
    ("overview", "/admin", overview),
    ("stores", "/admin/stores", stores_page),
    ("stores-none", "/admin/stores", stores_none),
    ("store", "/admin/stores/x", store_page),
    ("store-frozen", "/admin/stores/x", store_frozen_page),
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
    ("apps", "/admin/apps", lists::apps_page),
    ("app", "/admin/apps/x", lists::app_page),
    ("app-new", "/admin/apps/new", lists::app_new_page),
    ("app-edit", "/admin/apps/x/edit", lists::app_edit_page),
    ("app-keys", "/admin/apps/x/keys", lists::app_keys_page),
    ("app-key-roll", "/admin/apps/x/keys/y/roll", lists::app_key_roll_page),
    ("app-secret", "/admin/apps/x/signing-secret", lists::app_secret_page),
    (
        "delivery",
        "/admin/apps/x/webhook-deliveries/y",
        webhooks::delivery_page,
    ),
    ("platform-app", "/admin/apps/x/platforms/y", lists::platform_app_page),
    ("platforms", "/admin/platforms", lists::platforms_page),
    ("platform", "/admin/platforms/x", lists::platform_page),
    ("custom-platforms", "/admin/custom-platforms", customs::list),
    ("custom-platform-code", "/admin/custom-platforms/new", customs::code),
    ("custom-platform-key", "/admin/custom-platforms/new", customs::key),
    (
        "custom-platform-refused",
        "/admin/custom-platforms/new",
        customs::refused,
    ),
    ("custom-platform-text", "/admin/custom-platforms/x", customs::text),
    ("jobs", "/admin/jobs", lists::jobs_page),
    ("notices", "/admin/notices", lists::notices_page),
    ("audit", "/admin/audit", lists::audit_page),
    ("admins", "/admin/admins", lists::admins_page),
    ("sessions", "/admin/sessions", lists::sessions_page),
    ("keys", "/admin/keys", lists::keys_page),
];

pub(super) fn done<T: Template>(page: T) -> String {
    page.render().unwrap()
}

pub(super) fn sandbox(mut page: Frame) -> Frame {
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
        chart,
        by_day: false,
        by_hour_href: urls::admin(),
        by_day_href: urls::admin(),
        attention: rows,
        attention_href: urls::admin_stores(),
        paused: vec![overview::Paused {
            platform: "Acme Market".to_owned(),
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
        value: "cart-works".to_owned(),
        label: "Cart Works".to_owned(),
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
    store_in(page, None)
}

fn store_frozen_page(page: Frame) -> String {
    store_in(page, Some(ago(4_400)))
}

fn store_in(page: Frame, frozen_at: Option<DateTime<Utc>>) -> String {
    let (page, store) = (sandbox(page), store());
    let is_frozen = frozen_at.is_some();
    let mut credential = credential();
    credential.values_sealed = credential.values_sealed.filter(|_| !is_frozen);
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
        platform: "Acme Market".to_owned(),
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
        badges: match is_frozen {
            true => vec![words::status(&page, StoreStatus::Connected), words::frozen(&page)],
            false => vec![words::status(&page, store.status), words::health(&page, store.health)],
        },
        tone: if is_frozen { Tone::Idle } else { Tone::Bad },
        state: store::state(&page, now(), &store, frozen_at),
        meanings: store::meanings(&page, &store, is_frozen),
        evidence: store::evidence(&store),
        facts: store::facts(&page, now(), &store, &names),
        lives: store::lives(&page, now(), &credential, is_frozen),
        tokens: vec![store::token(&page, now(), &token, true)],
        events: store_timeline::merge(&page, now(), sources),
        actions: store::actions(&page, &store, is_frozen),
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
