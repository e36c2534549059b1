//! Every call of the partner API as its description tells it, in the order of the route table. A route without a line
//! here fails a test, and so does a line without a route.

use serde_json::{Value, json};

use super::access::{AccessJson, CredentialsJson};
use super::access_tokens::{RotateJson, RotatedJson};
use super::app::AppJson;
use super::connect_sessions::{self as sessions, CreatedJson, SessionJson};
use super::events::EventJson;
use super::exchange::{ExchangeJson, ExchangedJson};
use super::introspect::{ActiveJson, AskedJson, InactiveJson};
use super::platform_app::{RegisteredJson, TestJson};
use super::platforms::Shown;
use super::store_json::StoreJson;
use super::store_refreshes::{AttemptJson, AttemptedJson, VerifiedJson};
use super::stores::{DirectJson, PatchJson, ReauthorizeJson};
use super::webhook_deliveries::DeliveryJson;
use super::webhook_endpoints::{self as endpoints, EndpointJson, ReplayJson, ReplayedJson, RollJson};
use crate::broker::platform_app_test::Tested;
use crate::domain::event::EventKind;
use crate::domain::id::{ConnectSessionId, EventId, StoreId, WebhookDeliveryId, WebhookEndpointId};
use crate::domain::problem::Problem::{
    self, Conflict, CredentialRenewed, Forbidden, InvalidRequest, LinkExpired, NotFound, PlatformAppMisconfigured,
    PlatformRejected, PlatformThrottled, PlatformTimeout, PlatformUnavailable, RateLimited, StoreAlreadyConnected,
    StoreFrozen, StoreNeedsReauthorization, TooLarge,
};
use crate::domain::store::{StoreHealth, StoreStatus};
use crate::domain::webhook::DeliveryStatus;
use crate::platform::facts::PlatformFacts;
use crate::web::extract::{
    AnyScope, ConnectWrite, PlatformsWrite, StoresRead, StoresWrite, TokensWrite, WebhooksWrite,
};
use crate::web::openapi::{Call, STORE_CALLS};
use crate::web::urls;

const CONNECTING: &str = "Connecting";
const STORES: &str = "Stores";
const TOKENS: &str = "Access tokens";
const PLATFORMS: &str = "Platforms";
const WEBHOOKS: &str = "Events and webhooks";

/// What asking a platform can come to.
const PLATFORM: &[Problem] = &[
    PlatformRejected,
    PlatformUnavailable,
    PlatformThrottled,
    PlatformAppMisconfigured,
    PlatformTimeout,
];

pub fn all() -> Vec<Call> {
    [app(), connecting(), stores(), platforms(), webhooks(), store_calls()]
        .into_iter()
        .flatten()
        .collect()
}

fn app() -> Vec<Call> {
    vec![
        Call::get(urls::API_OPENAPI)
            .is("Description", "getOpenApi", "This document")
            .about("Needs no key.")
            .answers_as(200, "The document.", "application/json", json!({ "type": "object" }))
            .conditional(),
        Call::get(urls::API_APP)
            .is("App", "getApp", "The app of the key")
            .about("Its mode, its return URLs and its limits. ")
            .key::<AnyScope>()
            .answers::<AppJson>(200, "The app."),
    ]
}

fn connecting() -> Vec<Call> {
    let session =
        |call: Call| call.path_id::<ConnectSessionId>("The connect session.", "cs_0198c0a1b2c37d4e8f90a1b2c3d4e5f6");
    vec![
        Call::post(urls::API_CONNECT_SESSIONS)
            .is(CONNECTING, "createConnectSession", "Make a link for a merchant")
            .about("The merchant follows `url`, connects a store and comes back to `return_url` with a one-time code. ")
            .key::<ConnectWrite>()
            .body::<sessions::NewJson>(true)
            .answers::<CreatedJson>(201, "The session; its link is shown this once."),
        session(Call::get(urls::API_CONNECT_SESSION))
            .is(CONNECTING, "getConnectSession", "See what became of a connect session")
            .key::<ConnectWrite>()
            .answers::<SessionJson>(200, "The session."),
        session(Call::delete(urls::API_CONNECT_SESSION))
            .is(CONNECTING, "cancelConnectSession", "Cancel a connect session")
            .key::<ConnectWrite>()
            .done("It is cancelled.")
            .fails(&[Conflict]),
        Call::post(urls::API_EXCHANGE)
            .is(TOKENS, "exchangeCode", "Exchange a one-time code for access tokens")
            .about(
                "Within 10 minutes. The same code and key again: a new token, and the first is revoked, so that a lost answer \
                 costs nothing. ",
            )
            .key::<ConnectWrite>()
            .body::<ExchangeJson>(true)
            .answers::<ExchangedJson>(200, "The stores, with their tokens.")
            .fails(&[NotFound, LinkExpired, StoreAlreadyConnected, StoreFrozen]),
    ]
}

