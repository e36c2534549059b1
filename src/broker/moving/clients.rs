//! Which OAuth client of this installation a travelling grant is to. Another one cannot renew it, and some platforms end
//! the grant when it tries; so the clients are compared by what the platform itself calls them, and a grant whose client
//! is not here stays where it is.

use serde_json::Value;

use crate::db;
use crate::db::apps::App;
use crate::db::platform_apps::PlatformApp;
use crate::platform::{Method, register};

/// The client of `owner` that is theirs: its own or the installation's. `Err` inside: why there is none, for people.
pub(super) fn find(
    conn: &mut db::Conn,
    owner: &App,
    slug: &str,
    method: &Method,
    theirs: &Value,
) -> db::Result<Result<PlatformApp, String>> {
    let own = db::platform_apps::find_own(conn, owner.id, slug)?;
    let shared = db::platform_apps::find_installation(conn, slug, owner.mode)?.filter(|found| found.shared);
    let ours: Vec<PlatformApp> = own.into_iter().chain(shared).collect();
    if ours.is_empty() {
        return Ok(Err(format!("there is no platform app of {slug} for this app")));
    }
    let name = |values: &Value| Some(values[&register::client_field(method)?.name].as_str()?.to_owned());
    let Some(wanted) = name(theirs) else {
        // The source did not know it, or the platform gives clients no public name.
        return Ok(ours.into_iter().next().ok_or_else(String::new));
    };
    let names: Vec<String> = ours.iter().filter_map(|ours| name(&ours.public_values)).collect();
    let same = ours
        .into_iter()
        .find(|ours| name(&ours.public_values).is_none_or(|name| name == wanted));
    Ok(same.ok_or_else(|| {
        let here = names.join(", ");
        format!("the platform app of {slug} here is another OAuth client ({here}) than at the source ({wanted})")
    }))
}
