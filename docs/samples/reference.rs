// Every operation as the reference shows it in Rust. Made from the description of the API by a test
// (`UPDATE_DOCS=1 cargo test --test it docs`), and compiled with the tests.

type Done = Result<(), Box<dyn std::error::Error>>;

pub async fn get_app() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .get(format!("{url}/v1/app"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn create_connect_session() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .post(format!("{url}/v1/connect-sessions"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .json(&serde_json::json!({
          "customer_id": "customer-7",
          "expires_in": 3600,
          "merchant": {
            "email": "ana@lamps.example",
            "locale": "pt",
            "name": "Ana"
          },
          "platforms": [
            "etsy",
            "shopify"
          ],
          "return_url": "https://partner.example/connected",
          "state": "af0ifjsldkj"
        }))
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn get_connect_session() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .get(format!("{url}/v1/connect-sessions/cs_0198c0a1b2c37d4e8f90a1b2c3d4e5f6"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn cancel_connect_session() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .delete(format!("{url}/v1/connect-sessions/cs_0198c0a1b2c37d4e8f90a1b2c3d4e5f6"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn delete_customer() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .delete(format!("{url}/v1/customers/customer-7"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn list_stores() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .get(format!("{url}/v1/stores"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn create_store() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .post(format!("{url}/v1/stores"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .json(&serde_json::json!({
          "customer_id": "customer-7",
          "fields": {
            "store_url": "https://lamps.example",
            "webservice_key": "5a5aEXAMPLEEXAMPLEEXAMPLEEXAMPLE"
          },
          "platform": "prestashop"
        }))
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn get_store() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .get(format!("{url}/v1/stores/store_0198c0a1b2c37d4e8f90a1b2c3d4e5f6"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn update_store() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .patch(format!("{url}/v1/stores/store_0198c0a1b2c37d4e8f90a1b2c3d4e5f6"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .json(&serde_json::json!({
          "merchant": {
            "locale": "pt"
          },
          "metadata": {
            "plan": "gold"
          },
          "name": "Lamps of Lisbon"
        }))
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn revoke_store() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .delete(format!("{url}/v1/stores/store_0198c0a1b2c37d4e8f90a1b2c3d4e5f6"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn reauthorize_store() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .post(format!("{url}/v1/stores/store_0198c0a1b2c37d4e8f90a1b2c3d4e5f6/reauthorize"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .json(&serde_json::json!({
          "return_url": "https://partner.example/connected",
          "state": "af0ifjsldkj"
        }))
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn refresh_store() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .post(format!("{url}/v1/stores/store_0198c0a1b2c37d4e8f90a1b2c3d4e5f6/refresh"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn list_refreshes() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .get(format!("{url}/v1/stores/store_0198c0a1b2c37d4e8f90a1b2c3d4e5f6/refreshes"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn verify_store() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .post(format!("{url}/v1/stores/store_0198c0a1b2c37d4e8f90a1b2c3d4e5f6/verify"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn exchange_code() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .post(format!("{url}/v1/access-tokens/exchange"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .json(&serde_json::json!({
          "code": "llv_cd_EXAMPLE"
        }))
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn introspect_token() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .post(format!("{url}/v1/introspect"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .json(&serde_json::json!({
          "token": "llv_st_EXAMPLE"
        }))
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn rotate_access_token() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .post(format!("{url}/v1/stores/store_0198c0a1b2c37d4e8f90a1b2c3d4e5f6/access-tokens"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .json(&serde_json::json!({
          "overlap_seconds": 3600
        }))
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn list_platforms() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .get(format!("{url}/v1/platforms"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn get_platform() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .get(format!("{url}/v1/platforms/etsy"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn put_platform_app() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .put(format!("{url}/v1/platforms/etsy/app"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .json(&serde_json::json!({
          "fields": {
            "client_id": "k3y5tr1ng",
            "shared_secret": "EXAMPLE"
          }
        }))
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn test_platform_app() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .post(format!("{url}/v1/platforms/etsy/app/test"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .json(&serde_json::json!({
          "fields": {}
        }))
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn list_events() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .get(format!("{url}/v1/events"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn list_webhook_deliveries() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .get(format!("{url}/v1/webhook-deliveries"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn get_webhook_delivery() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .get(format!("{url}/v1/webhook-deliveries/whd_0198c0a1b2c37d4e8f90a1b2c3d4e5f6"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn retry_webhook_delivery() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .post(format!("{url}/v1/webhook-deliveries/whd_0198c0a1b2c37d4e8f90a1b2c3d4e5f6/retry"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn list_webhook_endpoints() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .get(format!("{url}/v1/webhook-endpoints"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn create_webhook_endpoint() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .post(format!("{url}/v1/webhook-endpoints"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .json(&serde_json::json!({
          "description": "Production",
          "event_types": [
            "store.connected",
            "store.needs_reauthorization"
          ],
          "url": "https://partner.example/hooks"
        }))
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn get_webhook_endpoint() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .get(format!("{url}/v1/webhook-endpoints/whe_0198c0a1b2c37d4e8f90a1b2c3d4e5f6"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn update_webhook_endpoint() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .patch(format!("{url}/v1/webhook-endpoints/whe_0198c0a1b2c37d4e8f90a1b2c3d4e5f6"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .json(&serde_json::json!({
          "disabled": false
        }))
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn delete_webhook_endpoint() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .delete(format!("{url}/v1/webhook-endpoints/whe_0198c0a1b2c37d4e8f90a1b2c3d4e5f6"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn replay_events() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .post(format!("{url}/v1/webhook-endpoints/whe_0198c0a1b2c37d4e8f90a1b2c3d4e5f6/replay"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .json(&serde_json::json!({
          "since": "2026-11-02T08:15:00Z"
        }))
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn roll_webhook_secret() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .post(format!("{url}/v1/webhook-endpoints/whe_0198c0a1b2c37d4e8f90a1b2c3d4e5f6/secret"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .json(&serde_json::json!({
          "overlap_seconds": 86400
        }))
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn test_webhook_endpoint() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .post(format!("{url}/v1/webhook-endpoints/whe_0198c0a1b2c37d4e8f90a1b2c3d4e5f6/test"))
        .bearer_auth(std::env::var("LLAVERO_API_KEY")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn get_access() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .get(format!("{url}/v1/access"))
        .bearer_auth(std::env::var("LLAVERO_STORE_TOKEN")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn get_credentials() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .get(format!("{url}/v1/access/credentials"))
        .bearer_auth(std::env::var("LLAVERO_STORE_TOKEN")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn proxy_get() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .get(format!("{url}/v1/proxy/api/v2/orders"))
        .bearer_auth(std::env::var("LLAVERO_STORE_TOKEN")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn proxy_post() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .post(format!("{url}/v1/proxy/api/v2/orders"))
        .bearer_auth(std::env::var("LLAVERO_STORE_TOKEN")?)
        .json(&serde_json::json!({
          "quantity": 3
        }))
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn proxy_put() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .put(format!("{url}/v1/proxy/api/v2/orders"))
        .bearer_auth(std::env::var("LLAVERO_STORE_TOKEN")?)
        .json(&serde_json::json!({
          "quantity": 3
        }))
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn proxy_patch() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .patch(format!("{url}/v1/proxy/api/v2/orders"))
        .bearer_auth(std::env::var("LLAVERO_STORE_TOKEN")?)
        .json(&serde_json::json!({
          "quantity": 3
        }))
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn proxy_delete() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .delete(format!("{url}/v1/proxy/api/v2/orders"))
        .bearer_auth(std::env::var("LLAVERO_STORE_TOKEN")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn proxy_head() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .head(format!("{url}/v1/proxy/api/v2/orders"))
        .bearer_auth(std::env::var("LLAVERO_STORE_TOKEN")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn proxy_options() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .request(reqwest::Method::OPTIONS, format!("{url}/v1/proxy/api/v2/orders"))
        .bearer_auth(std::env::var("LLAVERO_STORE_TOKEN")?)
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}

pub async fn get_open_api() -> Done {
    let url = std::env::var("LLAVERO_URL")?;
    let answer = reqwest::Client::new()
        .get(format!("{url}/v1/openapi.json"))
        .send()
        .await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}
