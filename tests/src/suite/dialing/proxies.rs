//! Connections through proxies, and the choice of a proxy.

use std::collections::HashMap;

use ws_driver::handshake::{Proxies, Proxy as ProxyUrl};

use super::*;
use crate::proxy::{Deed, Plan, Protocol, Proxy, Seen};

/// The schemes of proxies, with the protocol and `true` if the proxy resolves names.
pub(super) const SCHEMES: [(&str, Protocol, bool); 4] = [
    ("http", Protocol::Http, true),
    ("https", Protocol::Https, true),
    ("socks5", Protocol::Socks5, false),
    ("socks5h", Protocol::Socks5, true),
];

/// A user name and a password with characters that a URL must encode, and both in a URL.
const SECRET: (&str, &str) = ("al@ce", "p:ss/ \u{e9}");
const ENCODED: &str = "al%40ce:p%3Ass%2F%20%C3%A9@";

pub(super) fn plan(protocol: Protocol, deed: Deed) -> Plan {
    Plan {
        protocol,
        credentials: None,
        deed,
    }
}

/// Returns the URL of a proxy. The certificates of the tests are valid for `localhost`.
pub(super) fn url(scheme: &str, userinfo: &str, address: SocketAddr) -> ProxyUrl {
    let url = format!("{scheme}://{userinfo}localhost:{}", address.port());
    ProxyUrl::parse(&url).expect("the URL of a proxy")
}

/// Messages pass through every kind of proxy, with and without TLS to the server and a password for
/// the proxy. Only the proxy resolves the name of the server, except for `socks5`.
///
/// # Panics
///
/// If the test fails.
pub fn messages_pass_through_every_proxy<S: Suite>() {
    for (scheme, protocol, is_remote) in SCHEMES {
        for (server_scheme, host) in [("ws", "server.invalid"), ("wss", "localhost")] {
            for credentials in [None, Some(SECRET)] {
                let (address, served) = echo_server::<S>(server_scheme);
                let proxy = Proxy::start(Plan {
                    protocol,
                    credentials,
                    deed: Deed::Relay,
                });
                let userinfo = credentials.map_or("", |_| ENCODED);
                let seen = echo_through::<S>(
                    url(scheme, userinfo, proxy.address),
                    &format!("{server_scheme}://{host}:{}/", address.port()),
                    proxy,
                    is_remote.then_some(host),
                );
                let expected = Seen {
                    host: if is_remote { host } else { "127.0.0.1" }.to_owned(),
                    port: address.port(),
                    credentials: credentials
                        .map(|(user, password)| (user.to_owned(), password.to_owned())),
                };
                assert_eq!(seen, [expected], "{scheme} {server_scheme}");
                served.finish().expect("a clean end");
            }
        }
    }
}

/// Connects through a proxy and echoes a message. Fails if the host `remote` is resolved. Returns
/// the requests that the proxy received.
fn echo_through<S: Suite>(
    url: ProxyUrl,
    server: &str,
    proxy: Proxy,
    remote: Option<&str>,
) -> Vec<Seen> {
    // The proxy itself has the name `localhost`, so this name may be resolved.
    let forbidden = remote
        .filter(|host| *host != "localhost")
        .map(str::to_owned);
    let connector = connector::<S>().proxy(url).resolver(move |host, port| {
        assert_ne!(Some(&host), forbidden.as_ref(), "the proxy resolves it");
        async move { Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]) }
    });
    let address = proxy.address;
    S::block_on(async {
        let mut ws = connector.connect(server).await.expect("a tunnel");
        assert_eq!(ws.peer_addr(), Some(address));
        assert_echoes::<S>(&mut ws).await;
    });
    proxy.stop()
}

/// An IP address reaches the proxy as it is written.
///
/// # Panics
///
/// If the test fails.
pub fn an_ip_address_is_passed_to_the_proxy<S: Suite>() {
    for (scheme, protocol, _) in SCHEMES {
        for (host, named) in [("127.0.0.9", "127.0.0.9"), ("[2001:db8::1]", "2001:db8::1")] {
            let (address, served) = echo_server::<S>("ws");
            let proxy = Proxy::start(plan(protocol, Deed::Relay));
            let server = format!("ws://{host}:{}/", address.port());
            let url = url(scheme, "", proxy.address);
            let seen = echo_through::<S>(url, &server, proxy, None);
            let is_socks = protocol == Protocol::Socks5;
            assert_eq!(seen[0].host, if is_socks { named } else { host });
            served.finish().expect("a clean end");
        }
    }
}

/// The variables choose a proxy by the scheme of the URL, and exclude servers.
///
/// # Panics
///
/// If the test fails.
pub fn variables_choose_the_proxy<S: Suite>() {
    let plain = Proxy::start(plan(Protocol::Http, Deed::Relay));
    let secure = Proxy::start(plan(Protocol::Socks5, Deed::Relay));
    let vars = HashMap::from([
        ("http_proxy", format!("http://{}", plain.address)),
        ("HTTPS_PROXY", format!("socks5h://{}", secure.address)),
        ("no_proxy", ".direct.test, 127.0.0.0/8".to_owned()),
    ]);
    let proxies = Proxies::from_vars(|name| vars.get(name).cloned()).expect("valid variables");
    let connector = connector::<S>()
        .proxy(proxies)
        .resolver(|_, port| async move { Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]) });
    for (scheme, host, proxy) in [
        ("ws", "server.test", Some(plain.address)),
        ("wss", "localhost", Some(secure.address)),
        ("ws", "direct.test", None),
        ("ws", "a.direct.test", None),
        ("wss", "127.0.0.1", None),
    ] {
        let (address, served) = echo_server::<S>(scheme);
        S::block_on(async {
            let connected = connector.connect(format!("{scheme}://{host}:{}/", address.port()));
            let mut ws = connected.await.expect("a server");
            assert_eq!(ws.peer_addr(), Some(proxy.unwrap_or(address)), "{host}");
            assert_echoes::<S>(&mut ws).await;
        });
        served.finish().expect("a clean end");
    }
    let hosts =
        |proxy: Proxy| -> Vec<_> { proxy.stop().into_iter().map(|seen| seen.host).collect() };
    assert_eq!(hosts(plain), ["server.test"]);
    assert_eq!(hosts(secure), ["localhost"]);
}
