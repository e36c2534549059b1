//! The first call, as `docs/quick-start.md` shows it.

/// Connects a store with keys and answers what its products call answers.
pub async fn first_call(
    http: &reqwest::Client,
    llavero: &str,
    api_key: &str,
) -> Result<serde_json::Value, Box<dyn std::error::Error>> {
    let keys = "5a".repeat(20);
    let store = serde_json::json!({
        "platform": "woocommerce",
        "method": "keys",
        "customer_id": "customer-rs",
        "fields": {
            "store_url": "https://rs.example.com",
            "consumer_key": format!("ck_{keys}"),
            "consumer_secret": format!("cs_{keys}"),
        },
    });
    let request = http.post(format!("{llavero}/v1/stores")).bearer_auth(api_key);
    let connected: serde_json::Value = request.json(&store).send().await?.error_for_status()?.json().await?;
    let token = connected["access_token"].as_str().ok_or("no token")?;
    let products = http.get(format!("{llavero}/v1/proxy/wp-json/wc/v3/products"));
    Ok(products
        .bearer_auth(token)
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?)
}
