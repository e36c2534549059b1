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

/// Who acted: the kind, the id where there is one, and the request in which it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub kind: ActorKind,
    pub id: Option<String>,
    pub request_id: Option<String>,
}

impl Actor {
    pub fn admin(id: super::id::AdminId) -> Self {
        Self {
            kind: ActorKind::Admin,
            id: Some(id.to_string()),
            request_id: None,
        }
    }

    pub fn partner(key: super::id::ApiKeyId) -> Self {
        Self {
            kind: ActorKind::Partner,
            id: Some(key.to_string()),
            request_id: None,
        }
    }

    pub fn merchant() -> Self {
        Self {
            kind: ActorKind::Merchant,
            id: None,
            request_id: None,
        }
    }

    pub fn system() -> Self {
        Self {
            kind: ActorKind::System,
            id: None,
            request_id: None,
        }
    }

    pub fn command() -> Self {
        Self {
            kind: ActorKind::Command,
            id: None,
            request_id: None,
        }
    }

    /// The same, acting in this request.
    pub fn within(self, request_id: Option<String>) -> Self {
        Self { request_id, ..self }
    }
}
