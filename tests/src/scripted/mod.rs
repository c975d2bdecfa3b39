//! A transport in memory for the tests of the driver. A test controls when and in which pieces each
//! operation completes, and whether it fails.
//!
//! [`ws_driver::testing::Script`] has fewer features: it does not record operations, it does not
//! delay wake-ups, and its halves share a lock.

mod connections;
mod hello;
pub mod network;
mod operations;
mod peer;
mod server;
mod shape;

pub use connections::{
    End, Ws, answered, client, halves, queued, receive_all, server, server_with,
};
pub use hello::Hello;
pub use server::Server;
pub use shape::{Shape, Whole};

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ws_driver::transport::{AnyTransport, Runtime, Split, Transport, Wrap};

use crate::clock::ManualTimer;
use network::Place;

/// A runtime without I/O and with virtual time. It connects over the [`network`] of the thread.
#[derive(Clone, Copy, Debug)]
pub struct Manual;

impl Runtime for Manual {
    type Timer = ManualTimer;
    type TcpStream = Scripted;
    type Tcp = Scripted;

    fn tcp(stream: Scripted) -> Scripted {
        stream
    }

    async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        network::resolve(host, port).await
    }

    async fn connect_tcp(address: SocketAddr) -> io::Result<Scripted> {
        network::connect(Place::Tcp(address)).await
    }

    async fn connect_unix(path: &Path) -> io::Result<AnyTransport<Self>> {
        let stream = network::connect(Place::Unix(path.to_owned())).await?;
        // Another type than the stream of TCP, as in the adapters.
        Ok(AnyTransport::new(Box::new(stream)))
    }
}

impl Wrap<Scripted> for Manual {
    fn wrap(stream: Scripted) -> AnyTransport<Self> {
        AnyTransport::from_stream(stream, |stream| stream)
    }
}

impl AsRef<Self> for Scripted {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// The scripted transport.
#[derive(Debug)]
pub struct Scripted {
    read: ScriptedRead,
    write: ScriptedWrite,
}

/// The receiving half of [`Scripted`].
#[derive(Debug)]
pub struct ScriptedRead(Arc<Mutex<State>>);

/// The sending half of [`Scripted`].
#[derive(Debug)]
pub struct ScriptedWrite(Arc<Mutex<State>>);

/// The other end of [`Scripted`]. A test uses the peer to control the transport and to inspect the
/// operations of the transport.
#[derive(Clone, Debug)]
pub struct Peer(Arc<Mutex<State>>);

/// The end of the input.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Eof,
    Error(io::ErrorKind),
}

/// A fault of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The operation fails, and so do all later operations in its direction.
    Fail,
    /// The operation is pending forever, and so are all later operations in its direction.
    Stick,
    /// The operation moves at most one byte.
    Shorten,
    /// The operation is interrupted once. Only reads and writes can be interrupted.
    Interrupt,
}

/// A completed operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A read.
    Read {
        /// The number of bytes that were read.
        got: usize,
        /// The length of the buffer.
        room: usize,
    },
    /// A write.
    Write {
        /// The number of bytes that were taken.
        len: usize,
        /// The number of slices that were offered.
        slices: usize,
    },
    /// A flush.
    Flush,
    /// A shutdown of the sending direction.
    Shutdown,
}

#[derive(Clone, Copy, Debug)]
enum Direction {
    In,
    Out,
}

#[derive(Debug)]
struct State {
    /// The address of the peer.
    address: Option<SocketAddr>,
    /// The input. One read returns at most one segment.
    segments: VecDeque<Vec<u8>>,
    /// The segment that is read repeatedly when no other segment is left.
    endless: Vec<u8>,
    ending: Option<Ending>,
    output: Vec<u8>,
    /// The number of bytes that the peer still takes. Writes are pending while this is 0.
    window: usize,
    /// The number of reads that are left before the input ends. `None` if reads do not end the
    /// input.
    reads_left: Option<usize>,
    read_max: usize,
    write_max: usize,
    /// The virtual time that each read takes.
    read_time: Duration,
    /// `true` if a read that leaves room in its buffer is followed by a wait: see
    /// [`Peer::wait_before_reads`].
    waits_before_reads: bool,
    /// `true` if the next read is to wait first.
    is_drained: bool,
    /// `true` if every operation is pending once before it happens.
    hesitant: bool,
    /// `true` for each kind of operation whose last poll was pending because of `hesitant`.
    hesitated: [bool; 4],
    /// The completed operations.
    log: Vec<Op>,
    /// The fault of the operation with this index in the log.
    fault: Option<(usize, Fault)>,
    /// The error of [`Fault::Fail`].
    failure: io::ErrorKind,
    /// The lasting fault of each direction.
    broken: [Option<Fault>; 2],
    flush_blocked: bool,
    shutdown_blocked: bool,
    /// The length of the output at the shutdown of the sending direction.
    shut_down: Option<usize>,
    /// `true` for each half that was dropped.
    dropped: [bool; 2],
    /// The lengths of the buffers of all reads, including pending reads.
    rooms: Vec<usize>,
    /// The waker of the last poll in each direction, if that poll was pending.
    waiting: [Option<Waker>; 2],
    /// `true` for each direction in which a wake-up was delayed. `None` while wake-ups are not
    /// delayed.
    late: Option<[bool; 2]>,
}

