//! A connection after its opening handshake: sending of any frame, receiving by the rules, closing.

use std::time::{Duration, Instant};

use super::outbox::Outbox;
use crate::channel::{Channel, Failure, FailureCause};
use crate::deflate::{Agreement, Coding, Inflater};
use crate::http::Handshake;
use crate::role::Role;
use crate::script::{Event, Frame, Payload};
use crate::settings::Settings;
use crate::wire::{CLOSE, ClosePayload, Received, Violation};

/// The state of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// No Close was sent.
    Open,
    /// A Close was sent.
    Closing,
    /// TCP is over, or is about to be ended.
    Closed,
}

/// The way to end TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TcpEnd {
    /// After the queued bytes are written.
    AfterWrites,
    /// At once, with a reset.
    Reset,
}

/// The most queued bytes: twice the longest message of a case. A testee that requests answers and
/// does not read gets no more of them.
const MAX_HELD: usize = 32 * 1024 * 1024;

/// A connection, without the socket.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) channel: Channel,
    pub(super) state: State,
    pub(super) outbox: Outbox,
    /// The masking key of a frame with a streamed payload, and the number of bytes that were sent.
    pub(super) streamed: Option<(Option<[u8; 4]>, usize)>,
    /// The agreement on compression, if there is one.
    compression: Option<Agreement>,
    tcp_end: Option<TcpEnd>,
    /// The deadline of the testee's answer to a Close.
    close_deadline: Option<Instant>,
    /// The deadline of the tested server to end TCP.
    drop_deadline: Option<Instant>,
    limits: Limits,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    close: Duration,
    drop: Duration,
    watchdog: Duration,
}

impl Connection {
    /// Creates a connection after its opening handshake.
    pub(crate) fn new(testee: Role, settings: &Settings, seed: u64) -> Self {
        Self {
            channel: Channel::new(testee, seed),
            state: State::Open,
            outbox: Outbox::default(),
            streamed: None,
            compression: None,
            tcp_end: None,
            close_deadline: None,
            drop_deadline: None,
            limits: Limits {
                close: settings.scaled(settings.close_handshake_timeout),
                drop: settings.scaled(settings.server_drop_timeout),
                watchdog: settings.scaled(settings.watchdog),
            },
        }
    }

    /// Adds the heads of the opening handshake to the log, each as one piece, as in the original.
    pub(crate) fn with_handshake(mut self, handshake: &Handshake) -> Self {
        let head = |head: &Option<String>| head.clone().unwrap_or_default().into_bytes();
        let (request, response) = (head(&handshake.request), head(&handshake.response));
        match self.channel.testee {
            Role::Server => {
                self.channel.log.bytes_sent(&request, false);
                self.channel.log.bytes_received(&response);
            }
            Role::Client => {
                self.channel.log.bytes_received(&request);
                self.channel.log.bytes_sent(&response, false);
            }
        }
        self
    }

    /// Sets the agreement on compression.
    pub(crate) fn with_compression(mut self, agreement: Option<Agreement>) -> Self {
        self.compression = agreement;
        if let Some(agreement) = agreement {
            let inflater = Inflater::new(agreement.incoming(self.channel.testee));
            self.channel.inflate_with(inflater);
        }
        self
    }

    /// Returns the limits of compressed messages to the testee, if there is an agreement.
    pub(crate) fn outgoing_coding(&self) -> Option<Coding> {
        let agreement = self.compression?;
        Some(agreement.outgoing(self.channel.testee))
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// Returns the way to end TCP, when it is time.
    pub(crate) fn tcp_end(&self) -> Option<TcpEnd> {
        self.tcp_end
    }

    /// Returns the bytes of the next TCP write, if one is due.
    pub(crate) fn next_write(&mut self, now: Instant) -> Option<&[u8]> {
        self.outbox.next_write(now, &mut self.channel.log)
    }

    /// Returns `true` if so many bytes are queued that the testee cannot be reading.
    pub(crate) fn is_congested(&self) -> bool {
        self.outbox.held() > MAX_HELD
    }

    /// Notes that `count` bytes of [`next_write`](Self::next_write) were written.
    pub(crate) fn wrote(&mut self, count: usize, now: Instant) {
        self.outbox.wrote(count, now);
    }

    /// Takes bytes from `input` up to the next event for the case.
    pub(crate) fn receive(&mut self, input: &mut &[u8], now: Instant) -> Option<Event> {
        while self.state != State::Closed {
            let received = self.channel.receive(input)?;
            if let Some(event) = self.take(received, now) {
                return Some(event);
            }
        }
        None
    }

    /// Handles the end of TCP.
    pub(crate) fn handle_end(&mut self) {
        if self.state != State::Closed {
            self.state = State::Closed;
            if !self.channel.ending.was_clean {
                self.channel.ending.not_clean_reason = Some("the testee ended TCP without a Close");
            }
        }
    }

    /// Returns the time at which [`handle_timeout`](Self::handle_timeout) has to be called.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let deadlines = [self.close_deadline, self.drop_deadline];
        deadlines.into_iter().flatten().min()
    }

