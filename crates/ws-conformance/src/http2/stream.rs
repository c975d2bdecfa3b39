//! A WebSocket on the only stream of a connection, as a transport (RFC 8441 §5).
//!
//! The bytes begin with the head of each side as text, see [`fields`](super::fields). It becomes
//! HEADERS. The other bytes become DATA, the end becomes END_STREAM, and a reset becomes RST_STREAM
//! with CANCEL.

use std::io::{self, Read, Write};
use std::thread;
use std::time::Duration;

use mio::event::Source;

use super::connection::{Connection, Received, violation};
use super::frame::{Frame, code, flag, kind};
use super::settings::{DEFAULT_WINDOW, Settings, setting};
use super::{PREFACE, fields};
use crate::http::head_len;
use crate::transport::Transport;

/// The most bytes of one write.
const MAX_WRITE: usize = 64 * 1024;
/// The read bytes after which the other side may send as many again.
const CREDIT: u32 = DEFAULT_WINDOW / 2;
/// The time in which a client that does not wait for SETTINGS sends its request.
const HASTE: Duration = Duration::from_millis(20);

const NO_HTTP2: &str = "the server ended TCP before its SETTINGS: it may not serve HTTP/2";
const NO_CONNECT: &str = "the server does not send SETTINGS_ENABLE_CONNECT_PROTOCOL with 1";

/// A WebSocket as a transport.
#[derive(Debug)]
pub(crate) struct Stream {
    connection: Connection,
    side: Side,
    state: State,
    /// The number of the stream.
    id: u32,
    theirs: Settings,
    /// `true` if the other side has sent SETTINGS.
    has_settings: bool,
    /// The start of the suite's head.
    head: Vec<u8>,
    /// `true` if the other side has sent its head.
    has_head: bool,
    /// The head and the DATA of the other side that were not read.
    input: Vec<u8>,
    /// The bytes of the head in `input`. They are not subject to flow control.
    uncounted: usize,
    windows: Windows,
    /// The end of the other side's direction.
    end: Option<End>,
    /// The cause of the end, for the first read or write after it.
    failure: Option<io::Error>,
    /// `true` if the other side takes no more DATA: it may reset the stream after END_STREAM.
    is_deaf: bool,
    /// `true` if the suite ends the stream with a reset.
    resets: bool,
    /// `true` if a client sent its request before the suite sent SETTINGS.
    is_hasty: bool,
}

/// The side that the suite is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// The progress of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was sent.
    New,
    /// The suite has sent SETTINGS and no head.
    Started,
    /// The suite has sent its head.
    Open,
    /// The suite has ended its direction.
    Ended,
    /// A case sends and receives all frames itself.
    Lent,
}

/// The end of the other side's direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// END_STREAM, or the end of the transport.
    Orderly,
    /// RST_STREAM, GOAWAY without this stream, a violation, or a failure of the transport.
    Reset,
}

/// The flow control of the stream and of its connection (RFC 9113 §5.2).
#[derive(Clone, Copy, Debug)]
struct Windows {
    /// The bytes that the suite may send on the stream. A parameter can make it negative.
    stream: i64,
    connection: i64,
    /// The bytes that the other side may send, on the stream and on the connection.
    theirs: u32,
    /// The read bytes that the other side may not send again yet.
    credit: u32,
}

impl Stream {
    /// Creates a stream to a server. Nothing is sent before the head.
    pub(crate) fn client(inner: Box<dyn Transport>) -> Self {
        Self::new(inner, Side::Client)
    }

    /// Creates the stream that a client is going to open.
    pub(crate) fn server(inner: Box<dyn Transport>) -> Self {
        Self::new(inner, Side::Server)
    }

    fn new(inner: Box<dyn Transport>, side: Side) -> Self {
        let window = i64::from(DEFAULT_WINDOW);
        Self {
            connection: Connection::new(inner),
            side,
            state: State::New,
            id: 1,
            theirs: Settings::default(),
            has_settings: false,
            head: Vec::new(),
            has_head: false,
            uncounted: 0,
            input: Vec::new(),
            windows: Windows {
                stream: window,
                connection: window,
                theirs: DEFAULT_WINDOW,
                credit: 0,
            },
            end: None,
            failure: None,
            is_deaf: false,
            resets: false,
            is_hasty: false,
        }
    }

    /// Lends the connection to a case, which sends and receives all frames itself from now on.
    pub(crate) fn lend(&mut self) -> &mut Connection {
        self.state = State::Lent;
        &mut self.connection
    }

    /// Returns the parameters of the other side.
    pub(crate) fn theirs(&self) -> Settings {
        self.theirs
    }

    /// Returns the bytes that the suite may send, on the stream and on the connection.
    pub(crate) fn room(&self) -> (i64, i64) {
        (self.windows.stream, self.windows.connection)
    }

