//! A server on the scripted transport. It answers and fails at random, from a seed.

use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use fastrand::Rng;
use ws_driver::handshake::Agreed;
use ws_driver::transport::AnyTransport;
use ws_driver::{Config, ConnectError, Connector};
use ws_reconnect::{Cause, Connection};
use ws_tests::clock;
use ws_tests::exec::Task;
use ws_tests::scripted::{self, Manual, Peer};
use ws_tests::wire::{self, CLOSE, PING, PONG};

/// The close codes of a server after which a client connects again.
const RETRIED: [u16; 5] = [1001, 1011, 1012, 1013, 1014];

/// The server, which the hooks share with the test.
#[derive(Clone)]
pub(super) struct World(Arc<Mutex<State>>);

pub(super) struct State {
    pub(super) random: Rng,
    /// The behavior of the server from now on.
    pub(super) mood: Mood,
    /// The current connection.
    link: Option<Link>,
    /// The text messages that the endpoint of the server has read, without those of the hook.
    pub(super) read: Vec<String>,
    /// The connections that have ended, with the bytes that the server has received before.
    past: Vec<(Peer, Vec<u8>)>,
    /// The number of messages that the server has sent.
    sent: u64,
    /// The number of attempts to connect.
    pub(super) attempts: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// Anything may fail.
    Random,
    /// Nothing fails.
    Healthy,
    /// No attempt succeeds, and the connection is lost.
    Gone,
}

struct Link {
    peer: Peer,
    input: Vec<u8>,
    /// The payload of the fragments of a message, and the fragments themselves.
    message: Vec<u8>,
    fragments: Vec<u8>,
    /// The number of steps until the connection fails.
    life: u32,
    answers_pings: bool,
    /// `true` if the server has vanished: it reads and sends nothing.
    is_silent: bool,
    /// `true` once the server has sent a Close.
    is_closing: bool,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            random: Rng::with_seed(seed),
            mood: Mood::Random,
            link: None,
            read: Vec::new(),
            past: Vec::new(),
            sent: 0,
            attempts: 0,
        })))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Opens a connection, or fails. Never ready for some attempts.
    pub(super) async fn connect(
        &self,
        connector: &Connector<Manual>,
    ) -> Result<Connection<Manual>, Cause> {
        let opened = self.state().open();
        match opened {
            Ok(Some(transport)) => {
                Ok(connector.upgraded_on(AnyTransport::new(transport), Agreed::new(), []))
            }
            Ok(None) => std::future::pending().await,
            Err(cause) => Err(cause),
        }
    }

    /// Runs an operation of the client while the server acts. Drops the operation at random after
    /// some pending polls if `may_drop` is `true`, and then returns `None`.
    ///
    /// A task is only polled after a wake-up, so a lost wake-up hangs.
    pub(super) fn run<T>(&self, operation: impl Future<Output = T>, may_drop: bool) -> Option<T> {
        let mut operation = pin!(operation);
        let mut task = Task::new();
        for turn in 0..100_000 {
            // A transport whose operations are pending once may wake a task without end.
            if turn % 64 == 63 {
                clock::advance_to_alarm();
            }
            if let Poll::Ready(output) = task.poll(operation.as_mut()) {
                return Some(output);
            }
            if may_drop && self.state().random.u8(..) < 60 {
                return None;
            }
            for _ in 0..100_000 {
                let acted = self.state().step();
                if task.is_woken() {
                    break;
                }
                if !acted {
                    clock::advance_to_alarm();
                }
            }
            assert!(task.is_woken(), "the operation hangs");
        }
        panic!("the operation never ends");
    }
}

impl State {
    /// Returns the transport of a new connection. `None` if the server never answers.
    fn open(&mut self) -> Result<Option<scripted::Scripted>, Cause> {
        self.attempts += 1;
        let is_random = self.mood == Mood::Random;
        match self.random.u8(..) {
            _ if self.mood == Mood::Gone => return Err(ConnectError::Lost.into()),
            0..30 if is_random => return Err(ConnectError::Lost.into()),
            30..60 if is_random => {
                let reset = io::ErrorKind::ConnectionReset.into();
                return Err(ConnectError::Io(reset).into());
            }
            60..70 if is_random => return Ok(None),
            _ => {}
        }
        // The client may connect again before the server finds that it has gone.
        if let Some(link) = self.link.take() {
            self.forget(link);
        }
        let (transport, peer) = scripted::pair();
        if self.random.bool() {
            peer.hesitate();
        }
        if self.random.bool() {
            peer.pieces(self.random.usize(1..300), self.random.usize(1..300));
        }
        self.link = Some(Link {
            peer,
            input: Vec::new(),
            message: Vec::new(),
            fragments: Vec::new(),
            life: match is_random {
                true => self.random.u32(1..150),
                false => u32::MAX,
            },
            answers_pings: !is_random || self.random.u8(..) < 230,
            is_silent: false,
            is_closing: false,
        });
        Ok(Some(transport))
    }

