//! The testee at the other end of HTTP/2, for cases that send and expect single frames.
//!
//! The connection keeps an account of its streams. It checks by itself that the testee obeys the
//! flow control, the longest frame and the end of each stream.

mod expect;
mod socket;

pub(crate) use socket::{Socket, answer};

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use super::opening::shown;
use super::{Peer, REPLY};
use crate::dialogue::Miss;
use crate::http2::{
    Connection, DEFAULT_WINDOW, Fields, Frame, MAX_PAYLOAD, PREFACE, Received, Settings, code,
    flag, kind, setting,
};
use crate::role::Role;

/// The connection to the testee.
pub(crate) struct Http2<'p, 'a> {
    peer: &'p mut Peer<'a>,
    /// The parameters of the testee that are in effect.
    theirs: Settings,
    /// All parameters that the testee sent, in order.
    pub(crate) parameters: Vec<(u16, u32)>,
    /// The type of the first frame of the testee.
    pub(crate) first_kind: Option<u8>,
    /// `true` if the testee has sent SETTINGS.
    has_settings: bool,
    /// The number of SETTINGS that the testee acknowledged.
    pub(crate) acknowledged: usize,
    /// The payloads of the PING frames that the testee answered.
    pongs: Vec<Vec<u8>>,
    streams: BTreeMap<u32, Stream>,
    /// The bytes that the testee may send on the connection, and on a new stream.
    window: i64,
    new_window: i64,
    /// `true` if the testee gets back the window of what it sends.
    pub(crate) gives_credit: bool,
    /// The bytes that the suite may send on the connection.
    room: i64,
    /// The error code of GOAWAY.
    gone: Option<u32>,
    /// `true` at the end of TCP.
    is_over: bool,
    next_stream: u32,
}

/// A stream.
#[derive(Clone, Debug, Default)]
struct Stream {
    /// The head of the testee.
    head: Option<Fields>,
    /// The bytes of DATA that were not taken.
    input: Vec<u8>,
    end: Option<StreamEnd>,
    /// The bytes that the testee may send.
    window: i64,
    /// The bytes that the suite may send.
    room: i64,
}

/// The end of the testee's direction of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    /// END_STREAM.
    Orderly,
    /// RST_STREAM with this code.
    Reset(u32),
}

impl<'p, 'a> Http2<'p, 'a> {
    /// Begins the connection to a server, with these parameters. The connection of a client has
    /// begun, so that it gets them in another SETTINGS frame.
    pub(crate) fn start(peer: &'p mut Peer<'a>, parameters: &[(u16, u32)]) -> Result<Self, Miss> {
        let Some(stream) = peer.link.http2() else {
            return Miss::not_applicable("The connection is not over HTTP/2.");
        };
        let (theirs, id, (room, room_of_connection)) =
            (stream.theirs(), stream.id(), stream.room());
        let is_client = peer.testee == Role::Client;
        let mut http2 = Self {
            peer,
            theirs,
            parameters: Vec::new(),
            first_kind: None,
            has_settings: is_client,
            acknowledged: 0,
            pongs: Vec::new(),
            streams: BTreeMap::new(),
            window: DEFAULT_WINDOW.into(),
            new_window: DEFAULT_WINDOW.into(),
            gives_credit: true,
            room: room_of_connection,
            gone: None,
            is_over: false,
            next_stream: 1,
        };
        if is_client {
            let stream = Stream {
                window: DEFAULT_WINDOW.into(),
                room,
                ..Stream::default()
            };
            http2.streams.insert(id, stream);
            http2.next_stream = id;
        } else {
            http2.connection().queue_bytes(PREFACE);
        }
        if !is_client || !parameters.is_empty() {
            http2.send_settings(parameters)?;
        }
        Ok(http2)
    }

    fn connection(&mut self) -> &mut Connection {
        let stream = self.peer.link.http2();
        stream.expect("`start` has checked it").lend()
    }

    pub(crate) fn testee(&self) -> Role {
        self.peer.testee
    }

    /// Sends SETTINGS. A new window also changes those of open streams (RFC 9113 §6.9.2).
    pub(crate) fn send_settings(&mut self, parameters: &[(u16, u32)]) -> Result<(), Miss> {
        for &(id, value) in parameters {
            if id == setting::INITIAL_WINDOW_SIZE {
                let change = i64::from(value) - self.new_window;
                self.new_window += change;
                self.streams.values_mut().for_each(|it| it.window += change);
            }
        }
        self.send(&Frame::settings(parameters))
    }

    /// Sends a frame.
    pub(crate) fn send(&mut self, frame: &Frame) -> Result<(), Miss> {
        self.send_together(std::slice::from_ref(frame))
    }

