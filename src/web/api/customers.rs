//! `DELETE /v1/customers/{customer_id}`: a customer leaves the partner.

use actix_web::web::Path;

use super::{Answer, done};
use crate::broker::disconnect;
use crate::web::extract::{PartnerKey, StoresWrite};

pub async fn delete(by: PartnerKey<StoresWrite>, customer: Path<String>) -> Answer {
    disconnect::revoke_customer(&by.tools, &by.asker(), by.app.id, &customer).await?;
    done()
}
