//! Several listeners on one port.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// The number of connections that may wait to be accepted. The operating system caps it, on Linux
/// at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// Makes `count` listeners on one address, with `SO_REUSEPORT`. Port 0 selects a free port, which
/// all of them share.
///
/// Linux and DragonFly BSD distribute new connections evenly over the listeners. So each thread can
/// have its own runtime and accept its own connections. On other systems, for instance macOS and
/// FreeBSD, usually one listener gets all connections. Share a listener there, with
/// [`TcpListener::try_clone`].
///
/// Keep all listeners open while the server runs. The system resets the connections that wait in
/// the queue of a listener that is closed.
///
/// The listeners do not block, as runtimes require. This function exists only on Unix, and not on
/// illumos and Solaris, which have no `SO_REUSEPORT`.
///
/// # Errors
///
/// Every error of the system, for instance [`io::ErrorKind::AddrInUse`]. There is no error if the
/// port belongs to another program of the same user that also uses `SO_REUSEPORT`: it then shares
/// the connections.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let listeners = ws_tokio::listen::reuse_port("127.0.0.1:0".parse().unwrap(), 4)?;
/// assert_eq!(listeners.len(), 4);
/// assert_eq!(listeners[3].local_addr()?, listeners[0].local_addr()?);
/// # Ok(())
/// # }
/// ```
pub fn reuse_port(mut address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for _ in 0..count {
        let listener = listen(address)?;
        address.set_port(listener.local_addr()?.port());
        listeners.push(listener);
    }
    Ok(listeners)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // As std does on Unix: a server that restarts can bind although old connections linger in
    // TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
