//! What trying a client can show, in the words of the API.

use serde::Serialize;
use utoipa::ToSchema;

/// What a test can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TestVerdict)]
pub enum Verdict {
    /// The platform accepts the client.
    Accepted,
    /// The platform refuses the client itself.
    Refused,
    /// The answer, or its absence, tells neither.
    Unclear,
    /// No client of the partner's is needed at this platform, or none that a call could test.
    NothingToTest,
}

/// What came of trying one set of secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TestOutcome)]
pub struct Outcome {
    pub verdict: Verdict,
    /// The platform's own word for it.
    pub platform_code: Option<String>,
    pub http_status: Option<u16>,
    /// One sentence, without secrets.
    pub detail: String,
    /// The platform cannot be asked without this value, which only a connection brings.
    pub needs: Option<String>,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TestedPlatformApp)]
pub struct Tested {
    pub platform: String,
    /// The connect method whose token call was sent.
    pub method: Option<String>,
    #[serde(flatten)]
    pub first: Outcome,
    /// The same of the second set of secrets, where one stands by.
    pub standby: Option<Outcome>,
}

impl Outcome {
    pub(super) fn untold(verdict: Verdict, detail: impl Into<String>) -> Self {
        Self {
            verdict,
            platform_code: None,
            http_status: None,
            detail: detail.into(),
            needs: None,
        }
    }
}
