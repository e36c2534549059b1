//! Sending mail: by SMTP in production, into a folder in development, into memory in tests. What a mail says is
//! decided elsewhere. The one thing a caller must know of a failure is whether trying again makes sense.

pub mod notices;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use lettre::message::{Mailbox, MultiPart};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use crate::domain::secret::Secret;

/// One mail to one person.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// An address, or `Name <address>`.
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

// Mails carry links that work like keys.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Message")
    }
}

/// Why a mail was not sent. The texts name no recipient.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// Worth trying again later.
    #[error("the mail could not be sent now: {0}")]
    Temporary(String),
    /// This mail will never be sent, or the settings are wrong.
    #[error("the mail cannot be sent: {0}")]
    Permanent(String),
}

/// A cheap handle.
#[derive(Clone)]
pub struct Mailer {
    from: Mailbox,
    way: Way,
}

#[derive(Clone)]
enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(PathBuf),
    Memory(Arc<Mutex<Vec<Message>>>),
}

impl Mailer {
    /// `url`: `smtp[s]://[user:password@]host[:port][?tls=required|opportunistic]`. Connects at the first mail.
    pub fn smtp(url: &Secret, from: &str) -> Result<Self, MailError> {
        // The library's message may quote the URL, password and all.
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose())
            .map_err(|_| MailError::Permanent("the SMTP URL is not understood".into()))?;
        Ok(Self {
            from: mailbox(from, "sender")?,
            way: Way::Smtp(builder.build()),
        })
    }

    /// Writes each mail to a numbered `.eml` file in `folder`, which is made if need be.
    pub fn folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            from: placeholder(),
            way: Way::Folder(folder.into()),
        }
    }

    /// Keeps mails for [`Mailer::taken`].
    pub fn memory() -> Self {
        Self {
            from: placeholder(),
            way: Way::Memory(Arc::default()),
        }
    }

    pub async fn send(&self, message: &Message) -> Result<(), MailError> {
        let mail = lettre::Message::builder()
            .from(self.from.clone())
            .to(mailbox(&message.to, "recipient")?)
            .subject(&message.subject)
            .multipart(MultiPart::alternative_plain_html(
                message.text.clone(),
                message.html.clone(),
            ))
            .map_err(|_| MailError::Permanent("the mail cannot be put together".into()))?;
        match &self.way {
            Way::Smtp(transport) => match transport.send(mail).await {
                Ok(_) => Ok(()),
                Err(error) => Err(smtp_error(&error)),
            },
            Way::Folder(folder) => {
                let (folder, bytes) = (folder.clone(), mail.formatted());
                let written = tokio::task::spawn_blocking(move || write_numbered(&folder, &bytes)).await;
                written
                    .map_err(io::Error::other)
                    .flatten()
                    .map_err(|error| MailError::Temporary(error.to_string()))
            }
            Way::Memory(mails) => {
                mails
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(message.clone());
                Ok(())
            }
        }
    }

    /// Whether mails could be sent now: greets the mail server, and no more.
    pub async fn check(&self) -> Result<(), MailError> {
        match &self.way {
            Way::Smtp(transport) => match transport.test_connection().await {
                Ok(true) => Ok(()),
                Ok(false) => Err(MailError::Temporary(
                    "the mail server does not answer as one".to_owned(),
                )),
                Err(error) => Err(smtp_error(&error)),
            },
            Way::Folder(_) | Way::Memory(_) => Ok(()),
        }
    }

    /// The mails in memory, oldest first, which are then gone. Empty for the other ways.
    pub fn taken(&self) -> Vec<Message> {
        match &self.way {
            Way::Memory(mails) => std::mem::take(&mut *mails.lock().unwrap_or_else(PoisonError::into_inner)),
            Way::Smtp(_) | Way::Folder(_) => Vec::new(),
        }
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailer")
    }
}

fn mailbox(text: &str, whose: &str) -> Result<Mailbox, MailError> {
    text.parse()
        .map_err(|_| MailError::Permanent(format!("the {whose}'s address is not valid")))
}

/// The sender where no mail leaves the machine.
#[expect(clippy::expect_used, reason = "a constant address")]
fn placeholder() -> Mailbox {
    "Llavero <llavero@localhost.localdomain>".parse().expect("valid")
}

/// A 5xx answer is final; anything else (4xx, no connection, a time-out) may pass. The server's words are left out,
/// for they often repeat the recipient.
fn smtp_error(error: &lettre::transport::smtp::Error) -> MailError {
    let status = error.status().map(|code| format!("the mail server answered {code}"));
    if error.is_permanent() {
        return MailError::Permanent(status.unwrap_or_else(|| "the mail server refused it".into()));
    }
    if error.is_client() {
        return MailError::Permanent("the mail server does not offer what the settings ask for".into());
    }
    MailError::Temporary(status.unwrap_or_else(|| {
        let kind = if error.is_timeout() {
            "no answer from"
        } else {
            "no connection with"
        };
        format!("{kind} the mail server")
    }))
}

fn write_numbered(folder: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    std::fs::create_dir_all(folder)?;
    let number = |name: &std::ffi::OsStr| name.to_str()?.strip_suffix(".eml")?.parse::<u32>().ok();
    let mut last = 0;
    for item in std::fs::read_dir(folder)? {
        last = last.max(number(&item?.file_name()).unwrap_or(0));
    }
    loop {
        last += 1;
        match std::fs::File::create_new(folder.join(format!("{last:06}.eml"))) {
            // Somebody else took the number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            file => return file?.write_all(bytes),
        }
    }
}

#[cfg(test)]
mod tests;
