//! An echo endpoint on HTTP/2, on a blocking socket.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use loona_hpack::Decoder;

use super::frame::{
    CONTINUATION, DATA, END, END_HEADERS, Fields, Frame, GOAWAY, HEADERS, PADDED, PING, PREFACE,
    PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, all, fields, frame, headers, settings,
};
use super::rules::{AtReset, Credit, Rules};
use crate::testee::Times;
use crate::testees::echo::{Echo, Next};
use crate::testees::{Fault, Pace, Role};

const ENABLE_CONNECT: u16 = 8;
const INITIAL_WINDOW: u16 = 4;
const WINDOW: i64 = 65_535;
const LARGEST: i64 = (1 << 31) - 1;
const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const STREAM_CLOSED: u32 = 5;
const CANCEL: u32 = 8;
/// Longer than any case waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// An endpoint of one connection.
pub(crate) struct Endpoint<'a> {
    tcp: &'a TcpStream,
    rules: &'a Rules,
    role: Role,
    times: Times,
    /// The path that a client requests.
    target: &'a str,
    decoder: Decoder<'static>,
    head: Option<Frame>,
    streams: BTreeMap<u32, Stream>,
    /// The number of the last stream.
    last: u32,
    window: i64,
    new_window: i64,
    settings_seen: usize,
    out: Vec<u8>,
}

/// A stream with its WebSocket.
struct Stream {
    /// `None` before a client has its answer.
    echo: Option<Echo>,
    pending: Vec<u8>,
    window: i64,
    /// The own direction ends after the pending bytes.
    ends: bool,
    has_ended: bool,
    peer_ended: bool,
}

/// The reason why a connection ends.
enum Stop {
    End,
    Error(u32),
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl<'a> Endpoint<'a> {
    pub(crate) fn server(tcp: &'a TcpStream, rules: &'a Rules, times: Times) -> Self {
        Self::new(tcp, rules, Role::Server, times, "")
    }

    pub(crate) fn client(
        tcp: &'a TcpStream,
        rules: &'a Rules,
        times: Times,
        target: &'a str,
    ) -> Self {
        Self::new(tcp, rules, Role::Client, times, target)
    }

    fn new(
        tcp: &'a TcpStream,
        rules: &'a Rules,
        role: Role,
        times: Times,
        target: &'a str,
    ) -> Self {
        Self {
            tcp,
            rules,
            role,
            times,
            target,
            decoder: Decoder::new(),
            head: None,
            streams: BTreeMap::new(),
            last: 0,
            window: WINDOW,
            new_window: WINDOW,
            settings_seen: 0,
            out: Vec::new(),
        }
    }

    /// Serves the connection until it ends.
    pub(crate) fn run(mut self) -> io::Result<()> {
        self.tcp.set_nodelay(true)?;
        self.tcp.set_read_timeout(Some(PATIENCE))?;
        match self.converse() {
            Ok(()) | Err(Stop::End) => self.flush(),
            Err(Stop::Error(code)) => {
                let payload = [self.last.to_be_bytes(), code.to_be_bytes()].concat();
                self.out.extend(frame(GOAWAY, 0, 0, &payload));
                self.flush()?;
                self.linger()
            }
            Err(Stop::Io(error)) => Err(error),
        }
    }

    /// Reads what still arrives, because unread bytes would turn the end into a reset.
    fn linger(&mut self) -> io::Result<()> {
        self.tcp.shutdown(std::net::Shutdown::Write)?;
        self.tcp
            .set_read_timeout(Some(self.times.scaled(Duration::from_secs(1))))?;
        while self.tcp.read(&mut [0; 4096])? > 0 {}
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let out = std::mem::take(&mut self.out);
        self.tcp.write_all(&out)
    }

    fn converse(&mut self) -> Result<(), Stop> {
        let mut input = Vec::new();
        self.begin();
        self.flush()?;
        if self.role == Role::Server {
            let mut preface = [0; 24];
            self.tcp.read_exact(&mut preface)?;
            if preface != PREFACE {
                return Err(Stop::Error(PROTOCOL_ERROR));
            }
        }
        let mut buffer = vec![0; 1 << 16];
        loop {
            while let Some(frame) = Frame::take(&mut input) {
                self.take(frame)?;
            }
            self.send_pending();
            self.flush()?;
            let is_over =
                |it: &Stream| it.has_ended && (it.peer_ended || self.role == Role::Client);
            let any_over = self.streams.values().any(|it| it.has_ended);
            let all_over = !self.streams.is_empty() && self.streams.values().all(is_over);
            let is_done = match self.role {
                Role::Server => self.rules.ends_connection && any_over,
                Role::Client => all_over,
            };
            if is_done {
                return Err(Stop::End);
            }
            match self.tcp.read(&mut buffer)? {
                0 => return Err(Stop::End),
                len => input.extend_from_slice(&buffer[..len]),
            }
        }
    }

    fn begin(&mut self) {
        match self.role {
            Role::Server => {
                self.out.extend(self.rules.first);
                for value in self.rules.enable_connect {
                    self.out.extend(settings(&[(ENABLE_CONNECT, *value)]));
                }
            }
            Role::Client => {
                self.out.extend(PREFACE);
                self.out.extend(self.rules.first);
                self.out.extend(settings(&[(2, 0)]));
                if self.rules.is_hasty {
                    self.request();
                }
            }
        }
    }

    /// Sends the request of a client.
    fn request(&mut self) {
        let mut request = fields(&[
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "http"),
            (":path", self.target),
            (":authority", "localhost"),
            ("sec-websocket-version", "13"),
        ]);
        (self.rules.change)(&mut request);
        self.last = 1;
        self.out.extend(headers(1, 0, &request));
        self.streams.insert(1, Stream::new(self.new_window));
    }

