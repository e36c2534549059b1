//! Who may do what on the admin pages.

words! {
    /// An admin's role; each includes those before it.
    Role {
        /// Sees everything.
        Viewer = "viewer",
        /// Also revokes, re-authorizes, refreshes and retries.
        Operator = "operator",
        /// Also manages apps, keys and admins.
        Owner = "owner",
    }
}

words! {
    /// Who acted, in the audit trail.
    ActorKind {
        Admin = "admin",
        Partner = "partner",
        Merchant = "merchant",
        Platform = "platform",
        System = "system",
        Command = "command",
    }
}

/// Who acted: the kind, and the id where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub kind: ActorKind,
    pub id: Option<String>,
}

impl Actor {
    pub fn admin(id: super::id::AdminId) -> Self {
        Self {
            kind: ActorKind::Admin,
            id: Some(id.to_string()),
        }
    }

    pub fn partner(key: super::id::ApiKeyId) -> Self {
        Self {
            kind: ActorKind::Partner,
            id: Some(key.to_string()),
        }
    }

    pub fn merchant() -> Self {
        Self {
            kind: ActorKind::Merchant,
            id: None,
        }
    }

    pub fn system() -> Self {
        Self {
            kind: ActorKind::System,
            id: None,
        }
    }

    pub fn command() -> Self {
        Self {
            kind: ActorKind::Command,
            id: None,
        }
    }
}
