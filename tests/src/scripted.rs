//! A transport in memory that does what a test tells it: in pieces, late, wrongly, or never.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ws_driver::{
    Acceptor, Config, Connector, Error, Locked, Message, ReadHalf, Receiver, Runtime, Sender,
    Split, Transport, WebSocket, Wrap, WriteHalf,
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

impl<T: Shape> Wrap<T> for Manual {
    type Transport = T;

    fn wrap(stream: T) -> T {
        stream
    }
}

/// A WebSocket over the scripted transport.
pub type Ws = WebSocket<Scripted>;

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

/// The same transport as one that cannot be taken apart: its halves share it under a lock.
#[derive(Debug)]
pub struct Whole(pub Scripted);

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

impl ReadHalf for Scripted {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.read.poll_read(cx, buffer)
    }
}

impl WriteHalf for Scripted {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write.poll_write_vectored(cx, slices)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write.poll_shutdown(cx)
    }
}

impl Split for Scripted {
    type ReadHalf = ScriptedRead;
    type WriteHalf = ScriptedWrite;

    fn split(self) -> (ScriptedRead, ScriptedWrite) {
        (self.read, self.write)
    }

    fn reunite(read: ScriptedRead, write: ScriptedWrite) -> Option<Self> {
        Arc::ptr_eq(&read.0, &write.0).then_some(Scripted { read, write })
    }
}

impl Transport for Whole {
    type Timer = ManualTimer;
}

impl ReadHalf for Whole {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.poll_read(cx, buffer)
    }
}

impl WriteHalf for Whole {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write_vectored(cx, slices)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}

impl Split for Whole {
    type ReadHalf = Locked<Whole>;
    type WriteHalf = Locked<Whole>;

    fn split(self) -> (Locked<Whole>, Locked<Whole>) {
        Locked::pair(self)
    }

    fn reunite(read: Locked<Whole>, write: Locked<Whole>) -> Option<Self> {
        read.join(write)
    }
}

impl ReadHalf for ScriptedRead {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = state(&self.0);
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
            return state.wait(Direction::In, cx);
        }
        state.nobody_waits(Direction::In);
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

impl WriteHalf for ScriptedWrite {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut state = state(&self.0);
        assert!(
            slices.iter().any(|slice| !slice.is_empty()),
            "a write of nothing"
        );
        assert!(state.shut_down.is_none(), "a write behind the end");
        if state.hesitates(cx, 1) {
            return Poll::Pending;
        }
        if state.window == 0 && state.broken[1].is_none() {
            return state.wait(Direction::Out, cx);
        }
        state.nobody_waits(Direction::Out);
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
        let mut state = state(&self.0);
        if state.hesitates(cx, 2) {
            return Poll::Pending;
        }
        if state.flush_blocked {
            return state.wait(Direction::Out, cx);
        }
        state.nobody_waits(Direction::Out);
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
        let mut state = state(&self.0);
        if state.hesitates(cx, 3) {
            return Poll::Pending;
        }
        if state.shutdown_blocked {
            return state.wait(Direction::Out, cx);
        }
        state.nobody_waits(Direction::Out);
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

impl Peer {
    fn state(&self) -> MutexGuard<'_, State> {
        state(&self.0)
    }

    /// Sends octets that one read can take.
    pub fn push(&self, octets: impl Into<Vec<u8>>) {
        let octets = octets.into();
        let mut state = self.state();
        if !octets.is_empty() {
            state.segments.push_back(octets);
        }
        state.wake(Direction::In);
    }

    /// Sends the same octets whenever nothing else is there; none end that.
    pub fn push_for_ever(&self, octets: &[u8]) {
        let mut state = self.state();
        state.endless = octets.to_vec();
        state.wake(Direction::In);
    }

    /// Ends the peer's direction after so many more reads.
    pub fn end_after(&self, reads: usize) {
        self.state().reads_left = Some(reads);
    }

    /// Ends the peer's direction behind what was sent.
    pub fn end(&self) {
        let mut state = self.state();
        state.ending = Some(Ending::Eof);
        state.wake(Direction::In);
    }

    /// Breaks the peer's direction behind what was sent.
    pub fn reset(&self) {
        let mut state = self.state();
        state.ending = Some(Ending::Error(io::ErrorKind::ConnectionReset));
        state.wake(Direction::In);
        state.wake(Direction::Out);
    }

    /// Breaks our direction from the next operation on.
    pub fn break_writes(&self) {
        let mut state = self.state();
        state.broken[1] = Some(Fault::Fail);
        state.wake(Direction::Out);
    }

    /// Takes so many octets from now on, and no more.
    pub fn window(&self, len: usize) {
        let mut state = self.state();
        state.window = len;
        state.wake(Direction::Out);
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
        state.wake(Direction::Out);
    }

    /// Holds the end of the sending direction back, or no more.
    pub fn block_shutdown(&self, blocked: bool) {
        let mut state = self.state();
        state.shutdown_blocked = blocked;
        state.wake(Direction::Out);
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
        self.state().dropped == [true; 2]
    }

    /// Keeps wake-ups back: what happens is there to be found, but nobody is woken for it yet.
    pub fn delay_wakes(&self) {
        self.state().late = Some([false; 2]);
    }

    /// Wakes those who still wait for what happened since [`delay_wakes`](Self::delay_wakes).
    ///
    /// That is only who called last in a direction, and only if that call was pending: whoever called before it is
    /// not known to the transport any more.
    pub fn deliver_wakes(&self) {
        let mut state = self.state();
        let late = state.late.take().unwrap_or_default();
        for direction in [Direction::In, Direction::Out] {
            if late[direction as usize] {
                state.wake(direction);
            }
        }
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

/// What a scripted transport can look like.
pub trait Shape: Split<Timer = ManualTimer, ReadHalf: Send, WriteHalf: Send> + 'static {
    /// The transport in this shape.
    fn shape(scripted: Scripted) -> Self;
}

impl Shape for Scripted {
    fn shape(scripted: Scripted) -> Self {
        scripted
    }
}

impl Shape for Whole {
    fn shape(scripted: Scripted) -> Self {
        Whole(scripted)
    }
}

/// Makes two tests of each function that is generic over a [`Shape`]: over a transport that is taken apart, and over
/// one that is shared.
#[macro_export]
macro_rules! both_shapes {
    ($($name:ident,)*) => {
        mod apart {
            $(
                #[test]
                fn $name() {
                    super::$name::<$crate::scripted::Scripted>();
                }
            )*
        }
        mod locked {
            $(
                #[test]
                fn $name() {
                    super::$name::<$crate::scripted::Whole>();
                }
            )*
        }
    };
}

/// Both halves of our end, behind its handshake.
///
/// # Panics
///
/// If the handshake fails.
#[must_use]
pub fn halves<T: Shape>(end: End, config: &Config) -> (Sender<T>, Receiver<T>, Peer) {
    let (transport, peer) = pair();
    let transport = T::shape(transport);
    let ws = match end {
        End::Server => {
            peer.push(http::request());
            let acceptor = Acceptor::<Manual>::new().config(config.clone());
            exec::run(acceptor.accept(transport)).expect("the handshake")
        }
        End::Client => {
            let connector = Connector::<Manual>::new().config(config.clone());
            let handshake = connector.handshake("ws://server.example.com/", transport);
            answered(handshake, &peer, http::switching).expect("the handshake")
        }
    };
    let _ = (peer.take_output(), peer.take_log(), peer.take_rooms());
    let (sender, receiver) = ws.split();
    (sender, receiver, peer)
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
