//! Building and sending one try of a call: the caller's request below the platform's root, signed, streamed out. What
//! cannot be sent is told with whether the platform may have got it.

use std::time::Duration;

use http::StatusCode;

use super::body::{self, Unkept};
use super::{Call, Usable, headers};
use crate::broker::moment::{heard, host_of, moment_at};
use crate::broker::{Delivered, Error, FieldError};
use crate::domain::problem::Problem;
use crate::outbound::{AnswerStream, BodyStream};
use crate::platform::transport::{NotSent, SendError, SendOptions};
use crate::platform::{BuildError, PlatformRequest, answer, host, sign};

/// How long a platform may be silent. Beyond the slowest documented calls, below common limits of callers' own.
const SILENCE: Duration = Duration::from_secs(90);

impl Call<'_> {
    /// Sends the call with a credential. The first try streams the body, the second has it whole.
    pub(super) async fn send(&self, usable: &Usable, first: bool) -> Result<http::Response<AnswerStream>, Error> {
        let sent = self.send_once(usable, !first).await;
        if self.helps_again(&sent) && self.request.body.whole(self.keeps()).await.is_ok() {
            drop(sent);
            return self.send_once(usable, true).await.map_err(|failed| failed.error);
        }
        sent.map_err(|failed| failed.error)
    }

    /// A platform may close a pooled connection just now. If nothing of the call has left, it is sent on another one; if
    /// it may have arrived, only a safe one is (RFC 9110, section 9.2.2). A server may also say 408 to a connection that
    /// it saw idle, while the call is on its way to it (section 15.5.9).
    fn helps_again(&self, sent: &Result<http::Response<AnswerStream>, Failed>) -> bool {
        match sent {
            Ok(answer) => answer.status() == StatusCode::REQUEST_TIMEOUT && self.request.method.is_safe(),
            Err(failed) => match failed.connection {
                Connection::Fine => false,
                Connection::Missing => true,
                Connection::Broke => self.request.method.is_safe(),
            },
        }
    }

    async fn send_once(&self, usable: &Usable, whole: bool) -> Result<http::Response<AnswerStream>, Failed> {
        let root = match &self.host {
            None => self.method.root(&usable.values).map_err(|error| not_built(&error))?,
            Some(asked) => host::allowed(self.platform, self.method, &usable.values, asked).ok_or_else(unknown_host)?,
        };
        let unsigned = self.request.target.below(&root)?;
        if !self
            .method
            .is_within(&usable.values, &unsigned)
            .map_err(|error| not_built(&error))?
        {
            return Err(foreign_path().into());
        }
        let mut signed = PlatformRequest::new(self.request.method.clone(), unsigned.clone());
        signed.headers = headers::forwarded(&self.request.headers, answer::reads_bodies(self.method));
        let streamed = if self.method.signs_body {
            signed.body = self.request.body.whole(body::SIGNED).await.map_err(unkept)?;
            None
        } else if whole {
            Some(BodyStream::full(
                self.request.body.whole(body::KEPT).await.map_err(unkept)?,
            ))
        } else {
            Some(self.request.body.stream())
        };
        let length = signed.body.len();
        let host = host_of(&root).to_owned();
        let moment = moment_at(self.app, usable.route, &host);
        sign::sign(self.method, &usable.values, &mut signed, &moment).map_err(|error| not_built(&error))?;
        if signed.body.len() != length {
            // The caller's announcement is of its own body.
            signed.headers.remove(http::header::CONTENT_LENGTH);
        }
        let body = streamed.unwrap_or_else(|| BodyStream::full(signed.body.clone()));

        let mut request = http::Request::new(body);
        *request.method_mut() = signed.method;
        *request.uri_mut() = self.request.target.as_written(&root, &unsigned, &signed.url)?;
        *request.headers_mut() = signed.headers;
        let options = SendOptions::new(usable.route, SILENCE);
        let answer = self.app.outbound.forward(request, &options).await;
        if let Ok(answer) = &answer {
            heard(self.app, usable.route, &host, answer.headers());
        }
        answer.map_err(|error| not_answered(&error))
    }
}

/// A try that ended without an answer.
pub(super) struct Failed {
    error: Error,
    connection: Connection,
}

/// What a new connection may mend.
#[derive(Clone, Copy)]
enum Connection {
    /// Nothing: it is not the connection's fault.
    Fine,
    /// There was none: nothing has left.
    Missing,
    /// It ended without an answer.
    Broke,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self {
            error,
            connection: Connection::Fine,
        }
    }
}

fn not_answered(error: &SendError) -> Failed {
    let unsent = |problem, detail: String| Error::Platform {
        problem,
        detail,
        retry_after: None,
        delivered: Delivered::No,
    };
    match error {
        SendError::NotSent {
            why: why @ NotSent::Refused(_),
        } => unsent(Problem::PlatformRejected, format!("The call was not sent: {why}")).into(),
        SendError::NotSent { why } => {
            let error = unsent(
                Problem::PlatformUnavailable,
                format!("The platform cannot be reached: {why}"),
            );
            let connection = match why {
                NotSent::Connect => Connection::Missing,
                _ => Connection::Fine,
            };
            Failed { error, connection }
        }
        SendError::AnswerLost { why } if error.is_late() => lost(Problem::PlatformTimeout, why.clone()).into(),
        SendError::AnswerLost { why } => Failed {
            error: lost(Problem::PlatformUnavailable, why.clone()),
            connection: Connection::Broke,
        },
    }
}

/// The platform may have acted.
pub(super) fn lost(problem: Problem, why: String) -> Error {
    let detail = format!("The platform's answer did not arrive: {why}");
    Error::Platform {
        problem,
        detail,
        retry_after: None,
        delivered: Delivered::Unknown,
    }
}

fn not_built(error: &BuildError) -> Error {
    match error {
        BuildError::CannotSign(why) => Error::Invalid(vec![FieldError::new("body", *why)]),
        other => Error::Internal(format!("the call cannot be built: {other}")),
    }
}

fn unkept(why: Unkept) -> Error {
    match why {
        Unkept::TooLarge => Error::TooLarge(format!(
            "This platform's calls are signed with their body, which may have up to {} MiB",
            body::SIGNED / (1024 * 1024)
        )),
        Unkept::Broken => broken_off(),
    }
}

/// The caller did not send its whole body.
pub(super) fn broken_off() -> Error {
    Error::Invalid(vec![FieldError::new("body", "it broke off")])
}

fn foreign_path() -> Error {
    Error::Invalid(vec![FieldError::new("path", "not one of this store's")])
}

pub(super) fn unknown_host() -> Error {
    Error::Invalid(vec![FieldError::new(
        "Llavero-Host",
        "not one of the platform's documented API hosts",
    )])
}
