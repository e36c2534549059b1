//! The other side as the simulated platforms know it: where an app's callback lies, for the platforms that send the
//! browser to the registered address and read none from the request.

use serde::{Deserialize, Serialize};

/// Addresses in which `{platform}` stands for the platform's slug.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Partner {
    /// Where browsers come back to, for clients without registered addresses.
    pub callback: Option<String>,
}

impl Partner {
    pub fn callback_of(&self, platform: &str) -> Option<String> {
        self.callback
            .as_ref()
            .map(|address| address.replace("{platform}", platform))
    }
}
