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
    /// This mail will never be sent: mostly, its recipient's address is refused. Of [`Mailer::smtp`]: the settings cannot
    /// be read.
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

/// Only a refusal of the recipient's own address is final. What else is refused (the log-in, the sender, relaying, a
/// connection without TLS) is a matter of settings, here or there, and passes once somebody has mended them. The server's
/// words are left out, for they often repeat the recipient.
fn smtp_error(error: &lettre::transport::smtp::Error) -> MailError {
    if let Some(code) = error.status() {
        let answered = format!("the mail server answered {code}");
        return match u16::from(code) {
            _ if refuses_recipient(error) => MailError::Permanent(answered),
            // RFC 4954.
            530 | 534 | 535 | 538 => MailError::Temporary(format!("{answered}, which is about the log-in")),
            _ => MailError::Temporary(answered),
        };
    }
    if error.is_client() {
        return MailError::Temporary("the mail server does not offer what the settings ask for".into());
    }
    let kind = if error.is_timeout() {
        "no answer from"
    } else if error.is_tls() {
        "no TLS with"
    } else {
        "no connection with"
    };
    MailError::Temporary(format!("{kind} the mail server"))
}

/// Enhanced status codes (RFC 3463) of a recipient's mailbox or host. The reply code alone does not tell whose fault it is:
/// 550 and 553 also refuse senders and relaying.
const RECIPIENT_REFUSED: [&str; 6] = ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"];

fn refuses_recipient(error: &lettre::transport::smtp::Error) -> bool {
    let said = std::error::Error::source(error).map(ToString::to_string);
    let enhanced = said.as_deref().and_then(|said| said.split_whitespace().next());
    error.is_permanent() && enhanced.is_some_and(|code| RECIPIENT_REFUSED.contains(&code))
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
