//! The two roles of the end under test. Tests open a connection in either role with [`Role::open`].

use std::future::Future;
use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};
use ws_driver::Config;

use super::{Connector, Running, Suite, Ws, accept_with};
use crate::socket::{self, RawPeer, TOO_LONG};
use crate::wire::{self, From};

/// A timeout that no test waits for.
pub(super) const FAR: Duration = Duration::from_secs(100);

/// The role of the end under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    Server,
}

pub(super) const ROLES: [Role; 2] = [Role::Client, Role::Server];

impl Role {
    /// Returns the role of the peer, as the sender of its frames.
    pub(super) fn peer(self) -> From {
        match self {
            Self::Client => From::Server,
            Self::Server => From::Client,
        }
    }

    /// Opens a connection in this role and starts `act` with the connection. Returns the peer. The
    /// peer has read the head of the handshake and no frame.
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

    /// Opens a connection as [`open`](Self::open) does. `buffers` is the size of the buffers of
    /// both sockets in both directions. Default buffers can grow to megabytes.
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
        // Accepted sockets inherit the buffer sizes of the listener.
        limit(SockRef::from(&listener), buffers);
        match self {
            Self::Server => {
                // Wait until the peer has read the head. Otherwise the peer might read the first
                // frames together with the head.
                let opened = Signal::default();
                let is_opened = opened.clone();
                let running = Running::start(move || {
                    let (stream, _) = listener.accept().expect("a client");
                    S::block_on(async move {
                        let ws = accept_with::<S>(S::adopt(stream), config).await;
                        is_opened.wait::<S>().await;
                        act(ws).await
                    })
                });
                let mut peer = RawPeer::new(connect(address, buffers));
                peer.request(&crate::http::request());
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

/// Sets the size of both buffers of a socket.
pub(super) fn limit(socket: SockRef<'_>, buffers: Option<usize>) {
    if let Some(len) = buffers {
        socket.set_recv_buffer_size(len).expect("the option is set");
        socket.set_send_buffer_size(len).expect("the option is set");
    }
}

/// Connects to a listener, with buffers of this size.
pub(super) fn connect(address: SocketAddr, buffers: Option<usize>) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a new socket");
    // Set the sizes before connecting, because connecting negotiates the window.
    limit(SockRef::from(&socket), buffers);
    socket.connect(&address.into()).expect("a listener");
    socket.into()
}

/// Resets the connection. Afterwards, writes of the other end fail. The other end may still read
/// data that arrived before the reset.
pub(super) fn reset(peer: RawPeer) {
    let linger = Some(Duration::ZERO);
    let set = SockRef::from(&peer.writer()).set_linger(linger);
    set.expect("the option is set");
    drop(peer);
}

/// A signal between the thread of the test and the task of the connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Signal(Arc<AtomicBool>);

impl Signal {
    pub(super) fn give(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn is_given(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Waits for the signal without blocking the runtime.
    pub(super) async fn wait<S: Suite>(&self) {
        let start = Instant::now();
        while !self.is_given() {
            assert!(start.elapsed() < TOO_LONG, "no signal arrives in time");
            S::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits for the signal and blocks the thread.
    pub(super) fn await_here(&self) {
        let start = Instant::now();
        while !self.is_given() {
            assert!(start.elapsed() < TOO_LONG, "no signal arrives in time");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// A reader of frames of any length. It keeps only the payloads of control frames.
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
    /// The payload of a control frame. Empty for other frames.
    pub(super) control: Vec<u8>,
}

impl FrameReader {
    /// Returns a reader of the peer's stream. The peer must not have read any frame before.
    pub(super) fn new(peer: &RawPeer) -> Self {
        Self {
            stream: io::BufReader::with_capacity(64 << 10, peer.writer()),
            scratch: vec![0; 64 << 10],
        }
    }

    /// Reads the next frame.
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
                usize::try_from(u64::from_be_bytes(len)).expect("a length that fits into usize")
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

    /// Reads up to the next Close and returns its code. Skips messages and other control frames.
    pub(super) fn close_code(&mut self) -> u16 {
        loop {
            let seen = self.next().expect("a Close");
            if seen.opcode == wire::CLOSE {
                return wire::close_code(&seen.control);
            }
        }
    }
}
