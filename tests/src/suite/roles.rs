//! The same behaviour in either role: a connection to test as a client or as a server, and its peer.

use std::future::Future;
use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};
use ws_driver::Config;

use super::{Acceptor, Connector, Running, Suite, Ws};
use crate::socket::{self, RawPeer, TOO_LONG};
use crate::wire::{self, From};

/// A time limit that no test waits for.
pub(super) const FAR: Duration = Duration::from_secs(100);

/// The end under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    Server,
}

pub(super) const ROLES: [Role; 2] = [Role::Client, Role::Server];

impl Role {
    /// The role that the peer plays.
    pub(super) fn peer(self) -> From {
        match self {
            Self::Client => From::Server,
            Self::Server => From::Client,
        }
    }

    /// Opens a connection, which `act` gets; the peer, which has read nothing but the head.
    pub(super) fn open<S, R, F>(
        self,
        config: Config,
        act: impl FnOnce(Ws<S>) -> F + Send + 'static,
    ) -> (RawPeer, Running<R>)
    where
        S: Suite,
        R: Send + 'static,
        F: Future<Output = R>,
    {
        self.open_with::<S, R, F>(config, None, act)
    }

    /// As `open`, with the buffers of both sockets that large in both directions: the system would let default ones
    /// grow to megabytes.
    pub(super) fn open_with<S, R, F>(
        self,
        config: Config,
        buffers: Option<usize>,
        act: impl FnOnce(Ws<S>) -> F + Send + 'static,
    ) -> (RawPeer, Running<R>)
    where
        S: Suite,
        R: Send + 'static,
        F: Future<Output = R>,
    {
        let (listener, address) = socket::listen();
        // Those that it accepts have the same.
        limit(SockRef::from(&listener), buffers);
        match self {
            Self::Server => {
                // What the server says at once would lie behind its head in the memory of the peer.
                let opened = Signal::default();
                let is_opened = opened.clone();
                let running = Running::start(move || {
                    let (stream, _) = listener.accept().expect("a client");
                    S::block_on(async move {
                        let acceptor = Acceptor::<S>::new().config(config);
                        let ws = acceptor.accept(S::adopt(stream)).await;
                        let ws = ws.expect("the handshake");
                        is_opened.wait::<S>().await;
                        act(ws).await
                    })
                });
                let mut peer = RawPeer::new(connect(address, buffers));
                peer.send(&crate::http::request());
                let head = peer.read_head();
                assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
                opened.give();
                (peer, running)
            }
            Self::Client => {
                let running = Running::start(move || {
                    let stream = connect(address, buffers);
                    S::block_on(async move {
                        let connector = Connector::<S>::new().config(config);
                        let url = format!("ws://{address}/");
                        let ws = connector.handshake(&url, S::adopt(stream)).await;
                        act(ws.expect("the handshake")).await
                    })
                });
                let (stream, _) = listener.accept().expect("a client");
                let mut peer = RawPeer::new(stream);
                peer.answer();
                (peer, running)
            }
        }
    }
}

fn limit(socket: SockRef<'_>, buffers: Option<usize>) {
    if let Some(len) = buffers {
        socket.set_recv_buffer_size(len).expect("an option");
        socket.set_send_buffer_size(len).expect("an option");
    }
}

fn connect(address: SocketAddr, buffers: Option<usize>) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    // Before connecting, because the window is agreed on then.
    limit(SockRef::from(&socket), buffers);
    socket.connect(&address.into()).expect("a listener");
    socket.into()
}

/// Breaks the connection: the other end's writes fail, and what it has not read yet may still be there.
pub(super) fn reset(peer: RawPeer) {
    let linger = Some(Duration::ZERO);
    let set = SockRef::from(&peer.writer()).set_linger(linger);
    set.expect("an option");
    drop(peer);
}

/// A word between the thread of the test and the task of the connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Signal(Arc<AtomicBool>);

impl Signal {
    pub(super) fn give(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn is_given(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Waits on the runtime.
    pub(super) async fn wait<S: Suite>(&self) {
        let start = Instant::now();
        while !self.is_given() {
            assert!(start.elapsed() < TOO_LONG, "no signal");
            S::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits on a thread.
    pub(super) fn await_here(&self) {
        let start = Instant::now();
        while !self.is_given() {
            assert!(start.elapsed() < TOO_LONG, "no signal");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Reads frames of any length off a stream without keeping long payloads.
#[derive(Debug)]
pub(super) struct FrameReader {
    stream: io::BufReader<TcpStream>,
    scratch: Vec<u8>,
}

/// A frame that was read.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) opcode: u8,
    pub(super) fin: bool,
    pub(super) len: usize,
    /// Only that of a control frame.
    pub(super) control: Vec<u8>,
}

impl FrameReader {
    /// Begins where the peer has stopped, which must not have read any frame.
    pub(super) fn new(peer: &RawPeer) -> Self {
        Self {
            stream: io::BufReader::with_capacity(64 << 10, peer.writer()),
            scratch: vec![0; 64 << 10],
        }
    }

    /// The next frame.
    pub(super) fn next(&mut self) -> io::Result<Seen> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head)?;
        let len = match head[1] & 0x7f {
            126 => {
                let mut len = [0; 2];
                self.stream.read_exact(&mut len)?;
                usize::from(u16::from_be_bytes(len))
            }
            127 => {
                let mut len = [0; 8];
                self.stream.read_exact(&mut len)?;
                usize::try_from(u64::from_be_bytes(len)).expect("a length")
            }
            len => usize::from(len),
        };
        let mut key = [0; 4];
        if head[1] & 0x80 != 0 {
            self.stream.read_exact(&mut key)?;
        }
        let mut control = Vec::new();
        let mut left = len;
        while left > 0 {
            let part = left.min(self.scratch.len());
            let part = &mut self.scratch[..part];
            self.stream.read_exact(part)?;
            left -= part.len();
            if head[0] & 0x8 != 0 {
                let unmasked = part
                    .iter()
                    .zip(key.iter().cycle())
                    .map(|(byte, key)| byte ^ key);
                control.extend(unmasked);
            }
        }
        Ok(Seen {
            opcode: head[0] & 0xf,
            fin: head[0] & 0x80 != 0,
            len,
            control,
        })
    }

    /// The code of the Close that comes next, behind messages and other control frames.
    pub(super) fn close_code(&mut self) -> u16 {
        loop {
            let seen = self.next().expect("a Close");
            if seen.opcode == wire::CLOSE {
                return match seen.control[..] {
                    [high, low, ..] => u16::from_be_bytes([high, low]),
                    _ => 1005,
                };
            }
        }
    }
}
