//! Values placed in a request as they are. Most of it is `call::set_headers`; here stands its other half: what the
//! signer owns leaves the caller's request first, and the rest of the query keeps its very bytes.

use http::{HeaderValue, Method, header};

use crate::platform::call::{fill_pairs, set_query};
use crate::platform::descriptor::Pair;
use crate::platform::failure::BuildError;
use crate::platform::sign::Owned;
use crate::platform::signature;
use crate::platform::template::Scope;
use crate::platform::transport::PlatformRequest;

const FORM: &str = "application/x-www-form-urlencoded";

/// Places fields in a form body, in the stead of the caller's of the same names; a request that brings no body by its
/// nature has them in the query.
pub(super) fn place_form(pairs: &[Pair], scope: &Scope<'_>, request: &mut PlatformRequest) -> Result<(), BuildError> {
    if pairs.is_empty() {
        return Ok(());
    }
    if matches!(
        request.method,
        Method::GET | Method::HEAD | Method::DELETE | Method::OPTIONS
    ) {
        return set_query(&mut request.url, pairs, &[], scope);
    }
    let kind = request.headers.get(header::CONTENT_TYPE);
    let is_form = kind.is_none_or(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(FORM.as_bytes()));
    if !is_form && !request.body.is_empty() {
        return Err(BuildError::CannotSign("this platform reads form-encoded bodies only"));
    }
    let own = fill_pairs(pairs, scope)?;
    let mut fields: Vec<(String, String)> = url::form_urlencoded::parse(&request.body).into_owned().collect();
    fields.retain(|(name, _)| !own.iter().any(|(owned, _)| owned.eq_ignore_ascii_case(name)));
    fields.extend(own);
    request
        .headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(FORM));
    request.body = signature::join(&fields).into();
    Ok(())
}

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
