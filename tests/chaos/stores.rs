//! The stores of a run: on three platforms, which differ in what a used refresh token is still good for.

use std::fmt;

use llavero::platform::Catalogue;
use llavero::platform::descriptor::Grace;
use serde_json::{Value, json};

/// What the platform forgives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgives {
    Nothing,
    SixtySeconds,
    UntilFirstUse,
}

impl fmt::Display for Forgives {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Nothing => "nothing",
            Self::SixtySeconds => "for 60 s",
            Self::UntilFirstUse => "until first use",
        })
    }
}

#[derive(Debug)]
pub struct Platform {
    pub slug: &'static str,
    pub forgives: Forgives,
    /// A harmless call, and where its answer names the store.
    pub path: &'static str,
    pub named_at: &'static str,
}

pub const PLATFORMS: [Platform; 3] = [
    Platform {
        slug: "mercado-libre",
        forgives: Forgives::Nothing,
        path: "/users/me",
        named_at: "/id",
    },
    Platform {
        slug: "allegro",
        forgives: Forgives::SixtySeconds,
        path: "/me",
        named_at: "/id",
    },
    Platform {
        slug: "shopify",
        forgives: Forgives::UntilFirstUse,
        path: "/admin/api/2026-10/shop.json",
        named_at: "/shop/myshopify_domain",
    },
];

#[derive(Debug)]
pub struct Store {
    pub platform: &'static Platform,
    pub platform_store_id: String,
    pub access_token: String,
}

impl Platform {
    /// The `number`th store's id at the platform.
    pub fn store_id(&self, number: usize) -> String {
        match self.slug {
            "shopify" => format!("chaos-{number}.myshopify.com"),
            _ => format!("{}", 700_000_000 + number),
        }
    }

    pub fn fields(&self, store: &str) -> Value {
        match self.slug {
            "shopify" => json!({ "shop": store }),
            "mercado-libre" => json!({ "country": "AR" }),
            _ => json!({}),
        }
    }

    /// The grace that the simulated platform is told: strict wherever it may be.
    pub fn settings(&self) -> Value {
        let grace = match self.forgives {
            Forgives::Nothing => json!({ "kind": "none" }),
            Forgives::SixtySeconds => json!({ "kind": "another_pair", "seconds": 60 }),
            Forgives::UntilFirstUse => json!({ "kind": "until_first_use", "seconds": 2_592_000 }),
        };
        json!({ "grace": grace, "reuse_revokes": true })
    }

    /// Whether the product believes what the simulated platform was told.
    pub fn agrees(&self, catalogue: &Catalogue) -> bool {
        let method = catalogue
            .platform(self.slug)
            .map(llavero::platform::Platform::default_method);
        let grace = method.map(|method| method.grace);
        let seconds = std::time::Duration::from_secs;
        match self.forgives {
            Forgives::Nothing => grace == Some(Grace::None),
            Forgives::SixtySeconds => grace == Some(Grace::AnotherPair(seconds(60))),
            Forgives::UntilFirstUse => grace == Some(Grace::UntilFirstUse(seconds(2_592_000))),
        }
    }
}
