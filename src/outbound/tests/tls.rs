//! Over TLS, with a certificate authority made for the test and handed in like an operator's.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use super::*;

/// The authority's PEM, and a server for `shop.test`.
fn authority() -> Result<(Vec<u8>, TlsAcceptor), Box<dyn Error>> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["shop.test".to_owned()])?.signed_by(&key, &issuer)?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der())?,
        )?;
    Ok((issuer.pem().into_bytes(), TlsAcceptor::from(Arc::new(config))))
}

fn trusting(pem: Option<Vec<u8>>) -> Result<Outbound, OutboundError> {
    let mut names = Names::default();
    for name in ["shop.test", "other.test"] {
        names.addresses.insert(name, vec![IpAddr::from(Ipv4Addr::LOCALHOST)]);
    }
    let config = OutboundConfig {
        allow_private_hosts: true,
        extra_ca_pem: pem,
        ..OutboundConfig::default()
    };
    outbound(config, Arc::new(names))
}

#[tokio::test]
async fn a_server_under_the_extra_authority_is_trusted() -> TestResult {
    let (pem, acceptor) = authority()?;
    let (listener, port) = listen().await?;
    let server = tokio::spawn(async move {
        let mut stream = acceptor.accept(listener.accept().await?.0).await?;
        let request = read_request(&mut stream).await?;
        stream.write_all(OK.as_bytes()).await?;
        stream.flush().await?;
        Ok::<_, io::Error>(request)
    });
    let answer = trusting(Some(pem))?
        .send(get(&format!("https://shop.test:{port}/x"))?, &options(LONG))
        .await?;
    assert_eq!(&*answer.body, b"ok");
    assert!(server.await??.starts_with("GET /x HTTP/1.1\r\n"));
    Ok(())
}

#[tokio::test]
async fn an_unknown_authority_or_another_name_is_not_sent() -> TestResult {
    let (pem, acceptor) = authority()?;
    for (trusted, host) in [
        (None, "shop.test"),
        (Some(pem.clone()), "other.test"),
        (Some(pem), "127.0.0.1"),
    ] {
        let (listener, port) = listen().await?;
        let acceptor = acceptor.clone();
        let server = tokio::spawn(async move { Ok::<_, io::Error>(acceptor.accept(listener.accept().await?.0).await) });
        let result = trusting(trusted)?
            .send(get(&format!("https://{host}:{port}/"))?, &options(LONG))
            .await;
        assert_eq!(result.err(), not_sent(NotSent::Tls), "{host}");
        let _ = server.await??;
    }
    Ok(())
}

#[tokio::test]
async fn the_time_is_checked_after_tls_stands() -> TestResult {
    let (pem, acceptor) = authority()?;
    let (listener, port) = listen().await?;
    let server = tokio::spawn(async move {
        // Accepted: the handshake was finished. Then the end, without one byte of a request.
        let mut stream = acceptor.accept(listener.accept().await?.0).await?;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        Ok::<_, io::Error>(bytes.len())
    });
    let late = SendOptions {
        send_before: Some(now()),
        ..options(LONG)
    };
    let result = trusting(Some(pem))?
        .send(get(&format!("https://shop.test:{port}/"))?, &late)
        .await;
    assert_eq!(result.err(), not_sent(NotSent::TooLate));
    assert_eq!(server.await??, 0);
    Ok(())
}

#[test]
fn a_file_without_certificates_is_refused() {
    for pem in [
        "",
        "not PEM",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let result = trusting(Some(pem.as_bytes().to_vec()));
        assert!(matches!(result.err(), Some(OutboundError::ExtraCa(_))), "{pem}");
    }
}
