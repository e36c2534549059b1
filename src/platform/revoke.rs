//! Taking a grant back at the platform, where the platform can: with the store's own credential, so that nothing else is
//! touched.

use serde::Deserialize;

use super::call::Call;
use super::descriptor::Method;
use super::failure::BuildError;
use super::sign::SignMoment;
use super::template::Scope;
use super::transport::{PlatformAnswer, PlatformRequest};
use super::values::Values;

/// The call that ends a grant.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    pub call: Call,
}

/// The revoke call, signed; `None` where the platform has none.
pub fn request(method: &Method, values: &Values, moment: &SignMoment) -> Result<Option<PlatformRequest>, BuildError> {
    let scope = Scope::new(method, values, moment);
    method
        .revoke
        .as_ref()
        .map(|revoke| revoke.call.build(&scope))
        .transpose()
}

/// Whether the grant is gone: taken back now, or refused as one that no longer stands.
pub fn is_gone(method: &Method, answer: &PlatformAnswer) -> bool {
    let refused = super::answer::judge_call(method, answer.status, &answer.headers, &answer.body);
    answer.status.is_success() || refused == super::answer::CallAnswer::Unauthorized
}