fn stores() -> Vec<Call> {
    let store = |call: Call| call.path_id::<StoreId>("The store.", "store_0198c0a1b2c37d4e8f90a1b2c3d4e5f6");
    vec![
        Call::get(urls::API_STORES)
            .is(STORES, "listStores", "List stores")
            .key::<StoresRead>()
            .query("platform", text(), "A platform's slug.")
            .query_of::<StoreStatus>("status", "Only these.")
            .query_of::<StoreHealth>("health", "Only these.")
            .query("customer_id", text(), "The partner's own name of a customer.")
            .query("expires_before", time(), "Credentials that end before then.")
            .query("updated_since", time(), "Changed since then.")
            .query("q", text(), "Part of a name, an address or an id.")
            .pages::<StoreJson>("Newest first.")
            .conditional(),
        Call::post(urls::API_STORES)
            .is(
                STORES,
                "createStore",
                "Connect a store with credentials that the partner holds",
            )
            .about("The platform is asked before the store is made. ")
            .key::<StoresWrite>()
            .body::<DirectJson>(true)
            .answers::<ExchangedJson>(
                200,
                "The store was known, and is authorized again: its old token works.",
            )
            .answers::<ExchangedJson>(201, "The store, with its token.")
            .fails(PLATFORM)
            .fails(&[StoreAlreadyConnected, StoreFrozen]),
        store(Call::get(urls::API_STORE))
            .is(STORES, "getStore", "Read a store")
            .key::<StoresRead>()
            .answers::<StoreJson>(200, "The store.")
            .conditional(),
        store(Call::patch(urls::API_STORE))
            .is(STORES, "updateStore", "Change what the partner says of a store")
            .about("What is absent is left alone, `null` empties; a name alone cannot be empty. ")
            .key::<StoresWrite>()
            .body::<PatchJson>(false)
            .answers::<StoreJson>(200, "The store as it is now.")
            .fails(&[StoreFrozen]),
        store(Call::delete(urls::API_STORE))
            .is(STORES, "revokeStore", "Revoke a store")
            .about("At the platform too where it can. Final: the token stops at once, the credential is erased. ")
            .key::<StoresWrite>()
            .done("It is revoked."),
        store(Call::post(urls::API_STORE_REAUTHORIZE))
            .is(STORES, "reauthorizeStore", "Make a link that authorizes a store again")
            .about("The same token works afterwards. ")
            .key::<ConnectWrite>()
            .body::<ReauthorizeJson>(false)
            .answers::<CreatedJson>(201, "The session; its link is shown this once.")
            .fails(&[StoreFrozen]),
        store(Call::post(urls::API_STORE_REFRESH))
            .is(STORES, "refreshStore", "Renew a store's credential now")
            .key::<StoresWrite>()
            .answers::<AttemptedJson>(200, "What the attempt came to.")
            .fails(PLATFORM)
            .fails(&[StoreNeedsReauthorization, StoreFrozen]),
        store(Call::post(urls::API_STORE_VERIFY))
            .is(
                STORES,
                "verifyStore",
                "Ask the platform whether a store's credential works",
            )
            .key::<StoresWrite>()
            .answers::<VerifiedJson>(200, "What the platform said.")
            .fails(PLATFORM)
            .fails(&[StoreNeedsReauthorization, StoreFrozen]),
        store(Call::post(urls::API_STORE_ACCESS_TOKENS))
            .is(TOKENS, "rotateAccessToken", "Make a new access token for a store")
            .key::<TokensWrite>()
            .body::<RotateJson>(false)
            .answers::<RotatedJson<'static>>(201, "The new token, shown this once.")
            .fails(&[StoreFrozen]),
        store(Call::get(urls::API_STORE_REFRESHES))
            .is(STORES, "listRefreshes", "List the tries to renew a store's credential")
            .key::<StoresRead>()
            .pages::<AttemptJson>("Newest first.")
            .conditional(),
        Call::delete(urls::API_CUSTOMER)
            .is(STORES, "deleteCustomer", "Revoke all stores of a customer")
            .about(
                "And erase what is known of its merchants: names, mail addresses, languages, metadata and the customer's \
                 id itself, in the stores, their connect sessions, events, deliveries and notices. ",
            )
            .path_value(
                "customer_id",
                text(),
                "The partner's own name of the customer.",
                "customer-7",
            )
            .key::<StoresWrite>()
            .done(
                "The stores are revoked and name no customer. Of each stay its id, the platform's id of the shop (which is \
                 its name now) and the shop's address; answers kept for an `Idempotency-Key` end within a day.",
            ),
    ]
}

