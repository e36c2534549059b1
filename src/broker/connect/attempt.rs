//! What belongs to one attempt and must not be readable in the database: the link's token (to come back to its page), the
//! PKCE verifier, what was typed, and at the end the one-time code until it is handed over. Sealed for the session's row.

use crate::app::App;
use crate::broker::Error;
use crate::crypto::{Place, Sealer};
use crate::db::connect_sessions::ConnectSession;
use crate::domain::id::{ConnectSessionId, Id};
use crate::domain::secret::Secret;
use crate::platform::Values;

// Names that no field of a catalogue can have, for they hold a dot.
const LINK: &str = "session.link";
const CODE: &str = "session.code";
const FINISH: &str = "session.finish";
const TOKEN: &str = "session.token";

/// An open attempt.
#[derive(Clone, Default)]
pub(super) struct Attempt {
    pub link: Secret,
    /// Set once the session is completed.
    pub code: Option<Secret>,
    /// Where the platform wants the browser at the end.
    pub finish: Option<Secret>,
    /// The store's access token, where the way back carries it.
    pub token: Option<Secret>,
    /// Typed fields, `state` and `code_verifier`.
    pub values: Values,
}

impl Attempt {
    pub fn seal(&self, sealer: &Sealer, session: ConnectSessionId) -> Vec<u8> {
        let mut all = self.values.clone().with(LINK, self.link.clone());
        for (name, kept) in [(CODE, &self.code), (FINISH, &self.finish), (TOKEN, &self.token)] {
            if let Some(kept) = kept {
                all.set(name, kept.clone());
            }
        }
        sealer.seal(place(session, "attempt_sealed"), all.to_bytes().expose())
    }

    /// `None`: nothing was begun, or it is forgotten already.
    pub fn open(app: &App, session: &ConnectSession) -> Result<Option<Self>, Error> {
        let Some(sealed) = &session.attempt_sealed else {
            return Ok(None);
        };
        let mut values = open(app, session.id, "attempt_sealed", sealed)?;
        let link = values.remove(LINK).unwrap_or_default();
        let (code, finish, token) = (values.remove(CODE), values.remove(FINISH), values.remove(TOKEN));
        Ok(Some(Self {
            link,
            code,
            finish,
            token,
            values,
        }))
    }
}

/// What a platform delivered for this session.
pub(super) fn open_delivered(app: &App, session: &ConnectSession) -> Result<Option<Values>, Error> {
    session
        .delivered_sealed
        .as_ref()
        .map(|sealed| open(app, session.id, "delivered_sealed", sealed))
        .transpose()
}

pub(super) fn seal_delivered(app: &App, session: ConnectSessionId, values: &Values) -> Vec<u8> {
    app.sealer
        .seal(place(session, "delivered_sealed"), values.to_bytes().expose())
}

pub(super) fn place(session: ConnectSessionId, column: &'static str) -> Place<'static> {
    Place {
        table: "connect_sessions",
        column,
        row: session.uuid(),
    }
}

fn open(app: &App, session: ConnectSessionId, column: &'static str, sealed: &[u8]) -> Result<Values, Error> {
    let unreadable = |why: String| Error::Internal(format!("{column} of {session} cannot be opened: {why}"));
    let plain = app
        .sealer
        .open(place(session, column), sealed)
        .map_err(|error| unreadable(error.to_string()))?;
    Values::from_bytes(plain.expose()).map_err(|_| unreadable("not values".to_owned()))
}
