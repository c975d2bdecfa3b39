//! The addresses of a server, and the resolver of the caller.

use std::io;
use std::net::{Ipv6Addr, TcpListener};
use std::sync::{Arc, Mutex};

use ws_driver::ConnectError;

use super::*;

/// The names and ports that were resolved.
type Calls = Arc<Mutex<Vec<(String, u16)>>>;

/// Resolves every name to `addresses`. Also returns the list of the calls.
fn resolving<S: Suite>(
    connector: Connector<S>,
    addresses: Vec<SocketAddr>,
) -> (Connector<S>, Calls) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let called = Arc::clone(&calls);
    let connector = connector.resolver(move |host, port| {
        called.lock().expect("no panic").push((host, port));
        let addresses = addresses.clone();
        async move { Ok(addresses) }
    });
    (connector, calls)
}

/// The third address of a server is used if the first two refuse.
///
/// # Panics
///
/// If the test fails.
pub fn a_later_address_is_used_if_the_first_ones_refuse<S: Suite>() {
    for scheme in ["ws", "wss"] {
        let (address, served) = echo_server::<S>(scheme);
        let refusing = [Refusing::new(), Refusing::new()];
        let addresses = vec![refusing[0].address, refusing[1].address, address];
        let (connector, calls) = resolving::<S>(connector::<S>(), addresses);
        S::block_on(async {
            // The name is in the certificate. The port of the URL is not the port of an address.
            let connected = connector.connect(format!("{scheme}://localhost:4711/"));
            let mut ws = connected.await.expect("the third address");
            assert_eq!(ws.peer_addr(), Some(address));
            assert_echoes::<S>(&mut ws).await;
        });
        assert_eq!(*calls.lock().unwrap(), [("localhost".to_owned(), 4711)]);
        served.finish().expect("a clean end");
    }
}

/// If every address refuses, the error has every address and its error.
///
/// # Panics
///
/// If the test fails.
pub fn every_address_that_refuses_is_named<S: Suite>() {
    let refusing: Vec<_> = (0..3).map(|_| Refusing::new()).collect();
    let addresses: Vec<_> = refusing.iter().map(|refusing| refusing.address).collect();
    let (connector, _) = resolving::<S>(connector::<S>(), addresses.clone());
    let error = S::block_on(connector.connect("ws://server.invalid/")).expect_err("a refusal");
    let text = error.to_string();
    assert!(error.is_disconnect() && !error.is_timeout(), "{text}");
    let ConnectError::Unreachable(unreachable) = error else {
        panic!("{error:?}");
    };
    let failed = unreachable.addresses();
    for failed in failed {
        assert_eq!(failed.error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(text.contains(&failed.address.to_string()), "{text}");
    }
    let failed: Vec<_> = failed.iter().map(|failed| failed.address).collect();
    assert_eq!(failed, addresses);
}

/// An IP address in a URL is used without the resolver.
///
/// # Panics
///
/// If the test fails.
pub fn an_ip_address_is_not_resolved<S: Suite>() {
    for host in ["127.0.0.1", "::1"] {
        let address: std::net::IpAddr = host.parse().expect("an address");
        let listener = match TcpListener::bind((address, 0)) {
            Ok(listener) => listener,
            Err(error) => {
                assert!(address.is_ipv6(), "{error}");
                eprintln!("SKIPPED: this machine has no IPv6");
                continue;
            }
        };
        let address = listener.local_addr().expect("an address");
        let served = serve_listener::<S>(listener);
        let connector = Connector::<S>::new().resolver(|host, _| async move {
            Err(io::Error::other(format!("{host} is an address")))
        });
        S::block_on(async {
            // The text form of an IPv6 address with a port has brackets.
            let connected = connector.connect(format!("ws://{address}/")).await;
            let mut ws = connected.expect("no call of the resolver");
            assert_eq!(ws.peer_addr(), Some(address));
            assert_echoes::<S>(&mut ws).await;
        });
        served.finish().expect("a clean end");
    }
}

fn serve_listener<S: Suite>(listener: TcpListener) -> Running<Result<(), Fault>> {
    Running::start(move || {
        let (stream, _) = listener.accept().expect("a client");
        S::block_on(async move {
            let mut ws = Acceptor::<S>::new().accept(S::adopt(stream)).await?;
            Ok(echo(&mut ws).await?)
        })
    })
}

/// `localhost` reaches a server that listens at the IPv4 address only. This holds for the resolver
/// of the system, and for one that returns the IPv6 address first.
///
/// # Panics
///
/// If the test fails.
pub fn localhost_reaches_a_server_without_ipv6<S: Suite>() {
    for is_ipv6_first in [false, true] {
        let (address, served) = echo_server::<S>("ws");
        let mut connector = connector::<S>();
        if is_ipv6_first {
            let first = SocketAddr::from((Ipv6Addr::LOCALHOST, address.port()));
            connector = resolving::<S>(connector, vec![first, address]).0;
        }
        S::block_on(async {
            let url = format!("ws://localhost:{}/", address.port());
            let mut ws = connector.connect(url).await.expect("the IPv4 address");
            assert_eq!(ws.peer_addr(), Some(address));
            assert_echoes::<S>(&mut ws).await;
        });
        served.finish().expect("a clean end");
    }
}

/// The error of the resolver, and a name without addresses, are [`ConnectError::Resolve`].
///
/// # Panics
///
/// If the test fails.
pub fn an_error_of_the_resolver_is_reported<S: Suite>() {
    let failing = Connector::<S>::new()
        .resolver(|host, _| async move { Err(io::Error::other(format!("no zone for {host}"))) });
    let (empty, _) = resolving::<S>(Connector::<S>::new(), Vec::new());
    for (connector, kind, text) in [
        (failing, io::ErrorKind::Other, "no zone for server.invalid"),
        (empty, io::ErrorKind::NotFound, "cannot be resolved"),
    ] {
        let error = S::block_on(connector.connect("ws://server.invalid/"));
        let error = error.expect_err("no address");
        assert!(error.is_disconnect() && error.to_string().contains(text));
        match error {
            ConnectError::Resolve(error) => assert_eq!(error.kind(), kind),
            other => panic!("{other:?}"),
        }
    }
}
