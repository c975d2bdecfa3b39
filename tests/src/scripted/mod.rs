//! A transport in memory that does what a test tells it: in pieces, late, wrongly, or never.

mod connections;
mod operations;
mod peer;
mod shape;

pub use connections::{
    End, Ws, answered, client, halves, queued, receive_all, server, server_with,
};
pub use shape::{Shape, Whole};

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ws_driver::transport::{AnyTransport, Runtime, Split, Transport, Wrap};

use crate::clock::ManualTimer;

/// A runtime without I/O and with virtual time.
#[derive(Clone, Copy, Debug)]
pub struct Manual;

impl Runtime for Manual {
    type Timer = ManualTimer;
    type TcpStream = Scripted;
    type Tcp = Scripted;

    fn tcp(stream: Scripted) -> Scripted {
        stream
    }

    async fn resolve(_host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![([127, 0, 0, 1], port).into()])
    }

    /// Never reaches anybody.
    async fn connect_tcp(_address: SocketAddr) -> io::Result<Scripted> {
        std::future::pending().await
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

/// The transport.
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

/// The other end: writes the script, and sees what happens.
#[derive(Clone, Debug)]
pub struct Peer(Arc<Mutex<State>>);

/// How the input ends.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Eof,
    Error(io::ErrorKind),
}

/// What goes wrong at one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails, and so does everything after it in its direction.
    Fail,
    /// It is pending for ever, and so is everything after it in its direction.
    Stick,
    /// It moves one octet.
    Shorten,
    /// It is interrupted once, if it is a read or a write.
    Interrupt,
}

/// An operation that was not pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// So many octets were read into room for so many.
    Read {
        /// Octets that arrived.
        got: usize,
        /// Octets that there was room for.
        room: usize,
    },
    /// So many octets were taken of so many slices.
    Write {
        /// Octets that were taken.
        len: usize,
        /// Slices that were offered.
        slices: usize,
    },
    /// What was written was passed on.
    Flush,
    /// The sending direction was ended.
    Shutdown,
}

#[derive(Clone, Copy, Debug)]
enum Direction {
    In,
    Out,
}

#[derive(Debug)]
struct State {
    /// Each read takes at most one of them.
    segments: VecDeque<Vec<u8>>,
    /// Comes again and again when the segments are used up.
    endless: Vec<u8>,
    ending: Option<Ending>,
    output: Vec<u8>,
    /// Octets that the peer takes before it stops reading.
    window: usize,
    /// Reads after which the input ends.
    reads_left: Option<usize>,
    read_max: usize,
    write_max: usize,
    /// Virtual time that each read takes.
    read_time: Duration,
    /// Every operation is pending once before it happens.
    hesitant: bool,
    hesitated: [bool; 4],
    /// Operations that were not pending.
    log: Vec<Op>,
    fault: Option<(usize, Fault)>,
    /// What became of a direction.
    broken: [Option<Fault>; 2],
    flush_blocked: bool,
    shutdown_blocked: bool,
    /// How much was written when the sending direction was ended.
    shut_down: Option<usize>,
    /// The halves that were dropped.
    dropped: [bool; 2],
    /// The room that reads offered, pending ones included.
    rooms: Vec<usize>,
    /// Who polled last and had to wait, for each direction.
    waiting: [Option<Waker>; 2],
    /// Wake-ups are late: something happened in a direction, and those who wait do not know yet.
    late: Option<[bool; 2]>,
}

impl State {
    /// Something happened in a direction.
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

    /// Nobody waits in a direction, because its last operation was not pending: only the last caller is woken.
    fn nobody_waits(&mut self, direction: Direction) {
        self.waiting[direction as usize] = None;
    }

    fn wait<R>(&mut self, direction: Direction, cx: &Context<'_>) -> Poll<R> {
        self.waiting[direction as usize] = Some(cx.waker().clone());
        Poll::Pending
    }

    fn hesitates(&mut self, cx: &Context<'_>, operation: usize) -> bool {
        let hesitated = &mut self.hesitated[operation];
        *hesitated = self.hesitant && !*hesitated;
        if *hesitated {
            cx.waker().wake_by_ref();
        }
        *hesitated
    }

    /// What is to go wrong with the operation that comes now.
    fn fate(&mut self, direction: Direction) -> Poll<io::Result<Option<Fault>>> {
        let broken = match self.fault {
            Some((at, fault)) if at == self.log.len() => Some(fault),
            _ => None,
        };
        let slot = &mut self.broken[direction as usize];
        match slot.or(broken) {
            Some(Fault::Fail) => {
                *slot = Some(Fault::Fail);
                self.fault = None;
                Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
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

/// A transport and its other end, which takes everything.
#[must_use]
pub fn pair() -> (Scripted, Peer) {
    let state = State {
        segments: VecDeque::new(),
        endless: Vec::new(),
        ending: None,
        output: Vec::new(),
        window: usize::MAX,
        reads_left: None,
        read_max: usize::MAX,
        write_max: usize::MAX,
        read_time: Duration::ZERO,
        hesitant: false,
        hesitated: [false; 4],
        log: Vec::new(),
        fault: None,
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