fn platforms() -> Vec<Call> {
    let platform = |call: Call| {
        let slug = json!({ "type": "string", "pattern": "^[a-z0-9-]+$" });
        call.path_value("slug", slug, "The platform.", "@slug")
    };
    vec![
        Call::get(urls::API_PLATFORMS)
            .is(PLATFORMS, "listPlatforms", "List what can be connected")
            .about("How each platform is connected, how long its tokens live, and what has to be registered there. ")
            .key::<AnyScope>()
            .lists::<PlatformFacts>("All platforms.")
            .conditional(),
        platform(Call::get(urls::API_PLATFORM))
            .is(PLATFORMS, "getPlatform", "Read one platform")
            .about("With the client there that the app uses. ")
            .key::<AnyScope>()
            .answers::<Shown>(200, "The platform.")
            .conditional(),
        platform(Call::put(urls::API_PLATFORM_APP))
            .is(
                PLATFORMS,
                "putPlatformApp",
                "Register the app's own client at a platform",
            )
            .about("Written, and never read back. ")
            .key::<PlatformsWrite>()
            .body::<RegisteredJson>(true)
            .done("It is used from now on.")
            .fails(&[Conflict]),
        platform(Call::post(urls::API_PLATFORM_APP_TEST))
            .is(PLATFORMS, "testPlatformApp", "Try the app's own client at a platform")
            .about("10 tries at once and one each 6 seconds are taken of an app. ")
            .key::<PlatformsWrite>()
            .body::<TestJson>(false)
            .answers::<Tested>(200, "What the platform said.")
            .fails(PLATFORM),
    ]
}

fn webhooks() -> Vec<Call> {
    let endpoint =
        |call: Call| call.path_id::<WebhookEndpointId>("The endpoint.", "whe_0198c0a1b2c37d4e8f90a1b2c3d4e5f6");
    let delivery =
        |call: Call| call.path_id::<WebhookDeliveryId>("The delivery.", "whd_0198c0a1b2c37d4e8f90a1b2c3d4e5f6");
    vec![
        Call::get(urls::API_EVENTS)
            .is(WEBHOOKS, "listEvents", "List what happened")
            .about("Everything that was or would have been delivered, for 30 days. ")
            .key::<StoresRead>()
            .query_of::<EventKind>("type", "Only these.")
            .query_of::<StoreId>("store_id", "Events of this store.")
            .query("since", time(), "From then on.")
            .query("until", time(), "Before then.")
            .pages::<EventJson>("Newest first."),
        Call::get(urls::API_WEBHOOK_ENDPOINTS)
            .is(WEBHOOKS, "listWebhookEndpoints", "List webhook endpoints")
            .key::<WebhooksWrite>()
            .lists::<EndpointJson>("All of them, for there are few."),
        Call::post(urls::API_WEBHOOK_ENDPOINTS)
            .is(WEBHOOKS, "createWebhookEndpoint", "Add a webhook endpoint")
            .key::<WebhooksWrite>()
            .body::<endpoints::NewJson>(true)
            .answers::<EndpointJson>(201, "The endpoint, with its secret, which is shown this once."),
        endpoint(Call::get(urls::API_WEBHOOK_ENDPOINT))
            .is(WEBHOOKS, "getWebhookEndpoint", "Read a webhook endpoint")
            .key::<WebhooksWrite>()
            .answers::<EndpointJson>(200, "The endpoint."),
        endpoint(Call::patch(urls::API_WEBHOOK_ENDPOINT))
            .is(WEBHOOKS, "updateWebhookEndpoint", "Change a webhook endpoint")
            .about("`disabled: false` switches it on again. ")
            .key::<WebhooksWrite>()
            .body::<endpoints::PatchJson>(false)
            .answers::<EndpointJson>(200, "The endpoint as it is now.")
            .fails(&[Conflict]),
        endpoint(Call::delete(urls::API_WEBHOOK_ENDPOINT))
            .is(WEBHOOKS, "deleteWebhookEndpoint", "Remove a webhook endpoint")
            .key::<WebhooksWrite>()
            .done("It is gone, with its deliveries."),
        endpoint(Call::post(urls::API_WEBHOOK_TEST))
            .is(WEBHOOKS, "testWebhookEndpoint", "Send a test event")
            .key::<WebhooksWrite>()
            .answers::<DeliveryJson>(202, "The delivery of a `webhook.test` event."),
        endpoint(Call::post(urls::API_WEBHOOK_SECRET))
            .is(
                WEBHOOKS,
                "rollWebhookSecret",
                "Roll over the secret of a webhook endpoint",
            )
            .about(
                "Until the overlap ends both secrets sign. Rolled over again before that, the secret that was there first \
                 goes on signing, for the longer of both times, and the one made in between signs nothing. ",
            )
            .key::<WebhooksWrite>()
            .body::<RollJson>(false)
            .answers::<EndpointJson>(200, "The endpoint, with its new secret, which is shown this once."),
        endpoint(Call::post(urls::API_WEBHOOK_REPLAY))
            .is(WEBHOOKS, "replayEvents", "Send events again")
            .about("Everything of that time that the endpoint wants; 10,000 events at most. ")
            .key::<WebhooksWrite>()
            .body::<ReplayJson>(true)
            .answers::<ReplayedJson>(202, "They are sent one after another."),
        Call::get(urls::API_WEBHOOK_DELIVERIES)
            .is(WEBHOOKS, "listWebhookDeliveries", "List deliveries")
            .key::<WebhooksWrite>()
            .query_of::<WebhookEndpointId>("endpoint_id", "Only to this endpoint.")
            .query_of::<EventId>("event_id", "Only of this event.")
            .query_of::<DeliveryStatus>("status", "Only these.")
            .pages::<DeliveryJson>("Newest first."),
        delivery(Call::get(urls::API_WEBHOOK_DELIVERY))
            .is(WEBHOOKS, "getWebhookDelivery", "Read a delivery")
            .key::<WebhooksWrite>()
            .answers::<DeliveryJson>(200, "The delivery, with every attempt."),
        delivery(Call::post(urls::API_WEBHOOK_RETRY))
            .is(WEBHOOKS, "retryWebhookDelivery", "Deliver again")
            .about("At once, whatever became of it before. ")
            .key::<WebhooksWrite>()
            .answers::<DeliveryJson>(202, "The delivery."),
        Call::post(urls::API_INTROSPECT)
            .is(TOKENS, "introspectToken", "Tell whether a token works")
            .about("RFC 7662. Told to the app of the token's store alone. ")
            .key::<StoresRead>()
            .body::<AskedJson>(true)
            .or_form()
            .answers_either::<ActiveJson<'static>, InactiveJson>(200, "Whether it works, and for which store."),
    ]
}