    /// Returns the number of the stream.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Returns `true` if a client sent its request before the suite sent SETTINGS.
    pub(crate) fn is_hasty(&self) -> bool {
        self.is_hasty
    }

    /// Sends SETTINGS, before anything else.
    fn start(&mut self) -> io::Result<()> {
        if self.state != State::New {
            return Ok(());
        }
        let settings = match self.side {
            Side::Client => {
                self.connection.queue_bytes(PREFACE);
                Frame::settings(&[(setting::ENABLE_PUSH, 0)])
            }
            Side::Server => {
                self.connection.receive_preface()?;
                thread::sleep(HASTE);
                self.receive_all();
                self.is_hasty = !self.input.is_empty();
                Frame::settings(&[
                    (setting::ENABLE_CONNECT_PROTOCOL, 1),
                    (setting::MAX_CONCURRENT_STREAMS, 1),
                ])
            }
        };
        self.connection.queue(&settings);
        self.state = State::Started;
        Ok(())
    }

    /// Receives what has arrived and writes what is queued, without waiting.
    fn turn(&mut self) -> io::Result<()> {
        if self.state != State::Lent {
            self.start()?;
            self.receive_all();
        }
        match self.connection.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    /// Receives what has arrived. Bytes before a failure can still be read.
    fn receive_all(&mut self) {
        while self.failure.is_none() {
            let received = self.connection.receive();
            match received.and_then(|received| self.take(received)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.end.get_or_insert(End::Orderly);
                    return;
                }
                Err(error) => self.fail(error),
            }
        }
    }

    fn fail(&mut self, error: io::Error) {
        // A transport may fail after the orderly end. A violation counts even then.
        match error.kind() {
            io::ErrorKind::InvalidData => self.end = Some(End::Reset),
            _ => drop(self.end.get_or_insert(End::Reset)),
        }
        self.failure = Some(error);
    }

    /// Returns the cause of a reset.
    fn cause(&mut self) -> io::Error {
        let cause = self.failure.take();
        cause.unwrap_or_else(|| io::ErrorKind::ConnectionReset.into())
    }

    fn take(&mut self, received: Received) -> io::Result<()> {
        match received {
            Received::Head {
                stream,
                fields,
                ends,
            } => self.take_head(stream, &fields, ends),
            Received::Frame(frame) if frame.stream == 0 => self.take_of_connection(&frame),
            Received::Frame(frame) if frame.stream == self.id => self.take_of_stream(&frame),
            // There is no other stream. One that was refused may have frames on the way.
            Received::Frame(_) => Ok(()),
        }
    }

    fn take_head(&mut self, stream: u32, fields: &fields::Fields, ends: bool) -> io::Result<()> {
        let is_first = !self.has_head;
        match self.side {
            Side::Server if is_first => self.id = stream,
            Side::Server if stream != self.id => {
                let refusal = Frame::rst_stream(stream, code::REFUSED_STREAM);
                self.connection.queue(&refusal);
                return Ok(());
            }
            Side::Client if is_interim(fields) => return Ok(()),
            _ => {}
        }
        if !is_first {
            return violation("the stream of a WebSocket has a second head");
        }
        self.has_head = true;
        self.input = fields::to_text(fields);
        self.uncounted = self.input.len();
        if ends {
            self.end = Some(End::Orderly);
        }
        Ok(())
    }

    fn take_of_connection(&mut self, frame: &Frame) -> io::Result<()> {
        self.connection.acknowledge(frame);
        match (frame.kind, frame.number()) {
            (kind::SETTINGS, _) if !frame.has(flag::ACK) => {
                let before = i64::from(self.theirs.window);
                self.theirs.apply(frame);
                self.windows.stream += i64::from(self.theirs.window) - before;
                self.has_settings = true;
            }
            (kind::WINDOW_UPDATE, Some(increment)) => {
                self.windows.connection += i64::from(increment);
            }
            (kind::GOAWAY, Some(last)) if self.side == Side::Client && last < self.id => {
                self.end.get_or_insert(End::Reset);
            }
            _ => {}
        }
        Ok(())
    }

    fn take_of_stream(&mut self, frame: &Frame) -> io::Result<()> {
        match (frame.kind, frame.number()) {
            (kind::DATA, _) => self.take_data(frame)?,
            (kind::WINDOW_UPDATE, Some(increment)) => self.windows.stream += i64::from(increment),
            (kind::RST_STREAM, _) => {
                self.is_deaf = true;
                self.end.get_or_insert(End::Reset);
            }
            _ => {}
        }
        Ok(())
    }

