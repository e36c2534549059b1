//! No public documentation; four independent public clients agree. Keys, signature and time stand in the path, and the
//! time is Mexico City's wall clock. The signature covers none of the request.

use chrono::FixedOffset;
use sha2::{Digest, Sha256};

use super::Quirk;
use crate::platform::failure::BuildError;
use crate::platform::signature::Writing;
use crate::platform::template::Scope;
use crate::platform::transport::PlatformRequest;

pub(super) struct ClaroShop;

impl Quirk for ClaroShop {
    fn name(&self) -> &'static str {
        "claro-shop"
    }

    fn sign(&self, scope: &Scope<'_>, request: &mut PlatformRequest) -> Result<(), BuildError> {
        let moment = scope.moment.ok_or(BuildError::CannotSign("the time is missing"))?;
        let zone: FixedOffset = scope
            .get("utc_offset")?
            .parse()
            .map_err(|_| BuildError::UnsafeValue("utc_offset".to_owned()))?;
        let time = moment.now.with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S").to_string();
        let (public, private) = (scope.get("public_key")?, scope.get("private_key")?);
        let signature = Writing::Hex.write(&Sha256::digest(format!("{public}{time}{private}")));
        let root = scope.method.root(scope.values)?;
        let folder = root.path().trim_end_matches('/');
        let rest = request.url.path().strip_prefix(folder).unwrap_or_default().to_owned();
        request
            .url
            .set_path(&format!("{folder}/{public}/{signature}/{time}{rest}"));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_of_the_scheme_comes_out() {
        let signature = Sha256::digest("pub1232025-01-15T10:20:30priv456");
        assert_eq!(
            Writing::Hex.write(&signature),
            "5c363ca2fec3eb1d67e17e2d3f2b36cb23727b02718b075f4cd70fc3016cf479"
        );
    }
}
