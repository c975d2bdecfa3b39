//! The sockets of every runtime: options, addresses, halves, timers, and streams that are not TCP.

#![forbid(unsafe_code)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::time::{Duration, Instant};

use ws_driver::transport::{AnyTransport, Runtime, Split, Timer, Transport, Wrap};
use ws_driver::{ConnectError, ConnectPhase};
use ws_tests::runtimes::{AsyncStdThreads, SmolThread, TokioThread};
use ws_tests::socket;
use ws_tests::suite::{Connector, Suite};

type Wrapped<S> = AnyTransport<<S as Suite>::Runtime>;

/// Returns both ends of a TCP connection: a transport of the runtime, and a blocking peer. Also
/// returns the address of the peer.
fn wrapped<S: Suite>() -> (Wrapped<S>, socket::RawPeer, SocketAddr) {
    let (listener, address) = socket::listen();
    let near = std::net::TcpStream::connect(address).unwrap();
    let (far, _) = listener.accept().unwrap();
    let peer = socket::RawPeer::new(far);
    (S::Runtime::wrap(S::adopt(near)), peer, address)
}

/// `localhost` resolves to IPv4, to IPv6 or to both, depending on the system. A server listens at
/// only one of the addresses.
fn every_address_of_a_host_is_tried<S: Suite>() {
    let localhost = ("localhost", 1).to_socket_addrs();
    let localhost: Vec<_> = localhost.into_iter().flatten().collect();
    for host in [IpAddr::V4(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
        let Ok(listener) = TcpListener::bind((host, 0)) else {
            // Some machines have no IPv6, but every machine has IPv4.
            assert!(host.is_ipv6());
            continue;
        };
        let address = listener.local_addr().unwrap();
        let is_named = localhost.iter().any(|named| named.ip() == host);
        assert_eq!(reaches::<S>(IpOrName::Name("localhost"), address), is_named);
        assert!(reaches::<S>(IpOrName::Ip(host), address));
    }
}

/// Connects to `host` at the port of `address`. Returns `true` if this reaches the server at
/// `address`, which never answers.
fn reaches<S: Suite>(host: IpOrName<'_>, address: SocketAddr) -> bool {
    let host = match host {
        IpOrName::Name(name) => name.to_owned(),
        IpOrName::Ip(IpAddr::V4(ip)) => ip.to_string(),
        IpOrName::Ip(IpAddr::V6(ip)) => format!("[{ip}]"),
    };
    let connector = Connector::<S>::new().handshake_timeout(Duration::from_secs(1));
    let url = format!("ws://{host}:{}/", address.port());
    match S::block_on(connector.connect(&url)) {
        Err(ConnectError::Timeout(ConnectPhase::Handshake)) => true,
        Err(ConnectError::Unreachable(_)) => false,
        other => panic!("{other:?}"),
    }
}

enum IpOrName<'a> {
    Ip(IpAddr),
    Name(&'a str),
}

/// The name has a label of more than 63 bytes, which is not allowed (RFC 1035 §2.3.4). So the
/// resolver asks no name server, which could be slow.
fn a_name_that_does_not_resolve_is_an_error<S: Suite>() {
    let url = format!("ws://{}.invalid/", "x".repeat(64));
    let connected = S::block_on(Connector::<S>::new().connect(&url));
    assert!(
        matches!(&connected, Err(error @ ConnectError::Resolve(_)) if error.is_disconnect()),
        "{connected:?}"
    );
}

/// Callers that open TCP connections themselves use these methods of `Runtime`.
fn a_runtime_resolves_a_host_and_connects_to_an_address<S: Suite>() {
    let (_listener, address) = socket::listen();
    S::block_on(async {
        let addresses = S::Runtime::resolve("127.0.0.1", address.port()).await;
        assert_eq!(addresses.unwrap(), [address]);
        let stream = S::Runtime::connect_tcp(address).await.unwrap();
        assert_eq!(S::Runtime::wrap(stream).peer_addr(), Some(address));
    });
}

fn a_transport_returns_the_address_of_the_peer<S: Suite>() {
    S::block_on(async {
        let (near, _far, address) = wrapped::<S>();
        assert_eq!(near.peer_addr(), Some(address));
    });
}

/// The receiving half still exists, so the socket is still open.
fn a_dropped_sending_half_ends_its_direction<S: Suite>() {
    S::block_on(async {
        let (near, mut far, _) = wrapped::<S>();
        let (read, write) = near.split();
        drop(write);
        assert_eq!(far.read_to_end().1, socket::Ending::Eof);
        drop(read);
    });
}

fn only_halves_of_one_socket_are_reunited<S: Suite>() {
    S::block_on(async {
        let (one, mut far, address) = wrapped::<S>();
        let (other, _far, _) = wrapped::<S>();
        let (read, write) = one.split();
        let one = Wrapped::<S>::reunite(read, write).unwrap();
        assert_eq!(one.peer_addr(), Some(address));
        let (read, write) = one.split();
        let (foreign, _write) = other.split();
        assert!(Wrapped::<S>::reunite(foreign, write).is_none());
        drop(read);
        assert_eq!(far.read_to_end().1, socket::Ending::Eof);
    });
}

/// A timer is ready after its deadline, and stays ready until it is reset (see `Timer`).
fn a_timer_expires_and_can_be_reset<S: Suite>() {
    type TimerOf<S> = <<S as Suite>::Runtime as Runtime>::Timer;
    S::block_on(async {
        let start = Instant::now();
        let short = Duration::from_millis(30);
        let mut timer = TimerOf::<S>::at(TimerOf::<S>::after(Duration::from_secs(1000)));
        let poll = std::future::poll_fn(|cx| std::task::Poll::Ready(timer.poll(cx).is_ready()));
        assert!(!poll.await);
        for turn in 1..=3 {
            timer.reset(TimerOf::<S>::after(short));
            std::future::poll_fn(|cx| timer.poll(cx)).await;
            assert!(start.elapsed() >= short * turn);
            std::future::poll_fn(|cx| timer.poll(cx)).await;
        }
        // A deadline in the past expires at once. A deadline after `Duration::MAX` does not
        // overflow.
        timer.reset(start);
        std::future::poll_fn(|cx| timer.poll(cx)).await;
        timer.reset(TimerOf::<S>::after(Duration::MAX));
        let poll = std::future::poll_fn(|cx| std::task::Poll::Ready(timer.poll(cx).is_ready()));
        assert!(!poll.await);
        assert!(start.elapsed() < Duration::from_secs(500));
    });
}

fn a_silent_server_ends_connect_after_the_handshake_timeout<S: Suite>() {
    let (listener, address) = socket::listen();
    let start = Instant::now();
    let connector = Connector::<S>::new().handshake_timeout(Duration::from_millis(100));
    let connected = S::block_on(connector.connect(&format!("ws://{address}/")));
    assert!(
        matches!(
            connected,
            Err(ConnectError::Timeout(ConnectPhase::Handshake))
        ),
        "{connected:?}"
    );
    // The default timeout is 10 s.
    assert!(start.elapsed() < Duration::from_secs(10));
    drop(listener);
}

macro_rules! on {
    ($suite:ident, $module:ident: $($behavior:ident,)*) => {
        mod $module {
            use super::*;
            $(
                #[test]
                fn $behavior() {
                    super::$behavior::<$suite>();
                }
            )*
        }
    };
    ($($suite:ident, $module:ident;)*) => {
        $(on! { $suite, $module:
            every_address_of_a_host_is_tried,
            a_name_that_does_not_resolve_is_an_error,
            a_runtime_resolves_a_host_and_connects_to_an_address,
            a_transport_returns_the_address_of_the_peer,
            a_dropped_sending_half_ends_its_direction,
            only_halves_of_one_socket_are_reunited,
            a_timer_expires_and_can_be_reset,
            a_silent_server_ends_connect_after_the_handshake_timeout,
        })*
    };
}

on! {
    AsyncStdThreads, on_async_std;
    SmolThread, on_smol;
    TokioThread, on_tokio;
}

/// `TCP_NODELAY` is set, so that small segments are sent at once.
#[test]
fn tcp_has_no_delay() {
    SmolThread::block_on(async {
        let (transport, ..) = wrapped::<SmolThread>();
        assert!(transport.tcp().unwrap().nodelay().unwrap());
    });
    AsyncStdThreads::block_on(async {
        let (transport, ..) = wrapped::<AsyncStdThreads>();
        assert!(transport.tcp().unwrap().nodelay().unwrap());
    });
    TokioThread::block_on(async {
        let (transport, ..) = wrapped::<TokioThread>();
        assert!(transport.tcp().unwrap().nodelay().unwrap());
    });
}

/// A conversation over Unix sockets. The client splits and reunites its connection. Both ends close
/// cleanly and without a delay.
#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::unix::net::UnixStream;

    use futures_util::future::{join, try_join};
    use ws_driver::{CloseCode, Config, Error, WebSocket};
    use ws_tests::fault::Fault;
    use ws_tests::socket::TOO_LONG;

    use super::*;

    async fn echo<T: Transport>(mut ws: WebSocket<T>) -> Result<(), Error> {
        while let Some((message, out)) = ws.recv_ref().await? {
            out.feed(message).await?;
        }
        assert!(ws.end().unwrap().clean);
        Ok(())
    }

    async fn exchange<T: Split>(ws: WebSocket<T>) -> Result<(), Error> {
        assert_eq!(ws.peer_addr(), None);
        let (mut tx, mut rx) = ws.split();
        let large = vec![3; 300_000];
        let sending = async { tx.send(&large).await };
        let receiving = async { rx.recv().await };
        let ((), received) = try_join(sending, receiving).await?;
        assert!(received.unwrap().as_bytes() == large);
        let mut ws = rx.reunite(tx).unwrap();
        ws.send("hello").await?;
        assert_eq!(ws.recv().await?.unwrap().as_text(), Some("hello"));
        ws.close(CloseCode::NORMAL, "bye").await?;
        assert!(ws.end().unwrap().clean);
        Ok(())
    }

    async fn converse<R, S>(near: S, far: S) -> Result<(), Fault>
    where
        R: Wrap<S>,
    {
        let start = Instant::now();
        // This timeout is much longer than the test may take, so a wait for it fails the test.
        let config = Config::default().close_timeout(4 * TOO_LONG);
        let (connector, acceptor) = (
            ws_driver::Connector::<R>::new().config(config.clone()),
            ws_driver::Acceptor::<R>::new().config(config),
        );
        let client = connector.handshake("ws://server.example.com/", near);
        let (client, server) = join(client, acceptor.accept(far)).await;
        let (client, server) = (client?, server?);
        try_join(exchange(client), echo(server)).await?;
        assert!(
            start.elapsed() < TOO_LONG,
            "the closing handshake did not end a direction"
        );
        Ok(())
    }

    fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (near, far) = UnixStream::pair()?;
        near.set_nonblocking(true)?;
        far.set_nonblocking(true)?;
        Ok((near, far))
    }

    #[test]
    fn unix_sockets_on_async_std() {
        AsyncStdThreads::block_on(async {
            let (near, far) = pair().unwrap();
            converse::<ws_async_std::AsyncStd, async_std::os::unix::net::UnixStream>(
                near.into(),
                far.into(),
            )
            .await
            .unwrap();
        });
    }

    #[test]
    fn unix_sockets_on_smol() {
        SmolThread::block_on(async {
            let (near, far) = pair().unwrap();
            let (near, far) = (near.try_into().unwrap(), far.try_into().unwrap());
            converse::<ws_smol::Smol, smol::net::unix::UnixStream>(near, far)
                .await
                .unwrap();
        });
    }

    #[test]
    fn unix_sockets_on_tokio() {
        TokioThread::block_on(async {
            let (near, far) = pair().unwrap();
            let adopt = tokio::net::UnixStream::from_std;
            converse::<ws_tokio::Tokio, _>(adopt(near).unwrap(), adopt(far).unwrap())
                .await
                .unwrap();
        });
    }
}
