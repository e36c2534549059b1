//! Where a browser has to go once the store is connected, so that the platform finishes the installation on its side. The
//! address is the catalogue's, or one that the token answer brought and that has passed the check of arriving values.

use serde::Deserialize;
use url::Url;

use super::Obtain;
use crate::platform::descriptor::Method;
use crate::platform::template::{Scope, UrlTemplate};
use crate::platform::values::Values;

/// The last step of an installation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    pub url: UrlTemplate,
    /// Only where this value has arrived.
    #[serde(default)]
    pub with: Option<String>,
    /// Without it the platform does not count the app as installed, so it comes before the partner's return URL even
    /// where the partner began the connection.
    #[serde(default)]
    pub required: bool,
}

/// Where the browser has to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finishing {
    pub url: Url,
    pub required: bool,
}

impl Finish {
    fn address(&self, scope: &Scope<'_>) -> Option<Url> {
        let Some(name) = self.url.base_name() else {
            return self.url.fill(scope).ok();
        };
        // A whole address that arrived may have a query of its own.
        let check = scope.method.arriving.get(name)?;
        let arrived = check.check(scope.values.get(name)?)?;
        let plain = |url: &Url| url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
        Url::parse(&arrived).ok().filter(plain)
    }
}

/// The end of an installation at the platform, where it has one. `values` are the credential's, laid over the app's.
pub fn finish(method: &Method, values: &Values) -> Option<Finishing> {
    let Obtain::Code(code) = &method.obtain else {
        return None;
    };
    let finish = code.finish.as_ref()?;
    let arrived = |name: &String| values.get(name).is_some_and(|value| !value.is_empty());
    if !finish.with.as_ref().is_none_or(arrived) {
        return None;
    }
    Some(Finishing {
        url: finish.address(&Scope::timeless(method, values))?,
        required: finish.required,
    })
}

/// Removes what was kept for this step alone.
pub fn forget_finish(method: &Method, values: &mut Values) {
    let Obtain::Code(code) = &method.obtain else { return };
    let Some(finish) = &code.finish else { return };
    for name in finish.with.as_deref().into_iter().chain(finish.url.base_name()) {
        values.remove(name);
    }
}
