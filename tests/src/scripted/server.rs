//! A server of the scripted network. It follows a script.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ws_driver::transport::Timer;

use super::{Fault, Peer, Scripted, pair};
use crate::clock::ManualTimer;
use crate::http;

/// The script of a server.
#[derive(Clone, Debug)]
pub struct Server {
    steps: Vec<Step>,
    /// The number of bytes that one read of the client returns.
    piece: usize,
    hesitant: bool,
    fault: Option<(usize, Fault, io::ErrorKind)>,
    read_time: Duration,
}

/// A function that answers a head.
type Respond = Arc<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

#[derive(Clone)]
enum Step {
    /// Reads a head and answers.
    Respond(Respond),
    /// Reads these bytes.
    Expect(Vec<u8>),
    Send(Vec<u8>),
    SendForever(Vec<u8>),
    Wait(Duration),
    End,
    Reset,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Respond(_) => "Respond",
            Self::Expect(_) => "Expect",
            Self::Send(_) => "Send",
            Self::SendForever(_) => "SendForever",
            Self::Wait(_) => "Wait",
            Self::End => "End",
            Self::Reset => "Reset",
        })
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    /// Returns a server that sends nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            steps: Vec::new(),
            piece: usize::MAX,
            hesitant: false,
            fault: None,
            read_time: Duration::ZERO,
        }
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Reads a request and accepts the upgrade.
    #[must_use]
    pub fn upgrade(self) -> Self {
        self.step(Step::Respond(Arc::new(http::switching)))
    }

    /// Reads a head and sends `answer`.
    #[must_use]
    pub fn answer(self, answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        self.step(Step::Respond(Arc::new(move |_| answer.clone())))
    }

    /// Reads a head and redirects.
    #[must_use]
    pub fn redirect(self, location: &str) -> Self {
        self.answer(format!(
            "HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        ))
    }

    /// Reads these bytes.
    #[must_use]
    pub fn expect(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.step(Step::Expect(bytes.into()))
    }

    /// Sends bytes.
    #[must_use]
    pub fn send(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.step(Step::Send(bytes.into()))
    }

    /// Sends the same bytes without end.
    #[must_use]
    pub fn send_forever(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.step(Step::SendForever(bytes.into()))
    }

    /// Performs the handshake of [`Hello`](super::Hello) for this host.
    #[must_use]
    pub fn hello(self, host: &str) -> Self {
        self.expect(format!("hello {host}\n")).send("ok\n")
    }

    /// Waits.
    #[must_use]
    pub fn wait(self, time: Duration) -> Self {
        self.step(Step::Wait(time))
    }

    /// Ends the direction of the server.
    #[must_use]
    pub fn end(self) -> Self {
        self.step(Step::End)
    }

    /// Resets the connection.
    #[must_use]
    pub fn reset(self) -> Self {
        self.step(Step::Reset)
    }

    /// Limits the number of bytes that one read of the client returns. Every operation of the
    /// client is then pending once.
    #[must_use]
    pub fn in_pieces(mut self, piece: usize) -> Self {
        self.piece = piece;
        self.hesitant = true;
        self
    }

    /// Sets a fault of one operation of the client. See [`Peer::fault`]. If it fails, its error is
    /// `kind`.
    #[must_use]
    pub fn fault(mut self, at: usize, fault: Fault, kind: io::ErrorKind) -> Self {
        self.fault = Some((at, fault, kind));
        self
    }

    /// Sets the virtual time that each read of the client takes.
    #[must_use]
    pub fn read_time(mut self, time: Duration) -> Self {
        self.read_time = time;
        self
    }

    /// Returns the client's end of a connection, and this server at the other end.
    pub(super) fn accept(self) -> (Scripted, Connection) {
        let (transport, peer) = pair();
        peer.pieces(self.piece, usize::MAX);
        peer.read_time(self.read_time);
        if self.hesitant {
            peer.hesitate();
        }
        if let Some((at, fault, kind)) = self.fault {
            peer.fault(at, fault);
            peer.fail_with(kind);
        }
        let connection = Connection {
            peer,
            heads: Vec::new(),
            steps: self.steps.into(),
            input: Vec::new(),
            timer: None,
        };
        (transport, connection)
    }
}

/// A connection of a server.
pub(super) struct Connection {
    pub(super) peer: Peer,
    /// The heads that the server has received.
    pub(super) heads: Vec<String>,
    steps: VecDeque<Step>,
    /// The bytes that the server has received and not used.
    input: Vec<u8>,
    timer: Option<ManualTimer>,
}

impl Connection {
    pub(super) fn has_timer(&self) -> bool {
        self.timer.is_some()
    }

    /// Follows the script as far as possible. Ready at its end.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.input.extend(self.peer.take_output());
        while let Some(step) = self.steps.front().cloned() {
            ready!(self.take(step, cx));
            self.steps.pop_front();
        }
        Poll::Ready(())
    }

    fn take(&mut self, step: Step, cx: &mut Context<'_>) -> Poll<()> {
        match step {
            Step::Respond(respond) => {
                let Some((head, rest)) = http::split_head(&self.input) else {
                    return Poll::Pending;
                };
                self.input = rest.to_vec();
                self.peer.push(respond(&head));
                self.heads.push(head);
            }
            Step::Expect(bytes) => {
                let len = bytes.len().min(self.input.len());
                assert_eq!(
                    self.input[..len].escape_ascii().to_string(),
                    bytes[..len].escape_ascii().to_string()
                );
                if len < bytes.len() {
                    return Poll::Pending;
                }
                self.input.drain(..len);
            }
            Step::Send(bytes) => self.peer.push(bytes),
            Step::SendForever(bytes) => self.peer.push_forever(&bytes),
            Step::Wait(time) => {
                let timer = self
                    .timer
                    .get_or_insert_with(|| ManualTimer::at(ManualTimer::after(time)));
                ready!(timer.poll(cx));
                self.timer = None;
            }
            Step::End => self.peer.end(),
            Step::Reset => self.peer.reset(),
        }
        Poll::Ready(())
    }
}