    /// Ends TCP if the testee is late.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.close_deadline.is_some_and(|deadline| deadline <= now) {
            self.channel.ending.close_handshake_timeout = true;
            self.end_unclean("the testee did not answer the Close in time");
        }
        if self.drop_deadline.is_some_and(|deadline| deadline <= now) {
            self.channel.ending.server_drop_timeout = true;
            self.end_unclean("the server did not end TCP in time");
        }
    }

    /// Ends TCP because the testee does not.
    pub(crate) fn end_unclean(&mut self, reason: &'static str) {
        self.channel.ending.was_clean = false;
        self.channel.ending.not_clean_reason = Some(reason);
        self.end_tcp(TcpEnd::Reset);
    }

    /// Fails the connection with a Close. If a Close was sent before, ends TCP.
    pub(crate) fn fail(&mut self, cause: FailureCause, now: Instant) {
        if self.state == State::Closed {
            return;
        }
        let by_close = self.state == State::Open;
        let (code, reason) = cause.close();
        let failure = &mut self.channel.ending.failure;
        failure.get_or_insert(Failure { cause, by_close });
        match by_close {
            true => self.close(Some(code), &Payload::from(reason.into_bytes()), now),
            false => self.end_tcp(TcpEnd::AfterWrites),
        }
    }

    /// Sends a Close, unless one was sent before.
    pub(crate) fn close(&mut self, code: Option<u16>, reason: &Payload, now: Instant) {
        let code_bytes = code.map(u16::to_be_bytes);
        let mut payload: Vec<u8> = code_bytes.into_iter().flatten().collect();
        reason.append_range(0..reason.len(), &mut payload);
        self.raw_close(payload.into(), now);
    }

    /// Sends a Close with this payload, unless one was sent before.
    pub(crate) fn raw_close(&mut self, payload: Payload, now: Instant) {
        if self.state == State::Open {
            self.send_close(payload);
            self.channel.ending.closed_by_me = true;
            self.close_deadline = Some(now + self.limits.close);
        }
    }

    fn send_close(&mut self, payload: Payload) {
        let bytes = payload.to_vec();
        let (code, reason) = match bytes.split_first_chunk() {
            Some((code, reason)) => (Some(u16::from_be_bytes(*code)), reason),
            None => (None, &bytes[..]),
        };
        self.channel.ending.local_code = code;
        self.channel.ending.local_reason = (!reason.is_empty()).then(|| shown(reason));
        self.send_frame(&Frame::new(CLOSE, payload));
        self.state = State::Closing;
    }

    fn take(&mut self, item: Received, now: Instant) -> Option<Event> {
        match item {
            Received::Violation(violation) => {
                self.violated(violation, now);
                None
            }
            Received::BeyondWindow(beyond) => {
                self.channel.note_violation(beyond.to_string());
                None
            }
            Received::Undecodable(error) => {
                self.channel.note_violation(error.to_string());
                // The original ends here without a Close, because of an exception.
                self.end_unclean("a compressed message cannot be read");
                None
            }
            Received::Frame { .. } => None,
            Received::Message { binary, payload } => {
                let payload = payload.into();
                let failed = self.channel.ending.failure.is_some();
                (!failed).then_some(Event::Message { binary, payload })
            }
            Received::Ping(payload) => {
                if self.state == State::Open && !self.is_congested() {
                    self.send_frame(&Frame::pong(payload));
                }
                None
            }
            Received::Pong(payload) => Some(Event::Pong(payload.into())),
            Received::Close(payload) => {
                self.closed_by_testee(ClosePayload::read(&payload), now);
                None
            }
        }
    }

    fn violated(&mut self, violation: Violation, now: Instant) {
        self.fail(FailureCause::Violation(violation), now);
        self.channel.note_violation(violation.to_string());
    }

    fn closed_by_testee(&mut self, close: ClosePayload, now: Instant) {
        self.channel.ending.remote_code = close.code;
        for violation in close.violations {
            self.violated(violation, now);
        }
        self.channel.ending.remote_reason = close.reason;
        self.channel.ending.was_clean = self.state != State::Closed;
        self.close_deadline = None;
        let we_began = self.state == State::Closing;
        if self.state == State::Open {
            self.send_close(Payload::bytes(b"\x03\xe8"));
        }
        match self.channel.testee {
            Role::Client if we_began => self.end_tcp(TcpEnd::Reset),
            Role::Client => self.end_tcp(TcpEnd::AfterWrites),
            Role::Server if we_began => self.drop_deadline = Some(now + self.limits.drop),
            // The original waits here without limit if a server keeps TCP open.
            Role::Server => self.drop_deadline = Some(now + self.limits.watchdog),
        }
    }

    fn end_tcp(&mut self, end: TcpEnd) {
        self.close_deadline = None;
        self.drop_deadline = None;
        if self.state != State::Closed {
            self.state = State::Closed;
            self.channel.ending.dropped_by_me = true;
            self.outbox.forget_queued();
            self.tcp_end = Some(end);
        }
    }
}

/// Returns the text, or hexadecimal digits for bytes that are not UTF-8.
fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