    fn take(&mut self, frame: Frame) -> Result<(), Stop> {
        if self.head.is_some() || matches!(frame.kind, HEADERS | CONTINUATION) {
            return self.take_part_of_head(frame);
        }
        match frame.kind {
            DATA => self.take_data(&frame),
            SETTINGS if !frame.has(END) => self.take_settings(&frame),
            PING if !frame.has(END) => {
                let payload = (self.rules.pong)(frame.payload);
                self.out.extend(super::frame::frame(PING, END, 0, &payload));
                Ok(())
            }
            GOAWAY => self.take_go_away(&frame),
            WINDOW_UPDATE => self.take_window(&frame),
            RST_STREAM => self.take_reset(frame.stream),
            kind if kind <= CONTINUATION => Ok(()),
            _ if self.rules.refuses_unknown => Err(Stop::Error(PROTOCOL_ERROR)),
            _ => Ok(()),
        }
    }

    fn take_part_of_head(&mut self, part: Frame) -> Result<(), Stop> {
        let mut head = match self.head.take() {
            Some(mut head) if part.kind == CONTINUATION => {
                head.payload.extend(part.payload);
                head.flags |= part.flags & END_HEADERS;
                head
            }
            None if part.kind == HEADERS => part,
            _ => return Err(Stop::Error(PROTOCOL_ERROR)),
        };
        if head.kind == HEADERS && self.rules.strips_head {
            strip(&mut head);
        }
        if !head.has(END_HEADERS) {
            if !self.rules.takes_continuation {
                return Err(Stop::Error(PROTOCOL_ERROR));
            }
            self.head = Some(head);
            return Ok(());
        }
        let decoded = self.decoder.decode(&head.payload);
        let Ok(decoded) = decoded else {
            return Err(Stop::Error(PROTOCOL_ERROR));
        };
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let decoded = decoded.into_iter();
        let fields: Fields = decoded
            .map(|(name, value)| (text(name), text(value)))
            .collect();
        let ends = head.has(END) && self.rules.sees_end_of_head;
        match self.role {
            Role::Server => self.take_request(head.stream, &fields, ends),
            Role::Client => self.take_answer(head.stream, &fields, ends),
        }
    }

    fn take_request(&mut self, id: u32, request: &Fields, ends: bool) -> Result<(), Stop> {
        if self.streams.contains_key(&id) {
            self.take_trailers(id);
            return Ok(());
        }
        self.last = id;
        if let Some(reason) = self.rules.requests.failed(request) {
            let answer = fields(&[(":status", "400"), ("x-reason", reason)]);
            self.out.extend(headers(id, END, &answer));
            return Ok(());
        }
        let mut answer = fields(&[(":status", "200")]);
        (self.rules.change)(&mut answer);
        self.out.extend(headers(id, 0, &answer));
        self.streams.insert(id, Stream::new(self.new_window));
        self.open(id);
        if ends {
            self.peer_ended(id);
        }
        Ok(())
    }

