//! For load balancers and orchestrators: `/healthz` says that the process answers, `/readyz` that it can do its work.

use actix_web::{HttpResponse, web};

use crate::app::App;
use crate::broker::health::hindrances;

pub async fn alive() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("ok\n")
}

/// 503 with a line for each thing that stands in the way.
pub async fn ready(tools: web::Data<App>) -> HttpResponse {
    let found = hindrances(&tools).await;
    if found.is_empty() {
        return alive().await;
    }
    let lines = found.iter().map(|line| format!("{line}\n")).collect::<String>();
    HttpResponse::ServiceUnavailable()
        .content_type("text/plain; charset=utf-8")
        .body(lines)
}
