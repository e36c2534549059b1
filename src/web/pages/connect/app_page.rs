//! An app's permanent connect page: `/connect/apps/{app_id}?platform=&nobar=&locale=&state=`. A session is made on arrival,
//! and the browser goes on to its link.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::{href, too_many};
use crate::app::App;
use crate::broker::connect::sessions::{self, Arrived};
use crate::domain::id::AppId;
use crate::web::extract::ClientAddress;
use crate::web::page::{asked_language, see_other};
use crate::web::{Error, Frame, urls};

#[derive(Deserialize)]
pub struct Asked {
    platform: Option<String>,
    state: Option<String>,
}

/// `GET /connect/apps/{app_id}`
pub async fn show(
    app: web::Data<App>,
    frame: Frame,
    app_id: web::Path<String>,
    given: web::Query<Asked>,
    address: ClientAddress,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let app_id: AppId = app_id.parse().map_err(|_| Error::not_found())?;
    let Asked { platform, state } = given.into_inner();
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let arrived = Arrived {
        platform: given(platform),
        state: given(state),
        locale: asked_language(&request),
        bare: frame.bare,
        address: address.0,
    };
    let created = sessions::create_on_arrival(&app, app_id, arrived)
        .await
        .map_err(|error| too_many(&frame, error))?;
    Ok(see_other(&href(&frame, &urls::connect(created.link.expose()), &[])))
}
