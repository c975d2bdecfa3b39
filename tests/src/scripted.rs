//! A transport in memory that does what a test tells it: in pieces, late, wrongly, or never.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ws_driver::{
    Acceptor, Config, Connector, Error, Message, ReadHalf, Runtime, Transport, WebSocket, Wrap,
    WriteHalf,
};

use crate::clock::{self, ManualTimer};
use crate::exec::{self, Task};
use crate::http;
use crate::wire::{self, Frame};

/// A runtime without I/O and with virtual time.
#[derive(Clone, Copy, Debug)]
pub struct Manual;

impl Runtime for Manual {
    type Timer = ManualTimer;
    type TcpStream = Scripted;

    /// Never reaches anybody.
    async fn connect(_host: &str, _port: u16) -> io::Result<Scripted> {
        std::future::pending().await
    }
}

impl Wrap<Scripted> for Manual {
    type Transport = Scripted;

    fn wrap(stream: Scripted) -> Scripted {
        stream
    }
}

/// A WebSocket over the scripted transport.
pub type Ws = WebSocket<Scripted>;

/// The transport.
#[derive(Debug)]
pub struct Scripted(Arc<Mutex<State>>);

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

#[derive(Clone, Copy)]
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
    dropped: bool,
    /// The room that reads offered, pending ones included.
    rooms: Vec<usize>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl State {
    fn wake(&mut self) {
        let wakers = [self.reader.take(), self.writer.take()];
        wakers.into_iter().flatten().for_each(Waker::wake);
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

impl ReadHalf for Scripted {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        assert!(!buffer.is_empty(), "a read without room");
        state.rooms.push(buffer.len());
        if state.hesitates(cx, 0) {
            return Poll::Pending;
        }
        if state.segments.is_empty() && !state.endless.is_empty() {
            let again = state.endless.clone();
            state.segments.push_back(again);
        }
        if state.segments.is_empty() && state.ending.is_none() {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let fault = match state.fate(Direction::In) {
            Poll::Ready(Ok(fault)) => fault,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        };
        if let Some(left) = state.reads_left.as_mut() {
            if *left == 0 {
                return Poll::Ready(Ok(0));
            }
            *left -= 1;
        }
        let mut max = state.read_max.min(buffer.len());
        if fault.is_some() {
            max = 1;
        }
        let mut got = 0;
        if let Some(segment) = state.segments.front_mut() {
            got = segment.len().min(max);
            buffer[..got].copy_from_slice(&segment[..got]);
            segment.drain(..got);
            if segment.is_empty() {
                state.segments.pop_front();
            }
        } else if let Some(Ending::Error(kind)) = state.ending {
            return Poll::Ready(Err(kind.into()));
        }
        let room = buffer.len();
        state.log.push(Op::Read { got, room });
        let time = state.read_time;
        drop(state);
        if !time.is_zero() {
            clock::advance(time);
        }
        Poll::Ready(Ok(got))
    }
}

impl WriteHalf for Scripted {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        assert!(
            slices.iter().any(|slice| !slice.is_empty()),
            "a write of nothing"
        );
        assert!(state.shut_down.is_none(), "a write behind the end");
        if state.hesitates(cx, 1) {
            return Poll::Pending;
        }
        if state.window == 0 && state.broken[1].is_none() {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let fault = match state.fate(Direction::Out) {
            Poll::Ready(Ok(fault)) => fault,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        };
        let mut max = state.write_max.min(state.window);
        if fault.is_some() {
            max = 1;
        }
        let octets = slices.concat_up_to(max);
        state.window -= octets.len();
        state.log.push(Op::Write {
            len: octets.len(),
            slices: slices.len(),
        });
        state.output.extend_from_slice(&octets);
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        if state.hesitates(cx, 2) {
            return Poll::Pending;
        }
        if state.flush_blocked {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        match state.fate(Direction::Out) {
            Poll::Ready(Ok(_)) => {}
            // Only reads and writes are interrupted.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        }
        state.log.push(Op::Flush);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        if state.hesitates(cx, 3) {
            return Poll::Pending;
        }
        if state.shutdown_blocked {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        match state.fate(Direction::Out) {
            Poll::Ready(Ok(_)) => {}
            // Only reads and writes are interrupted.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        }
        state.log.push(Op::Shutdown);
        state.shut_down = Some(state.output.len());
        Poll::Ready(Ok(()))
    }
}

impl Scripted {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.state().dropped = true;
    }
}

/// Joins the beginning of slices.
trait ConcatUpTo {
    fn concat_up_to(&self, max: usize) -> Vec<u8>;
}

impl ConcatUpTo for [IoSlice<'_>] {
    fn concat_up_to(&self, max: usize) -> Vec<u8> {
        let mut octets = Vec::new();
        for slice in self {
            let left = max - octets.len();
            octets.extend_from_slice(&slice[..slice.len().min(left)]);
        }
        octets
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
        dropped: false,
        rooms: Vec::new(),
        reader: None,
        writer: None,
    };
    let state = Arc::new(Mutex::new(state));
    (Scripted(Arc::clone(&state)), Peer(state))
}

impl Peer {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends octets that one read can take.
    pub fn push(&self, octets: impl Into<Vec<u8>>) {
        let octets = octets.into();
        let mut state = self.state();
        if !octets.is_empty() {
            state.segments.push_back(octets);
        }
        state.wake();
    }

    /// Sends the same octets whenever nothing else is there; none end that.
    pub fn push_for_ever(&self, octets: &[u8]) {
        let mut state = self.state();
        state.endless = octets.to_vec();
        state.wake();
    }

    /// Ends the peer's direction after so many more reads.
    pub fn end_after(&self, reads: usize) {
        self.state().reads_left = Some(reads);
    }

    /// Ends the peer's direction behind what was sent.
    pub fn end(&self) {
        let mut state = self.state();
        state.ending = Some(Ending::Eof);
        state.wake();
    }

    /// Breaks the peer's direction behind what was sent.
    pub fn reset(&self) {
        let mut state = self.state();
        state.ending = Some(Ending::Error(io::ErrorKind::ConnectionReset));
        state.wake();
    }

    /// Breaks our direction from the next operation on.
    pub fn break_writes(&self) {
        let mut state = self.state();
        state.broken[1] = Some(Fault::Fail);
        state.wake();
    }

    /// Takes so many octets from now on, and no more.
    pub fn window(&self, len: usize) {
        let mut state = self.state();
        state.window = len;
        state.wake();
    }

    /// Moves at most so many octets per operation.
    pub fn pieces(&self, read: usize, write: usize) {
        let mut state = self.state();
        state.read_max = read;
        state.write_max = write;
    }

    /// Makes every operation pending once before it happens.
    pub fn hesitate(&self) {
        self.state().hesitant = true;
    }

    /// Lets every read take so long.
    pub fn read_time(&self, time: Duration) {
        self.state().read_time = time;
    }

    /// Lets the operation with this number, counted from now, meet a fault.
    pub fn fault(&self, at: usize, fault: Fault) {
        let mut state = self.state();
        state.log.clear();
        state.fault = Some((at, fault));
    }

    /// Whether a fault is set that nothing has met.
    #[must_use]
    pub fn fault_waits(&self) -> bool {
        let state = self.state();
        matches!(state.fault, Some((at, _)) if at >= state.log.len())
    }

    /// Holds flushes back, or no more.
    pub fn block_flush(&self, blocked: bool) {
        let mut state = self.state();
        state.flush_blocked = blocked;
        state.wake();
    }

    /// Holds the end of the sending direction back, or no more.
    pub fn block_shutdown(&self, blocked: bool) {
        let mut state = self.state();
        state.shutdown_blocked = blocked;
        state.wake();
    }

    /// What was written and not taken before.
    #[must_use]
    pub fn take_output(&self) -> Vec<u8> {
        std::mem::take(&mut self.state().output)
    }

    /// The frames that were written and not taken before.
    ///
    /// # Panics
    ///
    /// If the last one is cut.
    #[must_use]
    pub fn take_frames(&self) -> Vec<Frame> {
        wire::parse_all(&self.take_output())
    }

    /// Octets that were written and not taken before.
    #[must_use]
    pub fn output_len(&self) -> usize {
        self.state().output.len()
    }

    /// Octets that were sent and not read.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.state().segments.iter().map(Vec::len).sum()
    }

    /// The operations that were not pending, since this was called before.
    #[must_use]
    pub fn take_log(&self) -> Vec<Op> {
        std::mem::take(&mut self.state().log)
    }

    /// The room that reads offered since this was called before, pending ones included.
    #[must_use]
    pub fn take_rooms(&self) -> Vec<usize> {
        std::mem::take(&mut self.state().rooms)
    }

    /// Whether our direction was ended.
    #[must_use]
    pub fn is_shut_down(&self) -> bool {
        self.state().shut_down.is_some()
    }

    /// Whether the transport was dropped.
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.state().dropped
    }
}

/// A server's end with this configuration, behind its handshake.
///
/// # Panics
///
/// If the handshake fails.
#[must_use]
pub fn server(config: &Config) -> (Ws, Peer) {
    server_with(config, &[])
}

/// [`server`], with input right behind the request.
///
/// # Panics
///
/// If the handshake fails.
#[must_use]
pub fn server_with(config: &Config, leftover: &[u8]) -> (Ws, Peer) {
    let (transport, peer) = pair();
    peer.push([&http::request(), leftover].concat());
    let acceptor = Acceptor::<Manual>::new().config(config.clone());
    let ws = exec::run(acceptor.accept(transport)).expect("the handshake");
    let output = peer.take_output();
    assert!(
        output.starts_with(b"HTTP/1.1 101 "),
        "{}",
        output.escape_ascii()
    );
    let _ = (peer.take_log(), peer.take_rooms());
    (ws, peer)
}

/// A client's end with this configuration, behind its handshake.
///
/// # Panics
///
/// If the handshake fails.
#[must_use]
pub fn client(config: &Config) -> (Ws, Peer) {
    let (transport, peer) = pair();
    let connector = Connector::<Manual>::new().config(config.clone());
    let ws = answered(
        connector.handshake("ws://server.example.com/", transport),
        &peer,
        http::switching,
    )
    .expect("the handshake");
    let _ = (peer.take_log(), peer.take_rooms());
    (ws, peer)
}

/// Runs a client's handshake against an answer made of its request.
///
/// # Panics
///
/// If the client sends anything but one request.
pub fn answered<R>(
    handshake: impl Future<Output = Result<R, Error>>,
    peer: &Peer,
    answer: impl FnOnce(&str) -> Vec<u8>,
) -> Result<R, Error> {
    let mut handshake = pin!(handshake);
    if let Poll::Ready(result) = exec::settle(&mut Task::new(), handshake.as_mut()) {
        return result;
    }
    let output = peer.take_output();
    let (head, rest) = http::split_head(&output).expect("a request");
    assert!(rest.is_empty());
    peer.push(answer(&head));
    exec::run(handshake)
}

/// Either end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Ours is the client.
    Client,
    /// Ours is the server.
    Server,
}

impl End {
    /// Both.
    pub const BOTH: [End; 2] = [End::Client, End::Server];

    /// Our end, behind its handshake.
    #[must_use]
    pub fn open(self, config: &Config) -> (Ws, Peer) {
        match self {
            End::Client => client(config),
            End::Server => server(config),
        }
    }

    /// Who speaks to us.
    #[must_use]
    pub fn peer(self) -> wire::From {
        match self {
            End::Client => wire::From::Server,
            End::Server => wire::From::Client,
        }
    }
}

/// Octets that the connection has queued, as its `Debug` tells.
///
/// # Panics
///
/// If it does not tell.
#[must_use]
pub fn queued(ws: &Ws) -> usize {
    let text = format!("{ws:?}");
    let (_, rest) = text.split_once("queued: ").expect("Debug tells the queue");
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
    digits
        .and_then(|digits| digits.parse().ok())
        .expect("a number")
}

/// Receives to the end: the messages, and the error behind them.
///
/// # Panics
///
/// If anything but the end follows the error, or the task hangs.
pub fn receive_all(ws: &mut Ws) -> (Vec<Message>, Option<Error>) {
    let mut messages = Vec::new();
    let mut fault = None;
    loop {
        match exec::run(ws.recv()) {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => break,
            Err(error) => {
                fault = Some(error);
                break;
            }
        }
    }
    for _ in 0..2 {
        assert!(
            matches!(exec::glance(ws.recv()), Poll::Ready(Ok(None))),
            "something follows the end"
        );
        assert!(matches!(exec::glance(ws.recv_ref()), Poll::Ready(Ok(None))));
    }
    (messages, fault)
}
