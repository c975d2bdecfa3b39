//! The options of the sockets of a client, read from the sockets themselves.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::SockRef;
use ws_driver::{ConnectError, SocketOptions, TcpKeepalive, Unreachable};

use super::*;
use crate::suite::Stream;

/// Connects with options to an echo server. Passes the socket of the client to `check`.
fn connected<S: Suite>(options: SocketOptions, check: impl FnOnce(SockRef<'_>))
where
    Stream<S>: AsFd,
{
    let (address, served) = echo_server::<S>("ws");
    S::block_on(async {
        let connector = Connector::<S>::new().socket_options(options);
        let mut ws = connector.connect(format!("ws://{address}/")).await.unwrap();
        let transport = ws.get_ref().expect("an open connection");
        check(SockRef::from(transport.tcp().expect("a TCP stream")));
        assert_eq!(ws.peer_addr(), Some(address));
        assert_echoes::<S>(&mut ws).await;
    });
    served.finish().expect("a clean end");
}

/// Each option is in effect alone, and all are together. `TCP_NODELAY` is always set.
///
/// # Panics
///
/// If the test fails.
pub fn socket_options_are_in_effect<S: Suite>()
where
    Stream<S>: AsFd,
{
    connected::<S>(SocketOptions::new(), |socket| {
        assert!(socket.tcp_nodelay().unwrap());
        assert!(!socket.keepalive().unwrap());
    });

    let keepalive = TcpKeepalive::new()
        .idle(Duration::from_secs(77))
        .interval(Duration::from_secs(11))
        .retries(4);
    connected::<S>(
        SocketOptions::new().keepalive(keepalive.clone()),
        |socket| {
            assert!(socket.tcp_nodelay().unwrap());
            assert!(socket.keepalive().unwrap());
            assert_eq!(
                socket.tcp_keepalive_time().unwrap(),
                Duration::from_secs(77)
            );
            assert_eq!(
                socket.tcp_keepalive_interval().unwrap(),
                Duration::from_secs(11)
            );
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), 4);
        },
    );
    // The times are the defaults of the system.
    connected::<S>(
        SocketOptions::new().keepalive(TcpKeepalive::new()),
        |socket| assert!(socket.keepalive().unwrap()),
    );

    // Linux doubles the sizes.
    let double = if cfg!(target_os = "linux") { 2 } else { 1 };
    connected::<S>(SocketOptions::new().receive_buffer(20_000), |socket| {
        assert_eq!(socket.recv_buffer_size().unwrap(), 20_000 * double);
    });
    connected::<S>(SocketOptions::new().send_buffer(30_000), |socket| {
        assert_eq!(socket.send_buffer_size().unwrap(), 30_000 * double);
    });

    let all = SocketOptions::new()
        .keepalive(keepalive)
        .receive_buffer(20_000)
        .send_buffer(30_000)
        .local_address([127, 0, 0, 1]);
    connected::<S>(all, |socket| {
        assert!(socket.tcp_nodelay().unwrap() && socket.keepalive().unwrap());
        assert_eq!(socket.recv_buffer_size().unwrap(), 20_000 * double);
        assert_eq!(socket.send_buffer_size().unwrap(), 30_000 * double);
    });

    // Other systems have one loopback address, and bind to interfaces in other ways.
    #[cfg(target_os = "linux")]
    {
        let local = std::net::IpAddr::from([127, 0, 0, 2]);
        connected::<S>(SocketOptions::new().local_address(local), |socket| {
            let address = socket.local_addr().unwrap().as_socket().unwrap();
            assert_eq!(address.ip(), local);
            assert!(socket.tcp_nodelay().unwrap());
        });
        connected::<S>(SocketOptions::new().interface("lo"), |socket| {
            assert_eq!(socket.device().unwrap().as_deref(), Some(&b"lo"[..]));
        });
    }
}

/// Connects with options. Returns the errors of all addresses.
fn failures<S: Suite>(options: SocketOptions, url: &str) -> Unreachable {
    let connector = Connector::<S>::new().socket_options(options);
    match S::block_on(connector.connect(url)) {
        Err(ConnectError::Unreachable(unreachable)) => unreachable,
        other => panic!("{other:?}"),
    }
}

/// Connects with options. Returns the kinds of the errors of all addresses.
fn kinds<S: Suite>(options: SocketOptions, url: &str) -> Vec<io::ErrorKind> {
    let unreachable = failures::<S>(options, url);
    let failed = unreachable.addresses().iter();
    failed.map(|failed| failed.error.kind()).collect()
}

/// A refusal is no connection, although the attempt began.
///
/// # Panics
///
/// If the test fails.
pub fn a_refused_connection_with_options_is_refused<S: Suite>() {
    let refusing = Refusing::new();
    let url = format!("ws://{}/", refusing.address);
    for options in [
        SocketOptions::new().receive_buffer(20_000),
        SocketOptions::new().keepalive(TcpKeepalive::new()),
        SocketOptions::new().local_address([127, 0, 0, 1]),
    ] {
        for _ in 0..20 {
            let failed = kinds::<S>(options.clone(), &url);
            assert_eq!(failed, [io::ErrorKind::ConnectionRefused], "{options:?}");
        }
    }
}

/// An option that cannot be set is an error. The server sees no connection.
///
/// # Panics
///
/// If the test fails.
pub fn options_that_cannot_be_set_are_errors_of_the_attempt<S: Suite>() {
    let (listener, address) = crate::socket::listen();
    let url = format!("ws://{address}/");
    // An address for documentation (RFC 5737 §3).
    let options = SocketOptions::new().local_address([192, 0, 2, 1]);
    assert_eq!(kinds::<S>(options, &url), [io::ErrorKind::AddrNotAvailable]);
    // The address has the other family.
    let options = SocketOptions::new().local_address(std::net::Ipv6Addr::LOCALHOST);
    assert_eq!(kinds::<S>(options, &url).len(), 1);
    #[cfg(target_os = "linux")]
    for (name, expected) in interfaces() {
        let unreachable = failures::<S>(SocketOptions::new().interface(&*name), &url);
        let [failed] = unreachable.addresses() else {
            panic!("{name:?}: {unreachable:?}");
        };
        let failed = &failed.error;
        match expected {
            Refusal::Name => assert_eq!(failed.kind(), io::ErrorKind::InvalidInput, "{name:?}"),
            Refusal::NoDevice => assert_eq!(failed.raw_os_error(), Some(ENODEV), "{name:?}"),
        }
    }
    assert_unused(&listener);
}

/// No device has this name (`errno(3)`).
#[cfg(target_os = "linux")]
const ENODEV: i32 = 19;

/// The reason why the name of an interface is refused.
#[cfg(target_os = "linux")]
enum Refusal {
    /// No interface can have the name.
    Name,
    /// No interface has the name.
    NoDevice,
}

/// Returns names that select no interface. The kernel would read some of them as `lo`.
#[cfg(target_os = "linux")]
fn interfaces() -> Vec<(String, Refusal)> {
    let mut names = vec![
        ("no-such-device".to_owned(), Refusal::NoDevice),
        (String::new(), Refusal::Name),
        ("a name with 23 bytes ..".to_owned(), Refusal::Name),
    ];
    for part in ["\r", "\n", "\r\n"] {
        for name in [
            format!("{part}lo"),
            format!("l{part}o"),
            format!("lo{part}"),
        ] {
            names.push((name, Refusal::NoDevice));
        }
    }
    for name in ["\0", "\0lo", "l\0o", "lo\0", "lo\0x"] {
        names.push((name.to_owned(), Refusal::Name));
    }
    names
}
