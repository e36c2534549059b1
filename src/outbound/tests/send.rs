//! One call, one connection: what counts as not sent, and what as answer lost.

use super::*;

#[tokio::test]
async fn a_refused_connection_is_not_sent() -> TestResult {
    let (listener, port) = listen().await?;
    drop(listener);
    let result = private()?
        .send(get(&format!("http://127.0.0.1:{port}/"))?, &options(LONG))
        .await;
    assert_eq!(result.err(), not_sent(NotSent::Connect));
    Ok(())
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_not_sent() -> TestResult {
    let result = private()?.send(get("http://nowhere.test/")?, &options(LONG)).await;
    assert_eq!(result.err(), not_sent(NotSent::Dns));
    Ok(())
}

#[tokio::test]
async fn a_connection_closed_after_the_request_is_an_answer_lost_and_nothing_is_sent_again() -> TestResult {
    let (listener, port) = listen().await?;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        read_request(&mut stream).await?;
        drop(stream);
        Ok::<_, io::Error>(listener)
    });
    let result = private()?
        .send(get(&format!("http://127.0.0.1:{port}/"))?, &options(LONG))
        .await;
    assert!(is_lost(result.err()));
    let listener = server.await??;
    // A second connection would be waiting already.
    let again = std::future::poll_fn(|cx| std::task::Poll::Ready(listener.poll_accept(cx).is_ready())).await;
    assert!(!again);
    Ok(())
}

#[tokio::test]
async fn a_call_given_up_at_its_limit_is_an_answer_lost_and_resets_the_socket() -> TestResult {
    let (listener, port) = listen().await?;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        read_request(&mut stream).await?;
        Ok::<_, io::Error>(rest(&mut stream).await)
    });
    let limit = options(Duration::from_millis(500));
    let result = private()?
        .send(get(&format!("http://127.0.0.1:{port}/"))?, &limit)
        .await;
    assert!(result.is_err_and(|error| error.is_late()));
    assert_eq!(server.await??, (0, Some(io::ErrorKind::ConnectionReset)));
    Ok(())
}

#[tokio::test]
async fn a_complete_answer_closes_the_socket_in_the_usual_way() -> TestResult {
    let (listener, port) = listen().await?;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        read_request(&mut stream).await?;
        stream.write_all(OK.as_bytes()).await?;
        Ok::<_, io::Error>(rest(&mut stream).await)
    });
    let answer = private()?
        .send(get(&format!("http://127.0.0.1:{port}/"))?, &options(LONG))
        .await?;
    assert_eq!((answer.status.as_u16(), &*answer.body), (200, b"ok".as_slice()));
    assert_eq!(server.await??, (0, None));
    Ok(())
}

#[tokio::test]
async fn after_its_time_a_request_is_not_sent_although_the_connection_stands() -> TestResult {
    let (listener, port) = listen().await?;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        Ok::<_, io::Error>(rest(&mut stream).await.0)
    });
    let late = SendOptions {
        send_before: Some(now()),
        ..options(LONG)
    };
    let result = private()?.send(get(&format!("http://127.0.0.1:{port}/"))?, &late).await;
    assert_eq!(result.err(), not_sent(NotSent::TooLate));
    assert_eq!(server.await??, 0);
    Ok(())
}

#[tokio::test]
async fn a_request_goes_over_the_wire_as_it_was_built() -> TestResult {
    let (listener, port) = listen().await?;
    let server = answer_once(listener, OK);
    let mut request = get(&format!("http://127.0.0.1:{port}/oauth/token?a=%20b"))?;
    request.method = Method::POST;
    request.headers.insert("x-platform-key", "1".parse()?);
    request.body = Bytes::from_static(b"grant_type=refresh_token");
    private()?.send(request, &options(LONG)).await?;
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "POST /oauth/token?a=%20b HTTP/1.1\r\nX-Platform-Key: 1\r\nHost: 127.0.0.1:{port}\r\n\
         User-Agent: Llavero/{version}\r\nContent-Length: 24\r\n\r\ngrant_type=refresh_token"
    );
    assert_eq!(server.await??, expected);
    Ok(())
}