    fn take_answer(&mut self, id: u32, answer: &Fields, ends: bool) -> Result<(), Stop> {
        if self.streams.get(&id).is_none_or(|it| it.echo.is_some()) {
            self.take_trailers(id);
            return Ok(());
        }
        let status = all(answer, ":status").concat();
        if (self.rules.is_interim)(&status) {
            return Ok(());
        }
        if self.rules.responses.failed(answer).is_some() {
            self.reset(id, CANCEL);
            return Ok(());
        }
        self.open(id);
        if ends {
            self.peer_ended(id);
        }
        Ok(())
    }

    fn take_trailers(&mut self, id: u32) {
        if self.rules.refuses_trailers {
            self.reset(id, PROTOCOL_ERROR);
        }
    }

    fn open(&mut self, id: u32) {
        let fault: Fault = self.rules.echo.parse().expect("a fault has this name");
        let pace = Pace::scaled(self.times.scale);
        let echo = Echo::new(fault.rules(), self.role, pace, None);
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.echo = Some(echo);
        }
    }

    fn take_data(&mut self, data: &Frame) -> Result<(), Stop> {
        let mut id = data.stream;
        let mut content = data.payload.clone();
        if data.has(PADDED) && self.rules.strips_data {
            let padding = usize::from(content.remove(0));
            match content.len().checked_sub(padding) {
                Some(len) => content.truncate(len),
                None if self.rules.checks_padding => return Err(Stop::Error(PROTOCOL_ERROR)),
                None => content.clear(),
            }
        }
        self.give_credit(id, data.payload.len(), content.len());
        let Some(stream) = self.streams.get(&id) else {
            return Ok(());
        };
        if stream.peer_ended {
            if self.rules.checks_half_closed {
                self.reset(id, STREAM_CLOSED);
            }
            return Ok(());
        }
        if self.rules.mixes_streams {
            id = self.last;
        }
        content.truncate(self.rules.takes);
        self.echo(id, &content)?;
        let is_empty = content.is_empty() && self.rules.ends_at_empty;
        if data.has(END) && self.rules.sees_end_of_data || is_empty {
            self.peer_ended(id);
        }
        Ok(())
    }

    /// Lets the WebSocket react to bytes.
    fn echo(&mut self, id: u32, content: &[u8]) -> Result<(), Stop> {
        let Some(stream) = self.streams.get_mut(&id) else {
            return Ok(());
        };
        let Some(echo) = stream.echo.as_mut().filter(|_| !stream.ends) else {
            return Ok(());
        };
        let next = echo.receive(content, Instant::now());
        stream.pending.extend(echo.take_output());
        match next {
            Next::Read => {}
            Next::End { failed: true } if self.rules.fails_connection => {
                return Err(Stop::Error(PROTOCOL_ERROR));
            }
            Next::End { .. } | Next::Drop | Next::Die => stream.ends = self.rules.ends_streams,
        }
        Ok(())
    }

    fn give_credit(&mut self, id: u32, len: usize, content: usize) {
        let len = match self.rules.gives_credit {
            Credit::All => len,
            Credit::WithoutPadding => content,
            Credit::None => 0,
        };
        if len > 0 {
            let increment = (len as u32).to_be_bytes();
            self.out.extend(frame(WINDOW_UPDATE, 0, 0, &increment));
            if self.streams.get(&id).is_some_and(|it| !it.peer_ended) {
                self.out.extend(frame(WINDOW_UPDATE, 0, id, &increment));
            }
        }
    }

    /// The peer has ended its direction of a stream. The own one ends, too.
    fn peer_ended(&mut self, id: u32) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.peer_ended = true;
            stream.ends |= self.rules.ends_streams;
        }
    }

    fn take_settings(&mut self, frame: &Frame) -> Result<(), Stop> {
        self.settings_seen += 1;
        for parameter in frame.payload.chunks_exact(6) {
            let id = u16::from_be_bytes([parameter[0], parameter[1]]);
            let value =
                u32::from_be_bytes([parameter[2], parameter[3], parameter[4], parameter[5]]);
            if (self.rules.bad_parameter)(id) {
                return Err(Stop::Error(PROTOCOL_ERROR));
            }
            if id == INITIAL_WINDOW {
                let change = i64::from(value) - self.new_window;
                self.new_window += change;
                if self.rules.adjusts_windows {
                    self.streams.values_mut().for_each(|it| it.window += change);
                }
            }
        }
        if self.settings_seen <= self.rules.acknowledges {
            self.out.extend(super::frame::frame(SETTINGS, END, 0, b""));
        }
        if let (2, Some(value)) = (self.settings_seen, self.rules.enable_connect_later) {
            self.out.extend(settings(&[(ENABLE_CONNECT, value)]));
        }
        if self.role == Role::Client && self.streams.is_empty() {
            self.request();
        }
        Ok(())
    }

    fn take_window(&mut self, frame: &Frame) -> Result<(), Stop> {
        let increment = i64::from(frame.number());
        if frame.stream == 0 {
            self.window += increment;
            if self.window > LARGEST && self.rules.checks_connection_overflow {
                return Err(Stop::Error(FLOW_CONTROL_ERROR));
            }
            return Ok(());
        }
        let Some(stream) = self.streams.get_mut(&frame.stream) else {
            return Ok(());
        };
        stream.window += increment;
        let is_too_large = stream.window > LARGEST && self.rules.checks_stream_overflow;
        if is_too_large || increment == 0 && self.rules.checks_zero {
            self.reset(frame.stream, FLOW_CONTROL_ERROR);
        }
        Ok(())
    }

    fn take_reset(&mut self, id: u32) -> Result<(), Stop> {
        let Some(stream) = self.streams.get_mut(&id) else {
            return Ok(());
        };
        match self.rules.at_reset {
            AtReset::End => return Err(Stop::Error(CANCEL)),
            AtReset::Ignore => return Ok(()),
            AtReset::Close => {
                // An empty Close, masked with zeros by a client.
                let close: &[u8] = match self.role {
                    Role::Server => b"\x88\0",
                    Role::Client => b"\x88\x80\0\0\0\0",
                };
                self.out.extend(frame(DATA, 0, id, close));
            }
            AtReset::Forget => {}
        }
        (stream.has_ended, stream.peer_ended) = (true, true);
        stream.pending.clear();
        Ok(())
    }

    fn take_go_away(&mut self, frame: &Frame) -> Result<(), Stop> {
        let leaves_out = self.role == Role::Client && frame.number() < self.last;
        if self.rules.ends_at_go_away || leaves_out && self.rules.sees_unprocessed {
            return Err(Stop::End);
        }
        Ok(())
    }

    /// Resets a stream.
    fn reset(&mut self, id: u32, code: u32) {
        self.out
            .extend(frame(RST_STREAM, 0, id, &code.to_be_bytes()));
        if let Some(stream) = self.streams.get_mut(&id) {
            (stream.has_ended, stream.peer_ended) = (true, true);
            stream.pending.clear();
        }
    }

    /// Sends what the windows allow.
    fn send_pending(&mut self) {
        let rules = self.rules;
        for (id, stream) in &mut self.streams {
            while !stream.pending.is_empty() && !stream.has_ended {
                let mut room = i64::try_from(rules.max_data).unwrap_or(i64::MAX);
                if rules.obeys_stream_window {
                    room = room.min(stream.window);
                }
                if rules.obeys_connection_window {
                    room = room.min(self.window);
                }
                if room < rules.least_window {
                    break;
                }
                let len = stream.pending.len().min(room as usize);
                let piece: Vec<_> = stream.pending.drain(..len).collect();
                self.out.extend(frame(DATA, 0, *id, &piece));
                stream.window -= len as i64;
                self.window -= len as i64;
            }
            if stream.ends && stream.pending.is_empty() && !stream.has_ended {
                stream.has_ended = true;
                self.out.extend(frame(DATA, END, *id, b""));
            }
            if rules.stalls_all && !stream.pending.is_empty() {
                return;
            }
        }
    }
}

impl Stream {
    fn new(window: i64) -> Self {
        Self {
            echo: None,
            pending: Vec::new(),
            window,
            ends: false,
            has_ended: false,
            peer_ended: false,
        }
    }
}

/// Removes padding and priority from HEADERS.
fn strip(head: &mut Frame) {
    if head.has(PADDED) && !head.payload.is_empty() {
        let padding = usize::from(head.payload.remove(0));
        head.payload
            .truncate(head.payload.len().saturating_sub(padding));
    }
    if head.has(PRIORITY) {
        head.payload.drain(..5.min(head.payload.len()));
    }
    head.flags &= !(PADDED | PRIORITY);
}
