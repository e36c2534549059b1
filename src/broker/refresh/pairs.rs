//! The pairs of a credential, opened: the saved one and the spares kept beside it. A pair is known by its refresh token;
//! where there is none (the same question is asked again) all pairs count as the same.

use serde::{Deserialize, Serialize};

use crate::broker::Error;
use crate::crypto::{Place, Sealer};
use crate::db::credentials::Credential;
use crate::domain::id::{CredentialId, Id};
use crate::domain::secret::SecretBytes;
use crate::platform::Values;

fn place(id: CredentialId, column: &str) -> Place<'_> {
    Place {
        table: "credentials",
        column,
        row: id.uuid(),
    }
}

/// Seals what a credential holds: tokens, keys, connect fields.
pub fn seal_values(sealer: &Sealer, id: CredentialId, values: &Values) -> Vec<u8> {
    sealer.seal(place(id, "values_sealed"), values.to_bytes().expose())
}

/// Opens what `seal_values` sealed. A value that cannot be opened is a broken installation, never a store's state.
pub fn open_values(sealer: &Sealer, id: CredentialId, sealed: &[u8]) -> Result<Values, Error> {
    let opened = sealer.open(place(id, "values_sealed"), sealed).map_err(|error| {
        tracing::error!(credential.id = %id, %error, "a credential cannot be opened");
        Error::Internal(format!("credential {id} cannot be opened: {error}"))
    })?;
    Values::from_bytes(opened.expose()).map_err(|_| Error::Internal(format!("credential {id} is malformed")))
}

/// The name of a pair.
pub(super) fn token(values: &Values) -> Option<&str> {
    values.get("refresh_token")
}

#[derive(Default, Serialize, Deserialize)]
struct Stored {
    saved_refused: bool,
    spares: Vec<StoredSpare>,
}

#[derive(Serialize, Deserialize)]
struct StoredSpare {
    attempt: i64,
    refused: bool,
    values: serde_json::Value,
}

/// A pair kept aside.
pub(super) struct Spare {
    /// The attempt that brought it.
    pub attempt: i64,
    pub refused: bool,
    pub values: Values,
}

pub(super) struct Pairs {
    id: CredentialId,
    pub saved: Values,
    pub saved_refused: bool,
    pub spares: Vec<Spare>,
}

impl Pairs {
    pub fn open(sealer: &Sealer, row: &Credential) -> Result<Self, Error> {
        let Some(values) = &row.values_sealed else {
            return Err(Error::NotFound);
        };
        let saved = open_values(sealer, row.id, values)?;
        let stored = row
            .spares_sealed
            .as_deref()
            .map(|sealed| open_spares(sealer, row.id, sealed))
            .transpose()?;
        let Stored { saved_refused, spares } = stored.unwrap_or_default();
        let spares = spares
            .into_iter()
            .map(|spare| {
                let values = serde_json::to_vec(&spare.values).map(SecretBytes::new);
                let values = values.and_then(|bytes| Values::from_bytes(bytes.expose()));
                values.map(|values| Spare {
                    attempt: spare.attempt,
                    refused: spare.refused,
                    values,
                })
            })
            .collect::<Result<_, _>>()
            .map_err(|_| Error::Internal(format!("spares of {} are malformed", row.id)))?;
        Ok(Self {
            id: row.id,
            saved,
            saved_refused,
            spares,
        })
    }

    /// The pair to send: the saved one; once that was refused, the newest spare that was not; else the saved one again.
    pub fn next(&self) -> &Values {
        self.untried_spare()
            .filter(|_| self.saved_refused)
            .map_or(&self.saved, |spare| &spare.values)
    }

    fn untried_spare(&self) -> Option<&Spare> {
        self.spares
            .iter()
            .filter(|spare| !spare.refused)
            .max_by_key(|spare| spare.attempt)
    }

    /// Whether the next attempt sends a spare.
    pub fn asks_spare(&self) -> bool {
        self.saved_refused && self.untried_spare().is_some()
    }

    /// Whether a pair is left that was not refused.
    pub fn untried(&self) -> bool {
        !self.saved_refused || self.untried_spare().is_some()
    }

    /// Whether a spare is left that was not refused.
    pub fn has_untried_spare(&self) -> bool {
        self.untried_spare().is_some()
    }

    /// Notes the refusal of a pair.
    pub fn refuse(&mut self, refused: Option<&str>) {
        if token(&self.saved) == refused {
            self.saved_refused = true;
        }
        for spare in self.spares.iter_mut().filter(|spare| token(&spare.values) == refused) {
            spare.refused = true;
        }
    }

    /// Keeps a pair aside, if it is not kept already.
    pub fn keep(&mut self, attempt: i64, values: Values) {
        if !self.spares.iter().any(|spare| token(&spare.values) == token(&values)) {
            self.spares.push(Spare {
                attempt,
                refused: false,
                values,
            });
        }
    }

    pub fn forget(&mut self, gone: Option<&str>) {
        self.spares.retain(|spare| token(&spare.values) != gone);
    }

    /// `None`: nothing worth keeping.
    pub fn seal_spares(&self, sealer: &Sealer) -> Option<Vec<u8>> {
        if self.spares.is_empty() && !self.saved_refused {
            return None;
        }
        let spares = self.spares.iter().filter_map(|spare| {
            let values = serde_json::from_slice(spare.values.to_bytes().expose()).ok()?;
            Some(StoredSpare {
                attempt: spare.attempt,
                refused: spare.refused,
                values,
            })
        });
        let stored = Stored {
            saved_refused: self.saved_refused,
            spares: spares.collect(),
        };
        let bytes = SecretBytes::new(serde_json::to_vec(&stored).unwrap_or_default());
        Some(sealer.seal(place(self.id, "spares_sealed"), bytes.expose()))
    }
}

fn open_spares(sealer: &Sealer, id: CredentialId, sealed: &[u8]) -> Result<Stored, Error> {
    let opened = sealer
        .open(place(id, "spares_sealed"), sealed)
        .map_err(|error| Error::Internal(format!("spares of {id} cannot be opened: {error}")))?;
    serde_json::from_slice(opened.expose()).map_err(|_| Error::Internal(format!("spares of {id} are malformed")))
}