    /// Makes the server act once. Returns `true` if it has done anything.
    pub(super) fn step(&mut self) -> bool {
        let Some(mut link) = self.link.take() else {
            return false;
        };
        if link.peer.is_dropped() {
            self.forget(link);
            return true;
        }
        link.life = match self.mood {
            Mood::Random => link.life.saturating_sub(1),
            Mood::Healthy => link.life,
            Mood::Gone => 0,
        };
        if link.is_silent {
            if self.mood != Mood::Random {
                link.peer.reset();
                link.peer.break_writes();
                self.forget(link);
                return true;
            }
            self.link = Some(link);
            return false;
        }
        if link.life == 0 {
            self.fail(link);
            return true;
        }
        if self.mood == Mood::Random {
            // The transport takes everything, or a little now and then.
            match self.random.u8(..) {
                0..10 => link.peer.window(0),
                10..30 => link.peer.window(self.random.usize(1..100)),
                30..80 => link.peer.window(usize::MAX),
                _ => {}
            }
        } else {
            link.peer.window(usize::MAX);
        }
        let acted = self.read(&mut link) | self.send(&mut link);
        match link.is_closing {
            true => self.forget(link),
            false => self.link = Some(link),
        }
        acted
    }

    fn forget(&mut self, link: Link) {
        self.past
            .push((link.peer, [link.fragments, link.input].concat()));
    }

    /// Returns the text messages that have arrived whole and were never read. Call it once the
    /// client has dropped all connections.
    pub(super) fn unread(&mut self) -> Vec<String> {
        if let Some(link) = self.link.take() {
            self.forget(link);
        }
        let mut texts = Vec::new();
        for (peer, mut bytes) in std::mem::take(&mut self.past) {
            bytes.extend(peer.take_output());
            let mut message = Vec::new();
            for frame in wire::parse(&bytes).0 {
                if frame.opcode() < CLOSE {
                    message.extend(&frame.payload);
                    if frame.is_last() {
                        let text = std::mem::take(&mut message);
                        texts.push(String::from_utf8(text).unwrap());
                    }
                }
            }
        }
        texts
    }

    /// Reads, and answers control frames. Returns `true` if anything was read.
    fn read(&mut self, link: &mut Link) -> bool {
        link.input.extend(link.peer.take_output());
        let mut acted = false;
        while let Some((frame, len)) = wire::parse_one(&link.input) {
            let bytes: Vec<u8> = link.input.drain(..len).collect();
            acted = true;
            match frame.opcode() {
                PING if link.answers_pings => {
                    link.peer
                        .push(wire::From::Server.frame(PONG, &frame.payload));
                }
                PING | PONG => {}
                CLOSE => {
                    link.peer
                        .push(wire::From::Server.frame(CLOSE, &frame.payload));
                    link.peer.end();
                    link.is_closing = true;
                    return true;
                }
                _ => {
                    link.message.extend(&frame.payload);
                    link.fragments.extend(bytes);
                    if frame.is_last() {
                        link.fragments.clear();
                        let text = String::from_utf8(std::mem::take(&mut link.message)).unwrap();
                        if text != "hello" {
                            self.read.push(text);
                        }
                    }
                }
            }
        }
        acted
    }

    fn send(&mut self, link: &mut Link) -> bool {
        let sends = self.mood == Mood::Random && self.random.u8(..) < 60;
        if sends {
            self.sent += 1;
            let text = self.sent.to_string();
            link.peer.push(wire::From::Server.text(&text));
        }
        sends
    }

    /// Ends the connection in a random way.
    fn fail(&mut self, mut link: Link) {
        if self.random.bool() {
            self.read(&mut link);
            if link.is_closing {
                return self.forget(link);
            }
        }
        let peer = link.peer.clone();
        match self.random.u8(..) {
            0..60 => peer.end(),
            60..110 => {
                peer.reset();
                peer.break_writes();
            }
            110..130 => peer.break_writes(),
            130..150 => peer.cut(),
            150..170 => {
                link.is_silent = true;
                self.link = Some(link);
                return;
            }
            170..175 => self.close(&peer, 1000),
            175..178 => self.close(&peer, 1008),
            _ => {
                let code = RETRIED[self.random.usize(..RETRIED.len())];
                self.close(&peer, code);
            }
        }
        // A connection whose writes fail may still wait for input.
        peer.end();
        self.forget(link);
    }

    fn close(&mut self, peer: &Peer, code: u16) {
        peer.push(wire::From::Server.close(code, ""));
        if self.random.bool() {
            peer.window(usize::MAX);
        }
    }
}

/// Returns the settings of a connection, which notices a server that vanishes.
pub(super) fn config(random: &mut Rng) -> Config {
    let seconds = Duration::from_secs;
    let config = Config::default().keepalive(seconds(5), seconds(5));
    match random.u8(..3) {
        0 => config,
        1 => config.high_water_mark(random.usize(1..500)),
        _ => config.fragment_len(std::num::NonZeroUsize::new(random.usize(1..50)).unwrap()),
    }
}
