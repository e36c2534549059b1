//! Partners' calls: streamed, pooled, relayed as they are.

use futures_util::{StreamExt, stream};

use super::*;

fn call(method: Method, url: &str, body: BodyStream) -> Result<http::Request<BodyStream>, http::Error> {
    http::Request::builder().method(method).uri(url).body(body)
}

async fn whole(mut body: AnswerStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes)
}

#[tokio::test]
async fn connections_are_used_again() -> TestResult {
    let (listener, port) = listen().await?;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let first = read_request(&mut stream).await?;
        stream.write_all(OK.as_bytes()).await?;
        let second = read_request(&mut stream).await?;
        stream.write_all(OK.as_bytes()).await?;
        Ok::<_, io::Error>((first, second))
    });
    let outbound = private()?;
    for path in ["one", "two"] {
        let mut request = call(
            Method::GET,
            &format!("http://127.0.0.1:{port}/{path}"),
            BodyStream::empty(),
        )?;
        request.headers_mut().insert(header::HOST, "llavero.example".parse()?);
        let answer = outbound.forward(request, &options(LONG)).await?;
        assert_eq!(whole(answer.into_body()).await?, b"ok");
    }
    let (first, second) = server.await??;
    assert!(first.starts_with("GET /one HTTP/1.1\r\n") && second.starts_with("GET /two HTTP/1.1\r\n"));
    assert!(
        first.contains(&format!("Host: 127.0.0.1:{port}\r\n")) && !first.contains("llavero.example"),
        "{first}"
    );
    Ok(())
}

#[tokio::test]
async fn a_body_of_announced_length_keeps_it_and_another_is_chunked() -> TestResult {
    for (length, expected) in [
        (Some(6), "Content-Length: 6\r\n"),
        (None, "Transfer-Encoding: chunked\r\n"),
    ] {
        let (listener, port) = listen().await?;
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            let mut bytes = Vec::new();
            while !bytes.ends_with(b"def") && !bytes.ends_with(b"0\r\n\r\n") {
                bytes.push(stream.read_u8().await?);
            }
            stream.write_all(OK.as_bytes()).await?;
            Ok::<_, io::Error>(String::from_utf8_lossy(&bytes).into_owned())
        });
        let pieces = stream::iter(["abc", "def"]).map(|piece| Ok::<_, io::Error>(Bytes::from_static(piece.as_bytes())));
        let body = BodyStream::from_stream(pieces, length);
        let request = call(Method::PUT, &format!("http://127.0.0.1:{port}/"), body)?;
        private()?.forward(request, &options(LONG)).await?;
        let request = server.await??;
        assert!(request.contains(expected), "{request}");
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_streams_as_it_arrives_and_can_be_looked_at_first() -> TestResult {
    let (listener, port) = listen().await?;
    let (go_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        read_request(&mut stream).await?;
        let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nabcd";
        stream.write_all(head.as_bytes()).await?;
        let _ = may_go_on.await;
        stream.write_all(b"efgh").await
    });
    let request = call(Method::GET, &format!("http://127.0.0.1:{port}/"), BodyStream::empty())?;
    let answer = private()?.forward(request, &options(LONG)).await?;
    let mut body = answer.into_body();
    assert!(body.peek(3).await?.starts_with(b"abc"));
    go_on.send(()).map_err(|()| "the server is gone")?;
    assert_eq!(body.peek(100).await?, b"abcdefgh");
    assert_eq!(whole(body).await?, b"abcdefgh");
    server.await??;
    Ok(())
}

#[tokio::test]
async fn what_was_surely_not_sent_says_so() -> TestResult {
    let (listener, port) = listen().await?;
    drop(listener);
    let request = call(Method::GET, &format!("http://127.0.0.1:{port}/"), BodyStream::empty())?;
    assert_eq!(
        private()?.forward(request, &options(LONG)).await.err(),
        not_sent(NotSent::Connect)
    );
    let request = call(Method::GET, "https://127.0.0.1:1/", BodyStream::empty())?;
    let strict = outbound(OutboundConfig::default(), Arc::default())?;
    let expected = not_sent(NotSent::Refused("the host has a loopback address".into()));
    assert_eq!(strict.forward(request, &options(LONG)).await.err(), expected);
    let request = call(Method::GET, "http://nowhere.test/", BodyStream::empty())?;
    assert_eq!(
        private()?.forward(request, &options(LONG)).await.err(),
        not_sent(NotSent::Dns)
    );
    Ok(())
}

#[tokio::test]
async fn a_connection_closed_after_the_request_is_an_answer_lost() -> TestResult {
    let (listener, port) = listen().await?;
    let server = answer_once(listener, "");
    let body = BodyStream::full(Bytes::from_static(b"order"));
    let request = call(Method::POST, &format!("http://127.0.0.1:{port}/"), body)?;
    assert!(is_lost(private()?.forward(request, &options(LONG)).await.err()));
    assert!(server.await??.ends_with("order"));
    Ok(())
}

#[tokio::test]
async fn an_answer_that_does_not_come_or_stalls_ends() -> TestResult {
    let short = options(Duration::from_millis(100));
    for head in ["", "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nabcd"] {
        let (listener, port) = listen().await?;
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            read_request(&mut stream).await?;
            stream.write_all(head.as_bytes()).await?;
            Ok::<_, io::Error>(rest(&mut stream).await)
        });
        let request = call(Method::GET, &format!("http://127.0.0.1:{port}/"), BodyStream::empty())?;
        match private()?.forward(request, &short).await {
            Ok(answer) => {
                let error = whole(answer.into_body()).await.err().map(|error| error.kind());
                assert_eq!(error, Some(io::ErrorKind::TimedOut));
            }
            Err(error) => assert!(is_lost(Some(error)), "{head}"),
        }
        server.await??;
    }
    Ok(())
}

#[tokio::test]
async fn a_sandbox_call_is_rewritten_and_its_location_mapped_back() -> TestResult {
    let (listener, port) = listen().await?;
    let answer = "HTTP/1.1 302 Found\r\nLocation: /shop.test:8443/next\r\nContent-Length: 0\r\n\r\n";
    let server = answer_once(listener, answer);
    let sandbox_url = Some(format!("http://127.0.0.1:{port}").parse()?);
    let outbound = outbound(
        OutboundConfig {
            sandbox_url,
            ..OutboundConfig::default()
        },
        Arc::default(),
    )?;
    let sandbox = SendOptions {
        route: Route::Sandbox,
        ..options(LONG)
    };
    let request = call(Method::GET, "https://shop.test:8443/a?b=c", BodyStream::empty())?;
    let answer = outbound.forward(request, &sandbox).await?;
    let location = answer.headers().get(header::LOCATION).map(HeaderValue::as_bytes);
    assert_eq!(location, Some(b"https://shop.test:8443/next".as_slice()));
    let request = server.await??;
    assert!(
        request.starts_with("GET /shop.test:8443/a?b=c HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(!request.contains("Sandbox-Scheme"), "{request}");
    Ok(())
}
