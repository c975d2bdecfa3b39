//! Tests of the TLS of the operating system, with servers on rustls.

#![forbid(unsafe_code)]

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use ws_test_certificates::{Authority, Fault, Identity};
use ws_tokio::tls::native_tls::{self, Certificate};
use ws_tokio::tls::rustls::{self, pki_types::pem::PemObject};
use ws_tokio::tls::{NativeTls, NativeTlsTransport, TlsAcceptor, TlsTransport};
use ws_tokio::transport::{AnyTransport, ClientTls, HttpVersion, ReadHalf, Wrap, WriteHalf};
use ws_tokio::{
    AcceptError, Acceptor, CloseCode, ConnectError, Connector, Error, Message, TlsErrorKind, Tokio,
    WebSocket,
};

const HTTP1: [HttpVersion; 1] = [HttpVersion::Http1];

/// Fails a test that hangs.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(60);
    tokio::time::timeout(limit, future).await.expect("in time")
}

fn acceptor(identity: &Identity) -> TlsAcceptor {
    TlsAcceptor::from_pem(&*identity.certificate, &*identity.key).unwrap()
}

fn builder(authority: &Authority) -> native_tls::TlsConnectorBuilder {
    let mut builder = native_tls::TlsConnector::builder();
    let certificate = authority.certificate();
    builder.add_root_certificate(Certificate::from_pem(certificate.as_bytes()).unwrap());
    builder
}

fn connector(authority: &Authority) -> NativeTls {
    NativeTls::from_builder(builder(authority)).unwrap()
}

/// Starts a server for one connection. Returns its URL, and the result of `serve`.
async fn start<F, T>(
    tls: TlsAcceptor,
    serve: impl FnOnce(Result<WebSocket, AcceptError>) -> F + Send + 'static,
) -> (String, JoinHandle<T>)
where
    F: Future<Output = T> + Send,
    T: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://localhost:{}/", listener.local_addr().unwrap().port());
    let serving = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        serve(Acceptor::new().tls(tls).accept(tcp).await).await
    });
    (url, serving)
}

async fn echo(ws: Result<WebSocket, AcceptError>) {
    let mut ws = ws.unwrap();
    while let Some((message, out)) = ws.recv_ref().await.unwrap() {
        out.feed(message).await.unwrap();
    }
}

/// Connects to a server with the certificate `identity`.
async fn fails(identity: &Identity, tls: NativeTls) -> ConnectError {
    let (url, serving) = start(acceptor(identity), async |ws| drop(ws)).await;
    let error = soon(Connector::new().tls(tls).connect(&url)).await;
    soon(serving).await.unwrap();
    error.unwrap_err()
}

/// The kind of an unacceptable certificate. native-tls does not return it on all platforms.
const REFUSED: TlsErrorKind = if cfg!(any(windows, target_vendor = "apple")) {
    TlsErrorKind::Session
} else {
    TlsErrorKind::CertificateInvalid
};

