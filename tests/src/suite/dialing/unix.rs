//! Unix sockets.

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, io, process};

use ws_driver::ConnectError;

use super::*;

/// A path for a socket, which is deleted in the end.
pub(super) struct SocketPath(PathBuf);

impl SocketPath {
    /// The path is short, because the kernel allows about 100 bytes.
    pub(super) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ws-{}-{number}.sock", process::id());
        let path = env::temp_dir().join(name);
        let _ = fs::remove_file(&path);
        Self(path)
    }

    pub(super) fn get(&self) -> &Path {
        &self.0
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A client and a server of the same runtime exchange messages over a Unix socket, also with TLS.
///
/// # Panics
///
/// If the test fails.
pub fn a_unix_socket_connects_client_and_server<S: Suite>() {
    for scheme in ["ws", "wss"] {
        let path = SocketPath::new();
        let listener = UnixListener::bind(path.get()).expect("a path");
        let served: Running<Result<(), Fault>> = Running::start(move || {
            S::block_on(async move {
                let offer = S::read_unix(acceptor::<S>(scheme), listener).await?;
                assert_eq!(offer.headers()["host"], "localhost");
                let mut ws = offer.accept().await?;
                assert_eq!(ws.peer_addr(), None);
                Ok(echo(&mut ws).await?)
            })
        });
        // Neither the resolver nor the proxy is used.
        let refusing = Refusing::new();
        let proxy = format!("http://{}", refusing.address);
        let connector = connector::<S>()
            .unix_socket(path.get())
            .proxy(ws_driver::handshake::Proxy::parse(&proxy).expect("a URL"))
            .resolver(|host, _| async move { Err(io::Error::other(host)) });
        S::block_on(async {
            let connected = connector.connect(format!("{scheme}://localhost/")).await;
            let mut ws = connected.expect("a server");
            assert_eq!(ws.peer_addr(), None);
            assert_echoes::<S>(&mut ws).await;
        });
        served.finish().expect("a clean end");
    }
}

/// A path without a server is an error, and so is a path that no socket can have.
///
/// # Panics
///
/// If the test fails.
pub fn a_unix_socket_that_cannot_be_reached_is_an_error<S: Suite>() {
    let missing = SocketPath::new();
    let abandoned = SocketPath::new();
    drop(UnixListener::bind(abandoned.get()).expect("a path"));
    let directory = env::temp_dir();
    for (path, kind) in [
        (missing.get(), Some(io::ErrorKind::NotFound)),
        (abandoned.get(), Some(io::ErrorKind::ConnectionRefused)),
        (&directory, None),
        (Path::new("/tmp/a\0b"), Some(io::ErrorKind::InvalidInput)),
        (Path::new(&"x".repeat(200)), None),
    ] {
        let connector = connector::<S>().unix_socket(path);
        let error = S::block_on(connector.connect("ws://localhost/")).expect_err("no server");
        let is_disconnect = error.is_disconnect();
        let ConnectError::UnixSocket(error) = error else {
            panic!("{path:?}: {error:?}");
        };
        if let Some(kind) = kind {
            assert_eq!(error.kind(), kind, "{path:?}: {error:?}");
            assert_eq!(is_disconnect, kind != io::ErrorKind::InvalidInput);
        }
    }
}
