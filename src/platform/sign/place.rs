//! Values placed in a request as they are. Most of it is `call::set_headers`; here stands its other half: what the
//! signer owns leaves the caller's request first, and the rest of the query keeps its very bytes.

use crate::platform::sign::Owned;
use crate::platform::signature;
use crate::platform::transport::PlatformRequest;

/// Takes away what only the signer may set.
pub(super) fn strip(owned: &Owned, request: &mut PlatformRequest) {
    for name in &owned.headers {
        request.headers.remove(name);
    }
    let Some(query) = request.url.query() else { return };
    let is_owned = |piece: &&str| {
        signature::pairs(piece)
            .first()
            .is_some_and(|(name, _)| owned.has_query(name))
    };
    if query.split('&').any(|piece| is_owned(&piece)) {
        let kept = query
            .split('&')
            .filter(|piece| !is_owned(piece))
            .collect::<Vec<_>>()
            .join("&");
        request
            .url
            .set_query(Some(kept.as_str()).filter(|kept| !kept.is_empty()));
    }
}