    fn take_data(&mut self, frame: &Frame) -> io::Result<()> {
        let Some(content) = frame.content() else {
            return violation("DATA has more padding than payload");
        };
        if self.end.is_some() {
            return violation("DATA follows END_STREAM");
        }
        let len = u32::try_from(frame.payload.len()).unwrap_or(u32::MAX);
        let Some(left) = self.windows.theirs.checked_sub(len) else {
            return violation("DATA is longer than the window");
        };
        self.windows.theirs = left;
        self.input.extend_from_slice(content);
        // Padding is never read.
        self.windows.credit += len - content.len() as u32;
        if frame.has(flag::END_STREAM) {
            self.end = Some(End::Orderly);
        }
        Ok(())
    }
}

impl Stream {
    /// Takes bytes of the suite's head. Sends the head when it is complete.
    fn write_head(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.side {
            Side::Client if !self.has_settings && self.end.is_some() => {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, NO_HTTP2));
            }
            Side::Client if !self.has_settings => return Err(io::ErrorKind::WouldBlock.into()),
            Side::Client if !self.theirs.enable_connect => {
                self.end = Some(End::Reset);
                return violation(NO_CONNECT);
            }
            Side::Client | Side::Server => {}
        }
        let before = self.head.len();
        self.head.extend_from_slice(bytes);
        let Some(len) = head_len(&self.head) else {
            return Ok(bytes.len());
        };
        let fields = fields::from_text(&self.head[..len]);
        self.connection.queue(&Frame::headers(self.id, &fields));
        self.state = State::Open;
        Ok(len - before)
    }

    /// Queues as many bytes as the windows allow, as DATA.
    fn write_data(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.connection.flush()?;
        let window = self.windows.stream.min(self.windows.connection);
        let window = usize::try_from(window).unwrap_or(0);
        let count = bytes.len().min(window).min(MAX_WRITE);
        if count == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        for piece in bytes[..count].chunks(self.theirs.max_frame) {
            self.connection.queue(&Frame::data(self.id, piece));
        }
        self.windows.stream -= count as i64;
        self.windows.connection -= count as i64;
        Ok(count)
    }

    /// Lets the other side send again what was read, in portions.
    fn give_credit(&mut self) {
        let credit = self.windows.credit;
        if credit > CREDIT {
            self.windows.credit = 0;
            self.windows.theirs += credit;
            self.connection.queue(&Frame::window_update(0, credit));
            let stream = Frame::window_update(self.id, credit);
            if self.end.is_none() {
                self.connection.queue(&stream);
            }
        }
    }

    /// Ends the suite's direction, if a head has opened it.
    fn end(&mut self) {
        if self.state == State::Open {
            self.state = State::Ended;
            let last = Frame::data(self.id, "").with(flag::END_STREAM);
            self.connection.queue(&last);
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.turn()?;
        if self.input.is_empty() {
            return match self.end {
                None => Err(io::ErrorKind::WouldBlock.into()),
                Some(End::Orderly) => Ok(0),
                Some(End::Reset) => Err(self.cause()),
            };
        }
        let count = buffer.len().min(self.input.len());
        buffer[..count].copy_from_slice(&self.input[..count]);
        self.input.drain(..count);
        let of_head = count.min(self.uncounted);
        self.uncounted -= of_head;
        self.windows.credit += (count - of_head) as u32;
        self.give_credit();
        Ok(count)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.turn()?;
        if self.end == Some(End::Reset) {
            return Err(self.cause());
        }
        if self.is_deaf {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = match self.state {
            State::New | State::Started => self.write_head(bytes)?,
            State::Open => self.write_data(bytes)?,
            State::Ended | State::Lent => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        self.turn()?;
        Ok(count)
    }

    /// Receives nothing: what arrives before a wait has to end this wait.
    fn flush(&mut self) -> io::Result<()> {
        self.connection.flush()
    }
}

impl Transport for Stream {
    fn source(&mut self) -> &mut dyn Source {
        self.connection.inner.source()
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.end();
        self.turn()
    }

    fn reset_at_end(&mut self) {
        self.resets = true;
    }

    fn is_broken(&self) -> bool {
        self.end == Some(End::Reset) || self.connection.inner.is_broken()
    }

    fn http2(&mut self) -> Option<&mut Stream> {
        Some(self)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        match self.state {
            State::New | State::Lent => return,
            State::Open if self.resets => {
                let reset = Frame::rst_stream(self.id, code::CANCEL);
                self.connection.queue(&reset);
            }
            State::Started | State::Open | State::Ended => self.end(),
        }
        let last = match self.side {
            Side::Client => 0,
            Side::Server => self.id,
        };
        self.connection.queue(&Frame::go_away(last, code::NO_ERROR));
        // A side that does not read misses these frames.
        let _ = self.connection.flush();
    }
}

/// Returns `true` for a response that another one follows (RFC 9113 §8.1).
fn is_interim(fields: &fields::Fields) -> bool {
    let mut status = fields.iter().filter(|(name, _)| name == ":status");
    status.any(|(_, status)| status.starts_with('1'))
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
