//! Small proxies for tests: HTTP CONNECT, the same over TLS, and SOCKS5.
//!
//! They use threads of the standard library, and are written without the machines of this project.
//! So they reveal errors that both ends of such a machine would have in common.

mod http;
mod relay;
mod socks5;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConnection, StreamOwned};
use socket2::SockRef;

use crate::socket;
use crate::tls::{VERSIONS, server_config};
use relay::relay;

/// The protocol between a client and a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP CONNECT.
    Http,
    /// HTTP CONNECT over TLS.
    Https,
    /// SOCKS5.
    Socks5,
}

/// The behavior of a proxy after it has read a valid request.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Connects to the port of the request on this machine, whatever the host of the request is.
    /// Relays until one side ends.
    Relay,
    /// Relays as above. Ends both connections after this number of bytes to the client.
    CutAfter(usize),
    /// Relays as above. Resets the connection to the client after this number of bytes to it.
    ResetAfter(usize),
    /// Sends these bytes. Keeps the connection open until the client ends it.
    Answer(Vec<u8>),
    /// Sends these bytes and ends the connection.
    AnswerAndEnd(Vec<u8>),
}

/// The settings of a proxy.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The protocol.
    pub protocol: Protocol,
    /// The user name and the password that clients need.
    pub credentials: Option<(&'static str, &'static str)>,
    /// The behavior after a valid request.
    pub deed: Deed,
}

/// The request of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The host as the client wrote it.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The user name and the password that the client sent.
    pub credentials: Option<(String, String)>,
}

/// A proxy that serves one connection after the other until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    /// The address of the proxy.
    pub address: SocketAddr,
    is_stopped: Arc<AtomicBool>,
    serving: Option<JoinHandle<Vec<Seen>>>,
}

impl Proxy {
    /// Starts a proxy.
    #[must_use]
    pub fn start(plan: Plan) -> Self {
        let (listener, address) = socket::listen();
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&is_stopped);
        let serving = thread::spawn(move || serve(&listener, &plan, &stopped));
        Self {
            address,
            is_stopped,
            serving: Some(serving),
        }
    }

    /// Stops the proxy once the connection that it serves has ended. Returns the requests.
    ///
    /// # Panics
    ///
    /// If the proxy panicked.
    #[must_use]
    pub fn stop(mut self) -> Vec<Seen> {
        self.is_stopped.store(true, Ordering::SeqCst);
        let serving = self.serving.take().expect("stopped only once");
        serving.join().expect("the proxy does not panic")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::SeqCst);
    }
}

/// The time for which a thread sleeps before it looks again.
const TICK: Duration = Duration::from_millis(1);

/// A connection may fail at any time, because clients are dropped at any time.
fn serve(listener: &TcpListener, plan: &Plan, is_stopped: &AtomicBool) -> Vec<Seen> {
    listener.set_nonblocking(true).expect("the flag is set");
    let mut seen = Vec::new();
    while !is_stopped.load(Ordering::SeqCst) {
        let Ok((client, _)) = listener.accept() else {
            thread::sleep(TICK);
            continue;
        };
        client.set_nonblocking(false).expect("the flag is set");
        socket::configure(&client);
        let _ = serve_client(client, plan, &mut seen);
    }
    seen
}

fn serve_client(client: TcpStream, plan: &Plan, seen: &mut Vec<Seen>) -> io::Result<()> {
    let handle = client.try_clone()?;
    if plan.protocol == Protocol::Https {
        let session = ServerConnection::new(Arc::new(server_config(&VERSIONS)));
        let session = session.map_err(io::Error::other)?;
        serve_stream(StreamOwned::new(session, client), &handle, plan, seen)
    } else {
        serve_stream(client, &handle, plan, seen)
    }
}

/// Serves a client. `handle` is the TCP stream below `client`.
fn serve_stream(
    mut client: impl Read + Write,
    handle: &TcpStream,
    plan: &Plan,
    seen: &mut Vec<Seen>,
) -> io::Result<()> {
    let request = match plan.protocol {
        Protocol::Http | Protocol::Https => http::read_request(&mut client, plan.credentials)?,
        Protocol::Socks5 => socks5::read_request(&mut client, plan.credentials)?,
    };
    let Some(request) = request else {
        return wait_for_end(&mut client);
    };
    let port = request.port;
    seen.push(request);
    let max = match &plan.deed {
        Deed::Answer(answer) => {
            client.write_all(answer)?;
            client.flush()?;
            return wait_for_end(&mut client);
        }
        Deed::AnswerAndEnd(answer) => {
            client.write_all(answer)?;
            return client.flush();
        }
        Deed::Relay => usize::MAX,
        Deed::CutAfter(max) | Deed::ResetAfter(max) => *max,
    };
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    socket::configure(&server);
    match plan.protocol {
        Protocol::Http | Protocol::Https => http::accept(&mut client)?,
        Protocol::Socks5 => socks5::accept(&mut client)?,
    }
    relay(client, handle, server, max)?;
    if matches!(plan.deed, Deed::ResetAfter(_)) {
        SockRef::from(handle).set_linger(Some(Duration::ZERO))?;
    }
    Ok(())
}

/// Reads until the client ends the connection.
fn wait_for_end(client: &mut impl Read) -> io::Result<()> {
    let mut block = [0; 1024];
    while client.read(&mut block)? > 0 {}
    Ok(())
}

/// Reads one byte. The requests before a tunnel are read byte by byte, so that no byte of the
/// tunnel is read.
fn read_byte(client: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    client.read_exact(&mut byte)?;
    Ok(byte[0])
}
