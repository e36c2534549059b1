//! Amazon: the page that goes on with what began in the app store wants the platform's own state back.
//! <https://developer-docs.amazon.com/sp-api/docs/selling-partner-appstore-authorization-workflow>

use crate::sandbox::api::Visit;
use crate::sandbox::call::{Pairs, value};

/// Without that state nobody knows which app is meant.
pub fn read_authorize(visit: &Visit<'_>, pairs: &mut Pairs) {
    let confirms = visit.call.path.starts_with("/apps/authorize/confirm/");
    if confirms && value(pairs, "amazon_state").is_none_or(str::is_empty) {
        pairs.retain(|(name, _)| name != "client_id");
    }
}
