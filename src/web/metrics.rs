//! `/metrics` for Prometheus: on a port of its own in production, on the main one in development. Never a page of the
//! public server there: figures are for whoever runs this.

use actix_web::{HttpResponse, web};

use crate::app::App;
use crate::broker::metrics::render;

/// Everything that is measured, in the OpenMetrics text format.
pub async fn show(tools: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(render(&tools).await)
}
