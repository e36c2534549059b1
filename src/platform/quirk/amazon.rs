//! <https://developer-docs.amazon.com/sp-api/docs/authorization-with-the-restricted-data-token>
//!
//! Restricted operations want a token of their own, which the partner fetches through the proxy and sends in the header
//! that otherwise carries ours. It is bound to one seller and a few paths, so it is passed on.

use http::{HeaderName, HeaderValue};

use super::Quirk;
use crate::platform::transport::PlatformRequest;

const HEADER: HeaderName = HeaderName::from_static("x-amz-access-token");

pub(super) struct Amazon;

impl Quirk for Amazon {
    fn name(&self) -> &'static str {
        "amazon"
    }

    fn keeps(&self, request: &PlatformRequest) -> Vec<(HeaderName, HeaderValue)> {
        let given = request.headers.get(&HEADER);
        given
            .filter(|token| token.as_bytes().starts_with(b"Atz.sprdt|"))
            .map(|token| (HEADER, token.clone()))
            .into_iter()
            .collect()
    }
}
