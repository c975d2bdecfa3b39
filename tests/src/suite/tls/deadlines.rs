//! The time that the handshakes of TLS and of the WebSocket may take together.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use rustls::version::TLS13;
use ws_driver::{AcceptError, ConnectError, ConnectPhase};

use super::peer::TlsStream;
use super::{acceptor, calling, connector};
use crate::fault::Fault;
use crate::http;
use crate::socket::{RawPeer, TOO_LONG};
use crate::suite::{Running, Suite, server};
use crate::tls::{client_config, server_config};

/// The part of a handshake that a peer completes before it stalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The TCP connection.
    Tcp,
    /// The TCP connection and a part of the first message of TLS.
    PartOfTls,
    /// The TLS handshake.
    Tls,
    /// The TLS handshake and a part of the HTTP head.
    PartOfHead,
}

const STAGES: [Stage; 4] = [Stage::Tcp, Stage::PartOfTls, Stage::Tls, Stage::PartOfHead];

impl Stage {
    /// Returns a timeout within which the parts before the stall are complete, even on a busy
    /// machine.
    fn limit(self) -> Duration {
        Duration::from_millis(match self {
            Self::Tcp | Self::PartOfTls => 600,
            Self::Tls | Self::PartOfHead => 1500,
        })
    }
}

/// Performs the handshakes over `stream` up to `stage`. `head` is the part of an HTTP head that is
/// sent at the last stage. Returns the peer, which keeps the stream open.
fn stall(mut stream: TlsStream, stage: Stage, head: &[u8]) -> RawPeer<TlsStream> {
    match stage {
        Stage::Tcp => {}
        Stage::PartOfTls => {
            let mut hello = stream.take_records();
            // A server sends nothing before the first message of a client. Here it sends the header
            // of a record.
            hello.truncate(hello.len() / 2);
            let part = if hello.is_empty() {
                b"\x16\x03\x03\x01\x00"
            } else {
                &hello[..]
            };
            stream.tcp.write_all(part).expect("room in the socket");
        }
        Stage::Tls | Stage::PartOfHead => stream.handshake().expect("the TLS handshake"),
    }
    let mut peer = RawPeer::over(stream);
    if stage == Stage::PartOfHead {
        peer.send(head);
    }
    peer
}

/// The result and the duration of accepting.
type Accepting = Running<(Result<(), AcceptError>, Duration)>;

/// Starts a server that accepts one client within `limit`. Returns a client over TCP.
fn accepting<S: Suite>(limit: Duration) -> (TcpStream, Accepting) {
    let (address, running) = server::<S, _, _>(move |stream| async move {
        let acceptor = acceptor::<S>().handshake_timeout(limit);
        let start = Instant::now();
        let accepted = acceptor.accept(stream).await;
        (accepted.map(|_| ()), start.elapsed())
    });
    let tcp = TcpStream::connect(address).expect("a listener");
    (tcp, running)
}

/// The timeout covers each part of the handshakes.
pub fn a_client_that_stalls_in_any_part_of_the_handshakes_times_out<S: Suite>() {
    let stalled = STAGES.map(|stage| {
        let limit = stage.limit();
        let (tcp, running) = accepting::<S>(limit);
        let client = TlsStream::client(tcp, client_config(&[&TLS13]));
        let client = stall(client, stage, &http::request()[..30]);
        (stage, limit, client, running)
    });
    for (stage, limit, _client, running) in stalled {
        let (accepted, time) = running.finish();
        assert!(
            matches!(accepted, Err(AcceptError::Timeout)),
            "{stage:?}: {accepted:?}"
        );
        assert!(time >= limit * 9 / 10, "{stage:?}: {time:?}");
    }
}

/// The time of which a peer takes 60 % for TLS.
const SHARED: Duration = Duration::from_secs(2);

/// Waits for 60 % of the time. Returns the instant after the wait. An end that began the time again
/// after the TLS handshake would time out after [`SHARED`] from this instant, or later.
fn take_most_of_the_time() -> Instant {
    thread::sleep(SHARED * 6 / 10);
    Instant::now()
}

/// The time for the request does not begin again after the TLS handshake.
pub fn one_deadline_of_a_server_covers_tls_and_the_request<S: Suite>() {
    let (tcp, running) = accepting::<S>(SHARED);
    let since = take_most_of_the_time();
    let client = TlsStream::client(tcp, client_config(&[&TLS13]));
    let _client = stall(client, Stage::PartOfHead, &http::request()[..30]);
    let (accepted, time) = running.finish();
    assert!(
        matches!(accepted, Err(AcceptError::Timeout)),
        "{accepted:?}"
    );
    assert!(time >= SHARED * 9 / 10, "{time:?}");
    assert!(since.elapsed() < SHARED, "{:?}", since.elapsed());
}

/// The error names the part of the handshakes in which the server stalled.
pub fn a_server_that_stalls_times_out_in_that_phase<S: Suite>() {
    let stalled = STAGES.map(|stage| {
        let connector = connector::<S>().handshake_timeout(stage.limit());
        let (tcp, running) = calling::<S>(connector);
        let server = TlsStream::server(tcp, server_config(&[&TLS13]));
        let server = stall(server, stage, b"HTTP/1.1 101 Switching");
        (stage, server, running)
    });
    for (stage, _server, running) in stalled {
        let expected = match stage {
            Stage::Tcp | Stage::PartOfTls => ConnectPhase::Tls,
            Stage::Tls | Stage::PartOfHead => ConnectPhase::Handshake,
        };
        match running.finish() {
            Err(Fault::Connect(error @ ConnectError::Timeout(phase))) => {
                assert_eq!(phase, expected, "{stage:?}");
                assert!(error.is_timeout() && error.is_disconnect());
            }
            other => panic!("{stage:?}: {other:?}"),
        }
    }
}

/// The time for the response does not begin again after the TLS handshake.
pub fn one_deadline_of_a_client_covers_tls_and_the_response<S: Suite>() {
    let (tcp, running) = calling::<S>(connector::<S>().handshake_timeout(SHARED));
    let since = take_most_of_the_time();
    let server = TlsStream::server(tcp, server_config(&[&TLS13]));
    let _server = stall(server, Stage::PartOfHead, b"HTTP/1.1 101 Switching");
    let called = running.finish();
    assert!(
        matches!(
            called,
            Err(Fault::Connect(ConnectError::Timeout(
                ConnectPhase::Handshake
            )))
        ),
        "{called:?}"
    );
    assert!(since.elapsed() < SHARED, "{:?}", since.elapsed());
}

/// A server must not wait for a refused client that sends without end. Such a client keeps the
/// socket readable, so no read waits.
pub fn a_client_that_floods_the_tls_handshake_is_dropped<S: Suite>() {
    let (address, running) = super::echo_server::<S>(acceptor::<S>());
    let peer = RawPeer::connect(address);
    let mut writer = peer.writer();
    let floods = thread::spawn(move || {
        let start = Instant::now();
        // Application data before a handshake is an error of TLS.
        let junk = b"\x17\x03\x03\x00\x01x".repeat(10_000);
        while writer.write_all(&junk).is_ok() {
            assert!(start.elapsed() < TOO_LONG, "the server keeps reading");
        }
    });
    let served = running.finish();
    assert!(
        matches!(served, Err(Fault::Accept(AcceptError::Tls(_)))),
        "{served:?}"
    );
    floods.join().expect("the server ends the connection");
    drop(peer);
}