impl State {
    /// Wakes the task that waits in a direction, or notes the wake-up if wake-ups are delayed.
    fn wake(&mut self, direction: Direction) {
        match &mut self.late {
            Some(late) => late[direction as usize] = true,
            None => {
                if let Some(waker) = self.waiting[direction as usize].take() {
                    waker.wake();
                }
            }
        }
    }

    /// Drops the waker of a direction after an operation that was not pending. A transport wakes
    /// only the task whose last call was pending.
    fn forget_waker(&mut self, direction: Direction) {
        self.waiting[direction as usize] = None;
    }

    /// Keeps the waker of a pending operation.
    fn wait<R>(&mut self, direction: Direction, cx: &Context<'_>) -> Poll<R> {
        self.waiting[direction as usize] = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Returns `true` if the operation must be pending this time. If so, wakes the task.
    fn hesitates(&mut self, cx: &Context<'_>, operation: usize) -> bool {
        let hesitated = &mut self.hesitated[operation];
        *hesitated = self.hesitant && !*hesitated;
        if *hesitated {
            cx.waker().wake_by_ref();
        }
        *hesitated
    }

    /// Returns the fault of the current operation. If the fault makes the operation fail or wait,
    /// returns an error or `Pending` instead.
    fn next_fault(&mut self, direction: Direction) -> Poll<io::Result<Option<Fault>>> {
        let broken = match self.fault {
            Some((at, fault)) if at == self.log.len() => Some(fault),
            _ => None,
        };
        let slot = &mut self.broken[direction as usize];
        match slot.or(broken) {
            Some(Fault::Fail) => {
                *slot = Some(Fault::Fail);
                self.fault = None;
                Poll::Ready(Err(self.failure.into()))
            }
            Some(Fault::Stick) => {
                *slot = Some(Fault::Stick);
                self.fault = None;
                Poll::Pending
            }
            Some(Fault::Interrupt) => {
                self.fault = None;
                Poll::Ready(Err(io::ErrorKind::Interrupted.into()))
            }
            fault => Poll::Ready(Ok(fault)),
        }
    }
}

impl Transport for Scripted {
    type Timer = ManualTimer;

    fn peer_addr(&self) -> Option<SocketAddr> {
        state(&self.read.0).address
    }
}

impl Split for Scripted {
    type ReadHalf = ScriptedRead;
    type WriteHalf = ScriptedWrite;

    fn split(self) -> (ScriptedRead, ScriptedWrite) {
        (self.read, self.write)
    }

    fn reunite(read: ScriptedRead, write: ScriptedWrite) -> Option<Self> {
        Arc::ptr_eq(&read.0, &write.0).then_some(Self { read, write })
    }
}

fn state(shared: &Mutex<State>) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for ScriptedRead {
    fn drop(&mut self) {
        state(&self.0).dropped[Direction::In as usize] = true;
    }
}

impl Drop for ScriptedWrite {
    fn drop(&mut self) {
        state(&self.0).dropped[Direction::Out as usize] = true;
    }
}

/// Returns a transport and its other end. The other end takes all data until a test limits it.
#[must_use]
pub fn pair() -> (Scripted, Peer) {
    let state = State {
        address: None,
        segments: VecDeque::new(),
        endless: Vec::new(),
        ending: None,
        output: Vec::new(),
        window: usize::MAX,
        reads_left: None,
        read_max: usize::MAX,
        write_max: usize::MAX,
        read_time: Duration::ZERO,
        waits_before_reads: false,
        is_drained: false,
        hesitant: false,
        hesitated: [false; 4],
        log: Vec::new(),
        fault: None,
        failure: io::ErrorKind::BrokenPipe,
        broken: [None; 2],
        flush_blocked: false,
        shutdown_blocked: false,
        shut_down: None,
        dropped: [false; 2],
        rooms: Vec::new(),
        waiting: [None, None],
        late: None,
    };
    let state = Arc::new(Mutex::new(state));
    let read = ScriptedRead(Arc::clone(&state));
    let write = ScriptedWrite(Arc::clone(&state));
    (Scripted { read, write }, Peer(state))
}
