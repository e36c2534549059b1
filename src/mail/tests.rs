//! Each way of sending, SMTP against a server of a few lines.

use std::error::Error;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::*;

type TestResult = Result<(), Box<dyn Error>>;

fn message(to: &str) -> Message {
    Message {
        to: to.into(),
        subject: "Tu tienda, por favor".into(),
        text: "Reconnect: https://llavero.example/reconnect/x".into(),
        html: "<p>Reconnect</p>".into(),
    }
}

/// Talks SMTP and answers RCPT with `rcpt`; gives what the client said, line by line.
async fn smtp_server(rcpt: &'static str) -> io::Result<(u16, tokio::task::JoinHandle<io::Result<Vec<String>>>)> {
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
                "EHLO" => "250 mail.test",
                "RCPT" => rcpt,
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
    Mailer::smtp(
        &format!("smtp://127.0.0.1:{port}").into(),
        "Llavero <no-reply@llavero.example>",
    )
}

#[tokio::test]
async fn a_mail_goes_out_with_both_bodies_from_the_configured_sender() -> TestResult {
    let (port, server) = smtp_server("250 ok").await?;
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
async fn a_refusal_is_permanent_and_a_deferral_temporary_and_neither_repeats_the_recipient() -> TestResult {
    for (answer, expected) in [
        (
            "550 no such user ana@shop.example",
            MailError::Permanent("the mail server answered 550".into()),
        ),
        (
            "451 later, ana@shop.example",
            MailError::Temporary("the mail server answered 451".into()),
        ),
    ] {
        let (port, _server) = smtp_server(answer).await?;
        assert_eq!(smtp(port)?.send(&message("ana@shop.example")).await, Err(expected));
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
