//! The texts of notices: one folder of templates for each, with subject, text and HTML in three languages. What they say
//! comes as plain facts; links that work like keys are made by the sender and stand nowhere else.

use askama::Template;
use chrono::{DateTime, Utc};

use super::Message;
use crate::domain::connect::Language;
use crate::domain::notice::{Audience, NoticeKind};
use crate::domain::store::StatusReason;
use crate::domain::webhook::DisabledReason;

/// What a notice says; empty where it does not matter.
#[derive(Debug, Clone)]
pub struct Facts {
    pub kind: NoticeKind,
    pub audience: Audience,
    pub language: Language,
    /// Name of the partner's app.
    pub app: String,
    /// Name of the platform.
    pub platform: String,
    /// Name of the store.
    pub store: String,
    pub reason: Option<StatusReason>,
    /// The platform's own error code.
    pub code: Option<String>,
    /// Until when the merchant's authorization lasts.
    pub deadline: Option<DateTime<Utc>>,
    pub refused: i64,
    pub tried: i64,
    /// Host of a webhook endpoint, and why nothing is sent there.
    pub endpoint: String,
    pub disabled: Option<DisabledReason>,
    /// Where to go: a reconnect link for merchants, an admin page for admins.
    pub link: Option<String>,
}

impl Facts {
    fn is_merchant(&self) -> bool {
        self.audience == Audience::Merchant
    }

    /// A day as it is written everywhere.
    fn last_day(&self) -> String {
        self.deadline
            .map(|at| at.format("%Y-%m-%d").to_string())
            .unwrap_or_default()
    }

    /// Why nothing is sent to an endpoint, in words for people.
    fn disabled_text(&self) -> &'static str {
        use Language::{En, Es, Pt};
        match (self.disabled, self.language) {
            (Some(DisabledReason::Gone), En) => "it answered that it is gone for good (410)",
            (Some(DisabledReason::Gone), Es) => "respondió que ya no existe (410)",
            (Some(DisabledReason::Gone), Pt) => "ele respondeu que não existe mais (410)",
            (_, En) => "every attempt of the last five days failed",
            (_, Es) => "todos los intentos de los últimos cinco días fallaron",
            (_, Pt) => "todas as tentativas dos últimos cinco dias falharam",
        }
    }

    /// Why, in words for people; empty where the reason says nothing to them.
    fn reason_text(&self) -> &'static str {
        use Language::{En, Es, Pt};
        let Some(reason) = self.reason else { return "" };
        match (reason, self.language) {
            (StatusReason::RefreshTokenExpired, En) => "it has expired",
            (StatusReason::RefreshTokenExpired, Es) => "ha vencido",
            (StatusReason::RefreshTokenExpired, Pt) => "ela expirou",
            (StatusReason::Uninstalled, En) => "the app was removed at the platform",
            (StatusReason::Uninstalled, Es) => "la aplicación fue retirada en la plataforma",
            (StatusReason::Uninstalled, Pt) => "o aplicativo foi removido na plataforma",
            (StatusReason::CredentialRefused, En) => "the keys are no longer accepted",
            (StatusReason::CredentialRefused, Es) => "las claves ya no se aceptan",
            (StatusReason::CredentialRefused, Pt) => "as chaves não são mais aceitas",
            (StatusReason::GrantRefused | StatusReason::RefusedForLong, En) => "it refuses to renew the access",
            (StatusReason::GrantRefused | StatusReason::RefusedForLong, Es) => "rechaza renovar el acceso",
            (StatusReason::GrantRefused | StatusReason::RefusedForLong, Pt) => "ela recusa renovar o acesso",
            _ => "",
        }
    }
}

#[derive(Template)]
#[template(path = "mail/needs_reauthorization/subject.txt", escape = "none")]
struct NeedsReauthorizationSubject<'a> {
    facts: &'a Facts,
}

#[derive(Template)]
#[template(path = "mail/needs_reauthorization/body.txt", escape = "none")]
struct NeedsReauthorizationText<'a> {
    facts: &'a Facts,
}

#[derive(Template)]
#[template(path = "mail/needs_reauthorization/body.html")]
struct NeedsReauthorizationHtml<'a> {
    facts: &'a Facts,
}

#[derive(Template)]
#[template(path = "mail/expiring/subject.txt", escape = "none")]
struct ExpiringSubject<'a> {
    facts: &'a Facts,
}

#[derive(Template)]
#[template(path = "mail/expiring/body.txt", escape = "none")]
struct ExpiringText<'a> {
    facts: &'a Facts,
}

#[derive(Template)]
#[template(path = "mail/expiring/body.html")]
struct ExpiringHtml<'a> {
    facts: &'a Facts,
}

#[derive(Template)]
#[template(path = "mail/recovered/subject.txt", escape = "none")]
struct RecoveredSubject<'a> {
    facts: &'a Facts,
}

#[derive(Template)]
#[template(path = "mail/recovered/body.txt", escape = "none")]
struct RecoveredText<'a> {
    facts: &'a Facts,
}

#[derive(Template)]
#[template(path = "mail/recovered/body.html")]
struct RecoveredHtml<'a> {
    facts: &'a Facts,
}

