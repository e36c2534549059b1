//! The other side as the simulated platforms know it: where an app's callback lies, for the platforms that send the
//! browser to the registered address and read none from the request.

use serde::{Deserialize, Serialize};

/// Addresses in which `{platform}` stands for the platform's slug.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Partner {
    /// Where browsers come back to, for clients without registered addresses.
    pub callback: Option<String>,
    /// Where an app's page in a platform's store sends them; default: `callback`.
    pub install: Option<String>,
}

impl Partner {
    pub fn callback_of(&self, platform: &str) -> Option<String> {
        self.callback
            .as_ref()
            .map(|address| address.replace("{platform}", platform))
    }

    pub fn install_of(&self, platform: &str) -> Option<String> {
        let own = self.install.as_ref();
        own.map(|address| address.replace("{platform}", platform))
            .or_else(|| self.callback_of(platform))
    }
}
