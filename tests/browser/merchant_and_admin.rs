//! From the demo partner to its store and back: a merchant connects, the partner's token survives the platform's, an
//! admin revokes, and the token is refused. Everything is what a developer gets from a first `cargo run`.

use rustix::process::Signal;

use super::chromium::Browser;
use super::process::{all_gone, family};
use super::product::DevelopmentFolder;
use super::programs::BrowserPrograms;

const PASSWORD: &str = "a long enough password for a walk";

pub async fn walk(programs: BrowserPrograms) {
    let folder = DevelopmentFolder::new();
    let mut development = folder.start().await;

    let mut merchant = Browser::open(&programs, "merchant").await;
    merchant.open_page(development.value("LLAVERO_CONNECT_URL")).await;
    merchant.see("Where is your store?").await;
    merchant.picture("choose").await;
    merchant.press("Mercado Libre").await;
    merchant.see("Connect Mercado Libre to").await;
    merchant.picture("connect").await;
    merchant.choose("country", "AR").await;
    merchant.press("Continue to Mercado Libre").await;
    merchant.see("Allow access to your store?").await;
    merchant.picture("platform").await;
    merchant.press("Approve as").await;
    merchant.see("is connected").await;
    merchant.stay().await;
    merchant.picture("done").await;
    merchant.press("Back to").await;
    merchant.see("The partner's back end exchanged the code").await;
    assert!(
        merchant
            .address()
            .await
            .starts_with(development.value("LLAVERO_RETURN_URL"))
    );
    merchant.see("Llavero-Source: platform").await;
    merchant.picture("partner").await;

    merchant.press("Expire the token at the platform").await;
    merchant.see("The platform's token has expired").await;
    merchant.picture("expired").await;
    merchant.press("Call again").await;
    merchant.see("The same token as before").await;
    merchant.see("200 OK, Llavero-Source: platform").await;
    merchant.picture("called").await;

    let mut admin = Browser::open(&programs, "admin").await;
    admin.open_page(development.value("LLAVERO_ADMIN_URL")).await;
    admin.see("Sign in").await;
    admin.picture("link").await;
    admin.enter("password", PASSWORD).await;
    admin.press("Sign in").await;
    admin.see("Sign out").await;
    admin.picture("overview").await;
    admin
        .open_page(&format!("{}/admin/stores", development.value("LLAVERO_URL")))
        .await;
    admin.see("Mercado Libre").await;
    admin.picture("stores").await;
    admin.press_css("td.lead a").await;
    admin.see("Connected").await;
    admin.picture("store").await;
    admin.press("Revoke").await;
    admin.picture("confirm").await;
    admin.press_css("main button[type=submit]").await;
    admin.see("Revoked").await;
    admin.picture("revoked").await;

    merchant.press("Call again").await;
    merchant.see("The call failed").await;
    merchant.see("token_revoked").await;
    merchant.picture("refused").await;

    let running = family(development.process.pid());
    development.process.signal(Signal::INT);
    assert!(development.process.ended().await.success());
    all_gone(&running).await;
}
