//! Walmart: the token endpoint answers XML, with names in camel case, to a caller that does not ask for JSON; and calls
//! for Mexico and Chile carry the client's Basic credentials beside the token. A solution provider's token calls name the
//! seller that the code or refresh token is of.
//! <https://developer.walmart.com/us-marketplace/docs/get-an-access-token>

use serde_json::Value;

use crate::sandbox::api::Visit;
use crate::sandbox::call::{Answer, Content, value};
use crate::sandbox::problem::Problem;
use crate::sandbox::world::World;

/// The refusal of a call to a market that wants Basic credentials too, if they are missing or wrong.
pub fn lacks_basic(world: &mut World, visit: &Visit<'_>) -> Option<Answer> {
    let market = visit.call.header("WM_MARKET")?;
    if !matches!(market, "mx" | "cl") {
        return None;
    }
    let fits = visit
        .call
        .basic()
        .is_some_and(|(id, secret)| world.check_client(visit.behaviour, &id, &secret, Some(&id)).is_ok());
    (!fits).then(|| visit.refuse(Problem::CredentialMissing, "Authorization header is missing or wrong"))
}

/// The refusal of a token call for a seller that another one, or none, is named beside.
pub fn lacks_seller(world: &World, visit: &Visit<'_>) -> Option<Answer> {
    visit.behaviour.token_at(&visit.call.path)?;
    let pairs = visit.call.form_pairs();
    let code = value(&pairs, "code").and_then(|code| world.codes.get(code));
    let refresh = value(&pairs, "refresh_token").and_then(|token| world.refresh.get(token));
    let grant = refresh.and_then(|known| world.grants.get(&known.grant));
    let seller = code.map(|code| &code.account).or_else(|| Some(&grant?.account))?;
    if visit.call.header("WM_PARTNER.ID") == Some(seller.as_str()) {
        return None;
    }
    let refused = visit.refuse(Problem::CodeRefused, "WM_PARTNER.ID is not the seller's");
    Some(as_xml_unless_json_is_wanted(visit, refused))
}

pub fn as_xml_unless_json_is_wanted(visit: &Visit<'_>, mut answer: Answer) -> Answer {
    if visit
        .call
        .header("accept")
        .is_some_and(|accept| accept.contains("application/json"))
    {
        return answer;
    }
    let Content::Json(body) = &answer.content else {
        return answer;
    };
    let field = |name: &str| match body.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let xml = if answer.status == 200 {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><OAuthTokenDTO><accessToken>{}</accessToken>\
             <tokenType>{}</tokenType><expiresIn>{}</expiresIn></OAuthTokenDTO>",
            field("access_token"),
            field("token_type"),
            field("expires_in")
        )
    } else {
        let first = body.pointer("/error/0");
        let part = |name: &str| {
            first
                .and_then(|error| error.get(name))
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><errors><error><code>{}</code><description>{}</description>\
             <severity>ERROR</severity></error></errors>",
            part("code"),
            part("description")
        )
    };
    answer.content = Content::Text("application/xml", xml);
    answer
}