    /// Sends frames in one write. Frames to a testee that has ended TCP are dropped, because its
    /// reaction decides.
    pub(crate) fn send_together(&mut self, frames: &[Frame]) -> Result<(), Miss> {
        for frame in frames {
            self.peer
                .said
                .channel
                .log
                .bytes_sent(&frame.encode(), false);
            self.peer.unanswered += frame.payload.len();
            self.connection().queue(frame);
            if frame.kind == kind::DATA {
                let len = frame.payload.len() as i64;
                self.room -= len;
                self.stream(frame.stream).room -= len;
            }
        }
        loop {
            match self.connection().flush() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => return Ok(()),
            }
            let limit = self.reply_time();
            if !self.receive()? && !self.peer.wait(limit)? {
                return Miss::must("The testee does not read what is sent.");
            }
        }
    }

    /// Lets the testee send so many bytes more, on a stream or, with 0, on the connection.
    pub(crate) fn grant(&mut self, stream: u32, increment: u32) -> Result<(), Miss> {
        match stream {
            0 => self.window += i64::from(increment),
            _ => self.stream(stream).window += i64::from(increment),
        }
        self.send(&Frame::window_update(stream, increment))
    }

    /// Sends bytes of a tunnel as DATA, as soon as the windows of the testee allow.
    pub(crate) fn send_data(&mut self, stream: u32, bytes: &[u8]) -> Result<(), Miss> {
        for piece in bytes.chunks(MAX_PAYLOAD) {
            let mut rest = piece;
            while !rest.is_empty()
                && let Some(room) = self.wait_for_room(stream, 1)?
            {
                let (now, later) = rest.split_at(rest.len().min(room));
                self.send(&Frame::data(stream, now))?;
                rest = later;
            }
        }
        Ok(())
    }

    /// Sends DATA frames, each as soon as the windows of the testee allow.
    pub(crate) fn send_in_room(&mut self, frames: &[Frame]) -> Result<(), Miss> {
        for frame in frames {
            self.wait_for_room(frame.stream, frame.payload.len())?;
            self.send(frame)?;
        }
        Ok(())
    }

    /// Waits until the suite may send `len` bytes. Returns how many it may send, or `None` if the
    /// testee has ended the stream.
    fn wait_for_room(&mut self, stream: u32, len: usize) -> Result<Option<usize>, Miss> {
        let limit = self.reply_time();
        let room = self.until(limit, |it| {
            let state = it.stream(stream);
            let is_ended = state.end.is_some();
            let room = state.room.min(it.room).try_into().unwrap_or(0);
            (room >= len || is_ended).then_some((!is_ended).then_some(room))
        })?;
        match room {
            Some(room) => Ok(room),
            None if self.is_over => Ok(None),
            None => Miss::must("The testee does not enlarge its window for what is sent."),
        }
    }

    /// Returns the deadline of a reaction.
    pub(crate) fn reply_time(&self) -> Instant {
        self.peer.reply_time()
    }

    /// Returns the deadline of something that may take this time.
    pub(crate) fn in_time(&self, time: Duration) -> Instant {
        self.peer.in_time(time)
    }

    /// Receives until `done` returns something. Returns `None` after the limit, or at the end of
    /// TCP.
    pub(crate) fn until<T>(
        &mut self,
        limit: Instant,
        mut done: impl FnMut(&mut Self) -> Option<T>,
    ) -> Result<Option<T>, Miss> {
        loop {
            if let Some(result) = done(self) {
                self.peer.unanswered = 0;
                return Ok(Some(result));
            }
            if self.is_over || !self.receive()? && !self.peer.wait(limit)? {
                return Ok(None);
            }
        }
    }

    /// Receives for this time.
    pub(crate) fn pause(&mut self, time: Duration) -> Result<(), Miss> {
        let limit = self.in_time(time);
        self.until(limit, |_| None::<()>).map(drop)
    }

    /// Receives a part of what has arrived. Returns `false` if there was nothing.
    fn receive(&mut self) -> Result<bool, Miss> {
        match self.connection().receive() {
            Ok(received) => self.take(received)?,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Miss::must(format!("The testee breaks a rule of HTTP/2: {error}."));
            }
            Err(_) => self.is_over = true,
        }
        Ok(true)
    }

    fn take(&mut self, received: Received) -> Result<(), Miss> {
        let kind = match &received {
            Received::Head { .. } => kind::HEADERS,
            Received::Frame(frame) => frame.kind,
        };
        self.first_kind.get_or_insert(kind);
        match received {
            Received::Head {
                stream,
                fields,
                ends,
            } => self.take_head(stream, fields, ends),
            Received::Frame(frame) => {
                self.peer.said.channel.log.bytes_received(&frame.encode());
                if frame.payload.len() > MAX_PAYLOAD {
                    return Miss::must("The testee sent a frame that is longer than 16,384 bytes.");
                }
                match frame.kind {
                    kind::DATA => self.take_data(&frame),
                    kind::PUSH_PROMISE => Miss::must("The testee sent PUSH_PROMISE."),
                    _ => {
                        self.take_other(&frame);
                        Ok(())
                    }
                }
            }
        }
    }

    fn take_head(&mut self, stream: u32, fields: Fields, ends: bool) -> Result<(), Miss> {
        let text: String = fields
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        self.peer.said.channel.log.bytes_received(text.as_bytes());
        let is_interim = status(&fields).is_some_and(|status| status / 100 == 1 && status != 101);
        let said = &mut self.peer.said.handshake;
        if self.peer.testee == Role::Server && said.response.is_none() {
            said.response = Some(shown(text.as_bytes()));
            let server = fields.iter().find(|(name, _)| name == "server");
            said.server = server.map(|(_, value)| value.clone());
        }
        let state = self.stream(stream);
        if is_interim {
            return Ok(());
        }
        if state.head.is_some() {
            return Miss::must("The testee sent a second head on the stream of a WebSocket.");
        }
        state.head = Some(fields);
        if ends {
            state.end.get_or_insert(StreamEnd::Orderly);
        }
        Ok(())
    }

    fn take_data(&mut self, frame: &Frame) -> Result<(), Miss> {
        let Some(content) = frame.content() else {
            return Miss::must("The testee sent DATA with more padding than payload.");
        };
        let len = frame.payload.len() as i64;
        let state = self.streams.entry(frame.stream).or_default();
        match state.end {
            // What follows a reset may have been on the way.
            Some(StreamEnd::Orderly) => {
                return Miss::must("The testee sent DATA after END_STREAM.");
            }
            Some(StreamEnd::Reset(_)) => {
                return Miss::must("The testee sent DATA after RST_STREAM.");
            }
            None => {}
        }
        if len > state.window {
            let left = state.window;
            return Miss::must(format!(
                "The testee sent {len} bytes of DATA, but the window of the stream had {left}."
            ));
        }
        if len > self.window {
            let left = self.window;
            return Miss::must(format!(
                "The testee sent {len} bytes of DATA, but the window of the connection had {left}."
            ));
        }
        state.window -= len;
        self.window -= len;
        state.input.extend_from_slice(content);
        if frame.has(flag::END_STREAM) {
            state.end = Some(StreamEnd::Orderly);
        }
        if self.gives_credit && len > 0 {
            self.grant(0, len as u32)?;
            self.grant(frame.stream, len as u32)?;
        }
        Ok(())
    }

    fn take_other(&mut self, frame: &Frame) {
        self.connection().acknowledge(frame);
        let is_ack = frame.has(flag::ACK);
        let number = frame.number();
        match frame.kind {
            kind::SETTINGS if is_ack => self.acknowledged += 1,
            kind::SETTINGS => {
                let before = i64::from(self.theirs.window);
                self.theirs.apply(frame);
                self.has_settings = true;
                self.parameters.extend(frame.parameters());
                let change = i64::from(self.theirs.window) - before;
                self.streams.values_mut().for_each(|it| it.room += change);
            }
            kind::PING if is_ack => self.pongs.push(frame.payload.clone()),
            kind::GOAWAY => {
                let code = frame.payload.get(4..).and_then(<[u8]>::first_chunk);
                self.gone = code.map(|code| u32::from_be_bytes(*code));
            }
            kind::WINDOW_UPDATE if frame.stream == 0 => {
                self.room += i64::from(number.unwrap_or(0));
            }
            kind::WINDOW_UPDATE => self.stream(frame.stream).room += i64::from(number.unwrap_or(0)),
            kind::RST_STREAM => {
                let reset = StreamEnd::Reset(number.unwrap_or(code::NO_ERROR));
                self.stream(frame.stream).end.get_or_insert(reset);
            }
            _ => {}
        }
    }

    fn stream(&mut self, id: u32) -> &mut Stream {
        let (window, room) = (self.new_window, i64::from(self.theirs.window));
        self.streams.entry(id).or_insert_with(|| Stream {
            window,
            room,
            ..Stream::default()
        })
    }
}

/// Returns the status of a response.
pub(crate) fn status(fields: &Fields) -> Option<u16> {
    let mut fields = fields.iter();
    let (_, status) = fields.find(|(name, _)| name == ":status")?;
    status.parse().ok()
}

/// The time within which the testee reacts to a frame.
pub(crate) const REACTION: Duration = REPLY;
