//! Each way of sending, SMTP against a server of a few lines.

use std::error::Error;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::*;

type TestResult = Result<(), Box<dyn Error>>;

const FROM: &str = "Llavero <no-reply@llavero.example>";

fn message(to: &str) -> Message {
    Message {
        to: to.into(),
        subject: "Tu tienda, por favor".into(),
        text: "Reconnect: https://llavero.example/reconnect/x".into(),
        html: "<p>Reconnect</p>".into(),
    }
}

/// Talks SMTP and answers `command` with `answer`; gives what the client said, line by line.
async fn smtp_server(
    command: &'static str,
    answer: &'static str,
) -> io::Result<(u16, tokio::task::JoinHandle<io::Result<Vec<String>>>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let (reader, mut writer) = stream.split();
        let mut lines = BufReader::new(reader).lines();
        let mut said = Vec::new();
        let mut in_data = false;
        writer.write_all(b"220 mail.test ESMTP\r\n").await?;
        while let Some(line) = lines.next_line().await? {
            let answer = match line.split(' ').next().unwrap_or_default() {
                "." => "250 taken",
                _ if in_data => "",
                said if said == command => answer,
                "EHLO" => "250-mail.test\r\n250 AUTH PLAIN",
                "DATA" => "354 go on",
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            in_data = (in_data || line == "DATA") && line != ".";
            let last = line == "QUIT";
            said.push(line);
            if !answer.is_empty() {
                writer.write_all(format!("{answer}\r\n").as_bytes()).await?;
            }
            if last {
                break;
            }
        }
        Ok(said)
    });
    Ok((port, server))
}

fn smtp(port: u16) -> Result<Mailer, MailError> {
    Mailer::smtp(&format!("smtp://127.0.0.1:{port}").into(), FROM)
}

#[tokio::test]
async fn a_mail_goes_out_with_both_bodies_from_the_configured_sender() -> TestResult {
    let (port, server) = smtp_server("RCPT", "250 ok").await?;
    let mailer = smtp(port)?;
    mailer.send(&message("Ana <ana@shop.example>")).await?;
    drop(mailer);
    let said = server.await??.join("\n");
    assert!(said.contains("MAIL FROM:<no-reply@llavero.example>") && said.contains("RCPT TO:<ana@shop.example>"));
    assert!(said.contains("Subject: Tu tienda, por favor"), "{said}");
    assert!(said.contains("text/plain") && said.contains("text/html"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_refusal_of_the_recipients_address_is_permanent_and_is_told_without_it() -> TestResult {
    for answer in [
        "550 5.1.1 no such user ana@shop.example",
        "550-5.1.1 no such user ana@shop.example\r\n550 5.1.1 Have a look at the spelling",
        "553 5.1.3 bad address ana@shop.example",
        "550 5.2.1 the mailbox ana@shop.example is closed",
    ] {
        let (port, _server) = smtp_server("RCPT", answer).await?;
        let result = smtp(port)?.send(&message("ana@shop.example")).await;
        let expected = format!("the mail server answered {}", &answer[..3]);
        assert_eq!(result, Err(MailError::Permanent(expected)), "{answer}");
    }
    Ok(())
}

#[tokio::test]
async fn what_somebody_can_mend_is_temporary() -> TestResult {
    for (command, answer, told) in [
        ("RCPT", "451 later, ana@shop.example", "the mail server answered 451"),
        (
            "RCPT",
            "452 4.2.2 ana@shop.example is full",
            "the mail server answered 452",
        ),
        (
            "RCPT",
            "554 5.7.1 <ana@shop.example>: Relay access denied",
            "the mail server answered 554",
        ),
        (
            "RCPT",
            "550 relaying to ana@shop.example denied",
            "the mail server answered 550",
        ),
        (
            "MAIL",
            "553 5.7.1 Sender address rejected: not owned by you",
            "the mail server answered 553",
        ),
        (
            "MAIL",
            "550 5.1.8 the sender's domain is not known",
            "the mail server answered 550",
        ),
        (
            "MAIL",
            "530 5.7.0 STARTTLS first",
            "the mail server answered 530, which is about the log-in",
        ),
        (
            "AUTH",
            "535 5.7.8 wrong password",
            "the mail server answered 535, which is about the log-in",
        ),
        ("DATA", "554 5.6.0 no", "the mail server answered 554"),
    ] {
        let (port, _server) = smtp_server(command, answer).await?;
        let mailer = Mailer::smtp(&format!("smtp://llavero:hunter2@127.0.0.1:{port}").into(), FROM)?;
        let result = mailer.send(&message("ana@shop.example")).await;
        assert_eq!(result, Err(MailError::Temporary(told.into())), "{command} {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn a_mail_server_without_what_the_settings_ask_for_is_temporary() -> TestResult {
    let asked = "the mail server does not offer what the settings ask for";
    for (user, query) in [("", "?tls=required"), ("llavero:hunter2@", "")] {
        let (port, _server) = smtp_server("EHLO", "250 mail.test").await?;
        let url = format!("smtp://{user}127.0.0.1:{port}{query}");
        let result = Mailer::smtp(&url.into(), FROM)?
            .send(&message("ana@shop.example"))
            .await;
        assert_eq!(result, Err(MailError::Temporary(asked.into())));
    }
    Ok(())
}

#[tokio::test]
async fn a_mail_server_that_is_away_is_temporary() -> TestResult {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    drop(listener);
    let result = smtp(port)?.send(&message("ana@shop.example")).await;
    assert!(matches!(result, Err(MailError::Temporary(_))), "{result:?}");
    Ok(())
}

#[tokio::test]
async fn an_address_with_a_line_break_or_without_host_is_refused() {
    let mailer = Mailer::memory();
    for to in [
        "nobody",
        "a@b.example\r\nBcc: c@d.example",
        "",
        "a@b.example, c@d.example",
    ] {
        assert!(
            matches!(mailer.send(&message(to)).await, Err(MailError::Permanent(_))),
            "{to:?}"
        );
    }
    assert!(mailer.taken().is_empty());
}

#[tokio::test]
async fn mails_in_memory_are_taken_once() -> TestResult {
    let mailer = Mailer::memory();
    mailer.clone().send(&message("ana@shop.example")).await?;
    assert_eq!(mailer.taken(), [message("ana@shop.example")]);
    assert!(mailer.taken().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_folder_gets_one_numbered_file_a_mail() -> TestResult {
    let folder = tempfile::tempdir()?;
    let mails = folder.path().join("mails");
    for _ in 0..2 {
        Mailer::folder(mails.clone()).send(&message("ana@shop.example")).await?;
    }
    assert!(std::fs::read_to_string(mails.join("000002.eml"))?.contains("To: ana@shop.example"));
    assert!(!mails.join("000003.eml").exists());
    Ok(())
}

#[test]
fn wrong_settings_are_told_without_the_password() {
    for (url, from) in [
        ("http://u:hunter2@mail.example", "a@b.example"),
        ("smtp://u:hunter2@mail.example", "nobody"),
    ] {
        let error = Mailer::smtp(&url.into(), from).err();
        assert!(
            matches!(&error, Some(MailError::Permanent(text)) if !text.contains("hunter2")),
            "{error:?}"
        );
    }
    assert_eq!(
        format!("{:?} {:?}", Mailer::memory(), message("a@b.example")),
        "Mailer Message"
    );
}
