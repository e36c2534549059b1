//! <https://developer.allegro.pl/tutorials/uwierzytelnianie-i-autoryzacja-zlq9e75GdIR>
//!
//! The version of a resource is asked for in `Accept`, and what HTTP clients send there by themselves is refused. So the
//! signer sets it, but a caller that names one of Allegro's own media types (beta resources have others) is believed.

use http::{HeaderName, HeaderValue, header};

use super::Quirk;
use crate::platform::transport::PlatformRequest;

pub(super) struct Allegro;

impl Quirk for Allegro {
    fn name(&self) -> &'static str {
        "allegro"
    }

    fn keeps(&self, request: &PlatformRequest) -> Vec<(HeaderName, HeaderValue)> {
        let given = request.headers.get(header::ACCEPT);
        given
            .filter(|accept| accept.as_bytes().starts_with(b"application/vnd.allegro."))
            .map(|accept| (header::ACCEPT, accept.clone()))
            .into_iter()
            .collect()
    }
}