fn kind(error: &ConnectError) -> TlsErrorKind {
    match error {
        ConnectError::Tls(error) => error.kind(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn messages_are_exchanged_with_every_version_of_tls() {
    let authority = Authority::new();
    let identity = authority.server();
    for version in rustls::ALL_VERSIONS {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let chain =
            rustls::pki_types::CertificateDer::from_pem_slice(identity.certificate.as_bytes());
        let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(identity.key.as_bytes());
        let config = rustls::ServerConfig::builder_with_provider(provider.into())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![chain.unwrap()], key.unwrap())
            .unwrap();
        let protocol = |ws: Result<WebSocket, AcceptError>| async {
            let ws = ws.unwrap();
            let tls = ws.get_ref().unwrap().downcast_ref::<TlsTransport>();
            let protocol = tls.unwrap().session().alpn_protocol().map(<[u8]>::to_vec);
            echo(Ok(ws)).await;
            protocol
        };
        let (url, serving) = start(config.into(), protocol).await;

        let client = Connector::new().tls(connector(&authority));
        let mut ws = soon(client.connect(&url)).await.unwrap();
        for message in [Message::from("hello"), vec![7; 1 << 20].into()] {
            ws.send(&message).await.unwrap();
            assert_eq!(soon(ws.recv()).await.unwrap(), Some(message));
        }
        {
            let transport = ws.get_ref().unwrap();
            let tls = transport.downcast_ref::<NativeTlsTransport>().unwrap();
            let certificate = tls.peer_certificate().unwrap().unwrap();
            let expected = Certificate::from_pem(identity.certificate.as_bytes()).unwrap();
            assert_eq!(certificate.to_der().unwrap(), expected.to_der().unwrap());
            assert!(tls.get_ref().tcp().is_some());
        }
        assert!(ws.peer_addr().unwrap().ip().is_loopback());
        soon(ws.close(CloseCode::NORMAL, "bye")).await.unwrap();
        assert_eq!(soon(serving).await.unwrap().unwrap(), b"http/1.1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn halves_carry_large_messages_in_both_directions_at_once() {
    const COUNT: u8 = 20;
    fn message(number: u8) -> Message {
        vec![number; 300_000 + usize::from(number)].into()
    }
    async fn exchange(ws: Result<WebSocket, AcceptError>) {
        let (mut tx, mut rx) = ws.unwrap().split();
        let sending = tokio::spawn(async move {
            for number in 0..COUNT {
                tx.send(message(number)).await.unwrap();
            }
            tx
        });
        for number in 0..COUNT {
            assert!(rx.recv().await.unwrap() == Some(message(number)));
        }
        let mut ws = rx.reunite(sending.await.unwrap()).unwrap();
        ws.close(CloseCode::NORMAL, "").await.unwrap();
    }
    let authority = Authority::new();
    let (url, serving) = start(acceptor(&authority.server()), exchange).await;
    let client = Connector::new().tls(connector(&authority));
    let ws = soon(client.connect(&url)).await.unwrap();
    soon(exchange(Ok(ws))).await;
    soon(serving).await.unwrap();
}

#[tokio::test]
async fn an_unacceptable_certificate_is_reported() {
    let authority = Authority::new();
    for fault in Fault::ALL {
        let error = fails(&authority.faulty_server(fault), connector(&authority)).await;
        assert_eq!(kind(&error), REFUSED, "{fault:?}: {error}");
    }
    let stranger = Authority::new();
    let error = fails(&stranger.server(), connector(&authority)).await;
    assert_eq!(kind(&error), REFUSED, "{error}");
}

#[cfg(not(any(windows, target_vendor = "apple")))]
#[tokio::test]
async fn a_client_certificate_is_sent_on_demand() {
    let authority = Authority::new();
    let (server, client) = (authority.server(), authority.client());
    let tls = TlsAcceptor::builder(server.certificate, server.key)
        .client_roots_pem(authority.certificate())
        .build()
        .unwrap();

    let (url, serving) = start(tls.clone(), echo).await;
    let mut with_identity = builder(&authority);
    with_identity.identity(
        native_tls::Identity::from_pkcs8(client.certificate.as_bytes(), client.key.as_bytes())
            .unwrap(),
    );
    let tls_of_client = NativeTls::from_builder(with_identity).unwrap();
    let mut ws = soon(Connector::new().tls(tls_of_client).connect(&url))
        .await
        .unwrap();
    soon(ws.close(CloseCode::NORMAL, "")).await.unwrap();
    soon(serving).await.unwrap();

    let (url, serving) = start(tls, async |ws| ws.map(drop)).await;
    let without_identity = Connector::new().tls(connector(&authority));
    let error = soon(without_identity.connect(&url)).await.unwrap_err();
    assert_eq!(kind(&error), TlsErrorKind::CertificateRequired, "{error}");
    match soon(serving).await.unwrap() {
        Err(AcceptError::Tls(error)) => assert_eq!(error.kind(), TlsErrorKind::CertificateRequired),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_default_is_rustls_if_it_is_complete() {
    let has_roots = cfg!(any(feature = "platform-verifier", feature = "webpki-roots"));
    let identity = Authority::new().server();
    let (url, serving) = start(acceptor(&identity), async |ws| drop(ws)).await;
    let error = soon(ws_tokio::connect(&url)).await.unwrap_err();
    serving.abort();
    let ConnectError::Tls(error) = error else {
        panic!("{error:?}");
    };
    // With rustls, this is an error of rustls. If the operating system has no root certificates, it
    // is an error of the settings of rustls.
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.is::<native_tls::Error>(), !has_roots, "{error}");
}

/// Connects to a server that answers the first bytes with `answer` and ends the connection.
async fn answered(answer: &'static [u8]) -> ConnectError {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://{}/", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        assert_ne!(tcp.read(&mut [0; 4096]).await.unwrap(), 0);
        tcp.write_all(answer).await.unwrap();
        tcp.shutdown().await.unwrap();
        let _ = tcp.read_to_end(&mut Vec::new()).await;
    });
    let client = Connector::new().tls(connector(&Authority::new()));
    let error = soon(client.connect(&url)).await.unwrap_err();
    soon(serving).await.unwrap();
    error
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_reported() {
    for answer in ["HTTP/1.1 400 Bad Request\r\n\r\n", "?"] {
        let error = answered(answer.as_bytes()).await;
        assert_eq!(kind(&error), TlsErrorKind::NotTls, "{error}");
    }
    let error = answered(b"").await;
    assert!(matches!(error, ConnectError::Lost), "{error:?}");
    // An alert: `handshake_failure`.
    let error = answered(&[21, 3, 3, 0, 2, 2, 40]).await;
    assert_eq!(kind(&error), TlsErrorKind::Session, "{error}");
    assert!(error.is_disconnect());
}

/// Performs the handshake with a server that negotiates `protocols`. Returns the version of HTTP
/// that the client reports.
async fn negotiate(protocols: &[&str], versions: &[HttpVersion]) -> HttpVersion {
    let authority = Authority::new();
    let Identity { certificate, key } = authority.server();
    let chain = rustls::pki_types::CertificateDer::from_pem_slice(certificate.as_bytes());
    let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(key.as_bytes());
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let mut config = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain.unwrap()], key.unwrap())
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| (*name).into()).collect();
    let server = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let (near, far) = tokio::io::duplex(1 << 16);
    let accepting = tokio::spawn(async move { server.accept(far).await });
    let client = connector(&authority);
    let reached = soon(client.connect("localhost", versions, Tokio::wrap(near))).await;
    soon(accepting).await.unwrap().unwrap();
    reached.unwrap().version
}

#[tokio::test]
async fn the_version_of_http_is_negotiated() {
    use HttpVersion::{Http1, Http2};

    for (protocols, versions, expected) in [
        (&["h2", "http/1.1"][..], &[Http2, Http1][..], Http2),
        (&["http/1.1"], &[Http2, Http1], Http1),
        (&["h2", "http/1.1"], &[Http1], Http1),
        (&["h2"], &[Http2], Http2),
        (&[], &[Http2], Http1),
    ] {
        let version = negotiate(protocols, versions).await;
        assert_eq!(version, expected, "{protocols:?} {versions:?}");
    }
}

#[tokio::test]
async fn a_host_name_that_cannot_be_sent_is_refused() {
    let tls = connector(&Authority::new());
    let (near, _far) = tokio::io::duplex(4096);
    let error = tls
        .connect("local\0host", &HTTP1, Tokio::wrap(near))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
}

async fn read(transport: &mut AnyTransport, buffer: &mut [u8]) -> io::Result<usize> {
    soon(poll_fn(|cx| transport.poll_read(cx, buffer))).await
}

/// Performs the handshake over streams in memory. The client's stream takes at most `capacity`
/// bytes that the server has not read.
async fn pair(
    authority: &Authority,
    capacity: usize,
) -> (AnyTransport, TlsTransport<AnyTransport>) {
    let (near, far) = tokio::io::duplex(capacity);
    let (server, client) = (acceptor(&authority.server()), connector(authority));
    let accepting = tokio::spawn(async move { server.accept(Tokio::wrap(far)).await });
    let client = soon(client.connect("localhost", &HTTP1, Tokio::wrap(near))).await;
    (
        client.unwrap().transport,
        soon(accepting).await.unwrap().unwrap(),
    )
}

#[tokio::test]
async fn a_transport_that_buffers_is_flushed() {
    let authority = Authority::new();
    let (near, far) = tokio::io::duplex(64);
    let (server, client) = (acceptor(&authority.server()), connector(&authority));
    let serving = tokio::spawn(async move {
        let mut tls = server.accept(Tokio::wrap(far)).await?;
        let mut buffer = [0; 64];
        let len = poll_fn(|cx| tls.poll_read(cx, &mut buffer)).await?;
        let answer = [IoSlice::new(&buffer[..len])];
        poll_fn(|cx| tls.poll_write_vectored(cx, &answer)).await?;
        poll_fn(|cx| tls.poll_shutdown(cx)).await
    });
    // This stream holds 8 KiB back until it is flushed.
    let near = Tokio::wrap(tokio::io::BufStream::new(near));
    let client = soon(client.connect("localhost", &HTTP1, near)).await;
    let mut client = client.unwrap().transport;
    let hello = [IoSlice::new(b"hello")];
    soon(poll_fn(|cx| client.poll_write_vectored(cx, &hello)))
        .await
        .unwrap();
    soon(poll_fn(|cx| client.poll_flush(cx))).await.unwrap();
    let mut buffer = [0; 64];
    assert_eq!(read(&mut client, &mut buffer).await.unwrap(), 5);
    assert_eq!(read(&mut client, &mut buffer).await.unwrap(), 0);
    soon(serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn each_direction_can_end_first() {
    let (mut client, mut server) = pair(&Authority::new(), 1 << 16).await;
    let mut buffer = [0; 64];
    // A second call has no further effect.
    for _ in 0..2 {
        soon(poll_fn(|cx| client.poll_shutdown(cx))).await.unwrap();
    }
    let len = soon(poll_fn(|cx| server.poll_read(cx, &mut buffer))).await;
    assert_eq!(len.unwrap(), 0);

    let late = [IoSlice::new(b"late")];
    soon(poll_fn(|cx| server.poll_write_vectored(cx, &late)))
        .await
        .unwrap();
    soon(poll_fn(|cx| server.poll_shutdown(cx))).await.unwrap();
    assert_eq!(read(&mut client, &mut buffer).await.unwrap(), 4);
    assert_eq!(buffer[..4], *b"late");
    for _ in 0..2 {
        assert_eq!(read(&mut client, &mut buffer).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn at_most_one_record_is_kept_back() {
    const CAPACITY: usize = 8192;
    let (mut client, mut server) = pair(&Authority::new(), CAPACITY).await;
    let bytes: Vec<u8> = (0..200_000).map(|i| (i / 7 % 251) as u8).collect();
    let mut accepted = 0;
    let stalled = poll_fn(|cx| {
        // Small slices before a long one.
        let (head, tail) = bytes[accepted..].split_at(10);
        let (short, long) = tail.split_at(20);
        let slices = [IoSlice::new(head), IoSlice::new(short), IoSlice::new(long)];
        match client.poll_write_vectored(cx, &slices) {
            Poll::Ready(written) => {
                accepted += written.unwrap();
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Pending => Poll::Ready(accepted),
        }
    });
    let stalled = soon(stalled).await;
    assert!(
        stalled <= CAPACITY + (16 << 10),
        "{stalled} bytes were accepted"
    );

    // The caller may continue with other bytes, in slices of other lengths.
    let reading = tokio::spawn(async move {
        let mut received = Vec::new();
        let mut buffer = [0; 5000];
        loop {
            let len = poll_fn(|cx| server.poll_read(cx, &mut buffer))
                .await
                .unwrap();
            match len {
                0 => return received,
                _ => received.extend_from_slice(&buffer[..len]),
            }
        }
    });
    for part in bytes[stalled..].chunks(999) {
        let slices = [IoSlice::new(part)];
        let written = soon(poll_fn(|cx| client.poll_write_vectored(cx, &slices))).await;
        assert_eq!(written.unwrap(), part.len());
    }
    soon(poll_fn(|cx| client.poll_shutdown(cx))).await.unwrap();
    assert!(soon(reading).await.unwrap() == bytes);
}

/// Passes bytes on in both directions. Ends both directions after `limit` bytes of the server.
async fn relay(client: DuplexStream, server: DuplexStream, limit: u64) {
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (from_server, mut to_server) = tokio::io::split(server);
    let mut from_server = from_server.take(limit);
    tokio::select! {
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
        _ = async {
            let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
            std::future::pending::<()>().await
        } => {}
    }
}

#[tokio::test]
async fn an_end_without_close_notify_is_an_unexpected_end() {
    let authority = Authority::new();
    let (tls, server) = (connector(&authority), acceptor(&authority.server()));
    let mut is_complete = false;
    let mut received_before_the_end = 0;
    for limit in (0..1 << 14).step_by(61) {
        let (near, relay_near) = tokio::io::duplex(1 << 16);
        let (relay_far, far) = tokio::io::duplex(1 << 16);
        let relaying = tokio::spawn(relay(relay_near, relay_far, limit));
        let server = server.clone();
        let serving = tokio::spawn(async move {
            let mut tls = server.accept(Tokio::wrap(far)).await?;
            let hello = [IoSlice::new(b"hello")];
            poll_fn(|cx| tls.poll_write_vectored(cx, &hello)).await?;
            poll_fn(|cx| tls.poll_shutdown(cx)).await
        });
        let session = async {
            let mut client = tls
                .connect("localhost", &HTTP1, Tokio::wrap(near))
                .await?
                .transport;
            let mut received = 0;
            loop {
                match read(&mut client, &mut [0; 64]).await? {
                    0 => return Ok(received),
                    len => received += len,
                }
                received_before_the_end = received_before_the_end.max(received);
            }
        };
        let end: io::Result<usize> = soon(session).await;
        soon(relaying).await.unwrap();
        let _ = soon(serving).await.unwrap();
        match end {
            Ok(received) => {
                assert_eq!(received, 5);
                is_complete = true;
                break;
            }
            Err(error) => {
                assert_eq!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof,
                    "{limit}: {error}"
                );
            }
        }
    }
    assert!(is_complete && received_before_the_end == 5);
}

#[tokio::test]
async fn a_server_that_vanishes_is_a_lost_connection() {
    let authority = Authority::new();
    let (url, serving) = start(acceptor(&authority.server()), async |ws| drop(ws)).await;
    let client = Connector::new().tls(connector(&authority));
    let mut ws = soon(client.connect(&url)).await.unwrap();
    soon(serving).await.unwrap();
    let error = soon(ws.recv()).await.unwrap_err();
    assert!(matches!(error, Error::Lost), "{error:?}");
    assert!(error.is_disconnect());
}