#[tokio::test]
async fn an_empty_post_says_that_it_is_empty() -> TestResult {
    let (listener, port) = listen().await?;
    let server = answer_once(listener, OK);
    let mut request = get(&format!("http://127.0.0.1:{port}/"))?;
    request.method = Method::POST;
    private()?.send(request, &options(LONG)).await?;
    let request = server.await??;
    assert_eq!(request.matches("Content-Length: 0\r\n").count(), 1, "{request}");
    Ok(())
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() -> TestResult {
    let (listener, port) = listen().await?;
    let server = answer_once(
        listener,
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    );
    let answer = private()?
        .send(get(&format!("http://127.0.0.1:{port}/"))?, &options(LONG))
        .await?;
    assert_eq!(answer.status.as_u16(), 302);
    assert_eq!(
        answer.headers.get(header::LOCATION).map(HeaderValue::as_bytes),
        Some(b"http://127.0.0.1:1/".as_slice())
    );
    server.await??;
    Ok(())
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_is_too_long_is_lost() -> TestResult {
    let answers = [
        "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nonly this",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n0123456789012345678901234567890123456789",
        "220 mail.example ESMTP\r\n",
    ];
    for answer in answers {
        let (listener, port) = listen().await?;
        let server = answer_once(listener, answer);
        let short = SendOptions {
            max_body: 32,
            ..options(LONG)
        };
        let result = private()?
            .send(get(&format!("http://127.0.0.1:{port}/"))?, &short)
            .await;
        assert!(is_lost(result.err()), "{answer}");
        server.await??;
    }
    Ok(())
}

#[tokio::test]
async fn private_addresses_and_plain_http_are_refused_before_anything_is_opened() -> TestResult {
    let (listener, port) = listen().await?;
    let strict = outbound(
        OutboundConfig::default(),
        Names::with("shop.test", &["10.0.0.1", "127.0.0.1"]),
    )?;
    let refused = [
        format!("https://127.0.0.1:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("https://0x7f.1:{port}/"),
        format!("https://shop.test:{port}/"),
        format!("http://shop.test:{port}/"),
        "http://8.8.8.8/".to_owned(),
        "ftp://shop.test/".to_owned(),
    ];
    for url in refused {
        let error = strict.send(get(&url)?, &options(LONG)).await.err();
        assert!(
            matches!(
                error,
                Some(SendError::NotSent {
                    why: NotSent::Refused(_)
                })
            ),
            "{url}: {error:?}"
        );
    }
    let metadata = private()?
        .send(get("http://169.254.169.254/latest")?, &options(LONG))
        .await;
    assert_eq!(
        metadata.err(),
        not_sent(NotSent::Refused("the host has a link-local address".into()))
    );
    let opened = std::future::poll_fn(|cx| std::task::Poll::Ready(listener.poll_accept(cx).is_ready())).await;
    assert!(!opened);
    Ok(())
}

#[tokio::test]
async fn a_name_is_resolved_once_and_only_its_allowed_addresses_are_tried() -> TestResult {
    let (listener, port) = listen().await?;
    let server = answer_once(listener, OK);
    let names = Names::with("shop.test", &["169.254.169.254", "127.0.0.1"]);
    let config = OutboundConfig {
        allow_private_hosts: true,
        ..OutboundConfig::default()
    };
    outbound(config, Arc::clone(&names))?
        .send(get(&format!("http://shop.test:{port}/"))?, &options(LONG))
        .await?;
    assert_eq!(names.asked.load(Ordering::SeqCst), 1);
    assert!(server.await??.contains(&format!("Host: shop.test:{port}\r\n")));
    Ok(())
}

#[tokio::test]
async fn a_sandbox_app_meets_the_sandbox_and_only_it_is_exempt() -> TestResult {
    let (listener, port) = listen().await?;
    let answer = "HTTP/1.1 303 See Other\r\nLocation: /box/shop.test/done?x=1\r\nContent-Length: 0\r\n\r\n";
    let server = answer_once(listener, answer);
    let sandbox_url = Some(format!("http://127.0.0.1:{port}/box").parse()?);
    let names = Names::with("shop.test", &["8.8.8.8"]);
    let outbound = outbound(
        OutboundConfig {
            sandbox_url,
            ..OutboundConfig::default()
        },
        Arc::clone(&names),
    )?;
    let sandbox = SendOptions {
        route: Route::Sandbox,
        ..options(LONG)
    };
    let answer = outbound.send(get("http://shop.test/admin?q=1")?, &sandbox).await?;
    let request = server.await??;
    assert!(
        request.starts_with("GET /box/shop.test/admin?q=1 HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains("X-Sandbox-Scheme: http\r\n"), "{request}");
    assert!(request.contains(&format!("Host: 127.0.0.1:{port}\r\n")), "{request}");
    let location = answer.headers.get(header::LOCATION).map(HeaderValue::as_bytes);
    assert_eq!(location, Some(b"http://shop.test/done?x=1".as_slice()));
    assert_eq!(names.asked.load(Ordering::SeqCst), 0);

    let live = outbound
        .send(
            get(&format!("https://127.0.0.1:{port}/box/shop.test/"))?,
            &options(LONG),
        )
        .await;
    assert_eq!(
        live.err(),
        not_sent(NotSent::Refused("the host has a loopback address".into()))
    );
    Ok(())
}

#[tokio::test]
async fn without_a_sandbox_a_sandbox_app_reaches_nothing() -> TestResult {
    let sandbox = SendOptions {
        route: Route::Sandbox,
        ..options(LONG)
    };
    let outbound = private()?;
    let result = outbound.send(get("https://127.0.0.1:1/")?, &sandbox).await;
    assert_eq!(
        result.err(),
        not_sent(NotSent::Refused("no sandbox is configured".into()))
    );
    assert!(!outbound.has_sandbox());
    assert_eq!(
        outbound.browser_url(&Route::Sandbox, &"https://shop.test/".parse()?),
        None
    );
    Ok(())
}

#[tokio::test]
async fn an_egress_proxy_is_asked_for_the_judged_address() -> TestResult {
    let (listener, port) = listen().await?;
    let proxy = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let connect = read_request(&mut stream).await?;
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
        let request = read_request(&mut stream).await?;
        stream.write_all(OK.as_bytes()).await?;
        Ok::<_, io::Error>((connect, request))
    });
    let config = OutboundConfig {
        allow_private_hosts: true,
        egress_proxy: Some(format!("http://us%40er:pw@127.0.0.1:{port}").parse()?),
        ..OutboundConfig::default()
    };
    let outbound = outbound(config, Names::with("shop.test", &["192.0.2.7"]))?;
    outbound.send(get("http://shop.test/x")?, &options(LONG)).await?;
    let (connect, request) = proxy.await??;
    assert!(connect.starts_with("CONNECT 192.0.2.7:80 HTTP/1.1\r\n"), "{connect}");
    assert!(
        connect.contains("Proxy-Authorization: Basic dXNAZXI6cHc=\r\n"),
        "{connect}"
    );
    assert!(
        request.starts_with("GET /x HTTP/1.1\r\n") && !request.contains("Proxy-"),
        "{request}"
    );
    Ok(())
}

#[tokio::test]
async fn a_proxy_that_refuses_leaves_the_request_unsent() -> TestResult {
    let (listener, port) = listen().await?;
    let proxy = answer_once(listener, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    let egress_proxy = Some(format!("http://127.0.0.1:{port}").parse()?);
    let config = OutboundConfig {
        allow_private_hosts: true,
        egress_proxy,
        ..OutboundConfig::default()
    };
    let result = outbound(config, Arc::default())?
        .send(get("http://192.0.2.7/")?, &options(LONG))
        .await;
    assert_eq!(result.err(), not_sent(NotSent::Connect));
    proxy.await??;
    Ok(())
}

#[tokio::test]
async fn through_a_proxy_the_policy_still_holds() -> TestResult {
    let (listener, port) = listen().await?;
    let egress_proxy = Some(format!("http://127.0.0.1:{port}").parse()?);
    let config = OutboundConfig {
        egress_proxy,
        ..OutboundConfig::default()
    };
    let outbound = outbound(config, Names::with("shop.test", &["10.0.0.1"]))?;
    let result = outbound.send(get("https://shop.test/")?, &options(LONG)).await;
    assert_eq!(
        result.err(),
        not_sent(NotSent::Refused("the host has a private address".into()))
    );
    let opened = std::future::poll_fn(|cx| std::task::Poll::Ready(listener.poll_accept(cx).is_ready())).await;
    assert!(!opened);
    Ok(())
}