fn store_calls() -> Vec<Call> {
    let minimum = json!({ "type": "integer", "minimum": 0, "maximum": 86_400, "default": 0 });
    vec![
        Call::get(urls::ACCESS)
            .is(STORE_CALLS, "getAccess", "Tell whether a call would work now")
            .store_token()
            .query("minimum_seconds", minimum, "And go on working for so long, without a further refresh.")
            .answers::<AccessJson>(200, "Whether it would, and why not.")
            .fails(PLATFORM)
            .fails(&[Conflict]),
        Call::get(urls::ACCESS_CREDENTIALS)
            .is(STORE_CALLS, "getCredentials", "The platform's current access token and headers")
            .about("Only if the app's option `expose_credentials` is on; never the refresh token. ")
            .store_token()
            .answers::<CredentialsJson<'static>>(200, "What calls are signed with at this moment.")
            .fails(PLATFORM)
            .fails(&[Forbidden, Conflict, StoreNeedsReauthorization, StoreFrozen]),
        Call::any(urls::PROXY)
            .is(STORE_CALLS, "proxy", "Call the platform")
            .about(
                "The call is forwarded with the platform's own authentication. `path` is the full path as the platform \
                 documents it, below the store's root, and may hold slashes (OpenAPI cannot say so); `.` and `..` are \
                 refused. Method, query, body and other headers pass unchanged. `Llavero-Source` tells whose answer it is; \
                 our own errors say with `delivered` whether the platform can have received the call. Redirects are \
                 relayed. `Idempotency-Key` goes to the platform. ",
            )
            .store_token()
            .path_value("path", text(), "The platform's own path.", "api/v2/orders")
            .header("Llavero-Host", "Another of the platform's documented API hosts.")
            .any_body()
            .answers_default("What the platform answered, whatever its status, its headers and its body are.")
            .fails(PLATFORM)
            .fails(&[
                InvalidRequest,
                StoreNeedsReauthorization,
                StoreFrozen,
                CredentialRenewed,
                Conflict,
                TooLarge,
                RateLimited,
            ]),
    ]
}

/// Nothing that can be asked for is empty.
fn text() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}
