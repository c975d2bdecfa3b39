//! Options of TCP sockets that connect.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::transport::Runtime;

/// Options of the TCP sockets with which a client connects.
///
/// An option that is not set has the default of the operating system. An option that cannot be set
/// is an error of the attempt, which [`Unreachable`](crate::Unreachable) reports.
///
/// `TCP_NODELAY` is always set, so that small segments are sent without delay. To clear it, use the
/// stream of the connection: [`WebSocket::get_ref`](crate::WebSocket::get_ref).
///
/// ```
/// use std::time::Duration;
/// use ws_tokio::{Connector, SocketOptions, TcpKeepalive};
///
/// let keepalive = TcpKeepalive::new()
///     .idle(Duration::from_secs(60))
///     .interval(Duration::from_secs(10));
/// let options = SocketOptions::new()
///     .keepalive(keepalive)
///     .receive_buffer(256 * 1024)
///     .local_address([127, 0, 0, 1]);
/// let connector = Connector::new().socket_options(options);
/// # drop(connector);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketOptions {
    keepalive: Option<TcpKeepalive>,
    receive_buffer: Option<usize>,
    send_buffer: Option<usize>,
    local_address: Option<IpAddr>,
    interface: Option<String>,
}

impl SocketOptions {
    /// Makes options that change nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends keepalive probes of TCP (`SO_KEEPALIVE`).
    ///
    /// [`Config::keepalive`](crate::Config::keepalive) sends Pings instead. Pings also find a peer
    /// whose program hangs, and they pass through proxies.
    #[must_use]
    pub fn keepalive(mut self, keepalive: TcpKeepalive) -> Self {
        self.keepalive = Some(keepalive);
        self
    }

    /// Sets the size of the receive buffer in bytes (`SO_RCVBUF`). Linux doubles the size.
    #[must_use]
    pub fn receive_buffer(mut self, len: usize) -> Self {
        self.receive_buffer = Some(len);
        self
    }

    /// Sets the size of the send buffer in bytes (`SO_SNDBUF`). Linux doubles the size.
    #[must_use]
    pub fn send_buffer(mut self, len: usize) -> Self {
        self.send_buffer = Some(len);
        self
    }

    /// Connects from this address. Addresses of the server that are of the other family cannot be
    /// reached then.
    #[must_use]
    pub fn local_address(mut self, address: impl Into<IpAddr>) -> Self {
        self.local_address = Some(address.into());
        self
    }

    /// Connects through the network interface with this name (`SO_BINDTODEVICE`). Before Linux 5.7,
    /// this requires the capability `CAP_NET_RAW`.
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    #[must_use]
    pub fn interface(mut self, name: impl Into<String>) -> Self {
        self.interface = Some(name.into());
        self
    }

    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Connects a socket with these options.
    pub(super) async fn connect<R: Runtime>(
        &self,
        address: SocketAddr,
    ) -> io::Result<R::TcpStream> {
        let socket = self.socket(address)?;
        match socket.connect(&address.into()) {
            Err(error) if !is_in_progress(&error) => return Err(error),
            _ => {}
        }
        R::await_connection(socket.into()).await
    }

    /// Makes a non-blocking socket for connecting to `address`.
    fn socket(&self, address: SocketAddr) -> io::Result<Socket> {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        if let Some(keepalive) = &self.keepalive {
            socket.set_tcp_keepalive(&keepalive.to_socket2())?;
        }
        if let Some(len) = self.receive_buffer {
            socket.set_recv_buffer_size(checked_len(len)?)?;
        }
        if let Some(len) = self.send_buffer {
            socket.set_send_buffer_size(checked_len(len)?)?;
        }
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        if let Some(name) = &self.interface {
            bind_to_interface(&socket, name)?;
        }
        if let Some(address) = self.local_address {
            socket.bind(&SocketAddr::new(address, 0).into())?;
        }
        Ok(socket)
    }
}

/// Returns the size of a buffer if the operating system can represent it. Its type is `int`.
fn checked_len(len: usize) -> io::Result<usize> {
    match i32::try_from(len) {
        Ok(_) => Ok(len),
        Err(_) => {
            let text = format!("the size of a socket buffer is at most {} bytes", i32::MAX);
            Err(io::Error::new(io::ErrorKind::InvalidInput, text))
        }
    }
}

/// Binds the socket to the interface with this name.
///
/// Linux ignores what follows a NUL or the 15th byte, so such a name could select another
/// interface. An empty name would select none.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
fn bind_to_interface(socket: &Socket, name: &str) -> io::Result<()> {
    if name.is_empty() || name.len() >= libc::IFNAMSIZ || name.contains('\0') {
        let text = format!("{name:?} is not the name of an interface; use 1 to 15 bytes, no NUL");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    socket.bind_device(Some(name.as_bytes()))
}

/// Returns `true` if a non-blocking connection attempt has begun.
fn is_in_progress(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(libc::EINPROGRESS) {
        return true;
    }
    error.kind() == io::ErrorKind::WouldBlock
}

/// The times of the keepalive probes of TCP.
///
/// A time that is not set has the default of the operating system. A time is rounded down to
/// seconds on most platforms. Less than a second is then an error of the attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TcpKeepalive {
    idle: Option<Duration>,
    interval: Option<Duration>,
    retries: Option<u32>,
}

impl TcpKeepalive {
    /// Makes settings that change no time.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time without traffic before the first probe (`TCP_KEEPIDLE`).
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    /// Sets the time between two probes (`TCP_KEEPINTVL`). Some platforms ignore it.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// Sets the number of probes without an answer that end the connection (`TCP_KEEPCNT`). Some
    /// platforms ignore it.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    fn to_socket2(&self) -> socket2::TcpKeepalive {
        let mut keepalive = socket2::TcpKeepalive::new();
        if let Some(idle) = self.idle {
            keepalive = keepalive.with_time(idle);
        }
        #[cfg(any(
            target_os = "android",
            target_os = "freebsd",
            target_os = "linux",
            target_vendor = "apple",
            windows,
        ))]
        if let Some(interval) = self.interval {
            keepalive = keepalive.with_interval(interval);
        }
        #[cfg(any(
            target_os = "android",
            target_os = "freebsd",
            target_os = "linux",
            target_vendor = "apple",
        ))]
        if let Some(retries) = self.retries {
            keepalive = keepalive.with_retries(retries);
        }
        keepalive
    }
}