#[derive(Template)]
#[template(path = "mail/platform_app_misconfigured/subject.txt", escape = "none")]
struct PlatformAppMisconfiguredSubject<'a> {
    facts: &'a Facts,
}

#[derive(Template)]
#[template(path = "mail/platform_app_misconfigured/body.txt", escape = "none")]
struct PlatformAppMisconfiguredText<'a> {
    facts: &'a Facts,
}

#[derive(Template)]
#[template(path = "mail/platform_app_misconfigured/body.html")]
struct PlatformAppMisconfiguredHtml<'a> {
    facts: &'a Facts,
}

#[derive(Template)]
#[template(path = "mail/verdicts_held/subject.txt", escape = "none")]
struct VerdictsHeldSubject<'a> {
    facts: &'a Facts,
}

#[derive(Template)]
#[template(path = "mail/verdicts_held/body.txt", escape = "none")]
struct VerdictsHeldText<'a> {
    facts: &'a Facts,
}

#[derive(Template)]
#[template(path = "mail/verdicts_held/body.html")]
struct VerdictsHeldHtml<'a> {
    facts: &'a Facts,
}

#[derive(Template)]
#[template(path = "mail/webhook_endpoint_disabled/subject.txt", escape = "none")]
struct WebhookEndpointDisabledSubject<'a> {
    facts: &'a Facts,
}

#[derive(Template)]
#[template(path = "mail/webhook_endpoint_disabled/body.txt", escape = "none")]
struct WebhookEndpointDisabledText<'a> {
    facts: &'a Facts,
}

#[derive(Template)]
#[template(path = "mail/webhook_endpoint_disabled/body.html")]
struct WebhookEndpointDisabledHtml<'a> {
    facts: &'a Facts,
}

/// The mail of a notice to one reader. The error is a defect of the templates.
pub fn render(facts: &Facts, to: &str) -> Result<Message, askama::Error> {
    let (subject, text, html) = match facts.kind {
        NoticeKind::NeedsReauthorization => (
            NeedsReauthorizationSubject { facts }.render()?,
            NeedsReauthorizationText { facts }.render()?,
            NeedsReauthorizationHtml { facts }.render()?,
        ),
        NoticeKind::Expiring => (
            ExpiringSubject { facts }.render()?,
            ExpiringText { facts }.render()?,
            ExpiringHtml { facts }.render()?,
        ),
        NoticeKind::Recovered => (
            RecoveredSubject { facts }.render()?,
            RecoveredText { facts }.render()?,
            RecoveredHtml { facts }.render()?,
        ),
        NoticeKind::PlatformAppMisconfigured => (
            PlatformAppMisconfiguredSubject { facts }.render()?,
            PlatformAppMisconfiguredText { facts }.render()?,
            PlatformAppMisconfiguredHtml { facts }.render()?,
        ),
        NoticeKind::VerdictsHeld => (
            VerdictsHeldSubject { facts }.render()?,
            VerdictsHeldText { facts }.render()?,
            VerdictsHeldHtml { facts }.render()?,
        ),
        NoticeKind::WebhookEndpointDisabled => (
            WebhookEndpointDisabledSubject { facts }.render()?,
            WebhookEndpointDisabledText { facts }.render()?,
            WebhookEndpointDisabledHtml { facts }.render()?,
        ),
    };
    // A store's name is its merchant's to choose: no line of its own in a header.
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(Message {
        to: to.to_owned(),
        subject,
        text,
        html,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(kind: NoticeKind, audience: Audience, language: Language) -> Facts {
        Facts {
            kind,
            audience,
            language,
            app: "Pedidos".to_owned(),
            platform: "Plaza".to_owned(),
            store: "Tienda <1>\r\nBcc: x".to_owned(),
            reason: Some(StatusReason::GrantRefused),
            code: Some("invalid_client".to_owned()),
            deadline: DateTime::from_timestamp(1_800_000_000, 0),
            refused: 7,
            tried: 20,
            endpoint: "partner.example".to_owned(),
            disabled: Some(DisabledReason::Failing),
            link: Some("https://llavero.example/reconnect/abc".to_owned()),
        }
    }

    #[test]
    fn every_notice_is_written_in_every_language_with_its_link() {
        for &kind in NoticeKind::ALL {
            for &audience in &[Audience::Merchant, Audience::Admins] {
                let subjects: Vec<_> = Language::ALL
                    .iter()
                    .map(|&language| {
                        let message = render(&sample(kind, audience, language), "a@example.com").unwrap();
                        assert!(
                            message.text.contains("https://llavero.example/reconnect/abc"),
                            "{kind} {language}"
                        );
                        assert!(
                            message.html.contains("https://llavero.example/reconnect/abc"),
                            "{kind} {language}"
                        );
                        message.subject
                    })
                    .collect();
                assert!(subjects[0] != subjects[1] && subjects[1] != subjects[2], "{kind}");
            }
        }
    }

    #[test]
    fn a_stores_name_can_neither_add_a_header_nor_markup() {
        let facts = sample(NoticeKind::NeedsReauthorization, Audience::Merchant, Language::En);
        let message = render(&facts, "a@example.com").unwrap();
        assert!(!message.subject.contains(['\r', '\n']));
        assert!(!message.html.contains("<1>"));
    }
}
