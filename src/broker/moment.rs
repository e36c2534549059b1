//! What a signature takes from the moment of its call: chance, and the time; the platform's own, where its answers have
//! shown that its clock is off.

use http::HeaderMap;
use url::{Position, Url};

use crate::app::App;
use crate::platform::SignMoment;
use crate::platform::transport::Route;

/// By our own clock.
pub fn moment(app: &App) -> SignMoment {
    SignMoment {
        now: app.now(),
        nonce: app.random.bytes(),
        request_id: uuid::Builder::from_random_bytes(app.random.bytes()).into_uuid(),
    }
}

/// By the clock of the host that is called, written as `host` or `host:port`.
pub fn moment_at(app: &App, route: Route, host: &str) -> SignMoment {
    SignMoment {
        now: app.host_clocks.time_at(route, host, app.now()),
        ..moment(app)
    }
}

/// An answer of `host` has come just now.
pub fn heard(app: &App, route: Route, host: &str, headers: &HeaderMap) {
    app.host_clocks.heard(route, host, headers, app.now());
}

/// How clocks know the host of an address.
pub fn host_of(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}
