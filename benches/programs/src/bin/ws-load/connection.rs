//! A connection that writes prepared messages and counts their echoes.

use std::io;

use anyhow::{Context, Result, ensure};
use mio::Interest;
use mio::net::TcpStream;

use crate::replies::{Replies, ReplyForm};
use crate::sockets::Sockets;
use crate::stream::Stream;
use crate::traffic::Traffic;

/// A connection to an echo server.
pub(crate) struct Connection {
    stream: Stream<TcpStream>,
    replies: Replies,
    /// The number of messages that may be sent, including those that have been sent.
    allowed: u64,
    /// The number of bytes that have been sent.
    sent: u64,
    /// The number of messages that were echoed.
    completed: u64,
    /// `false` after a write that found the socket full, until the socket is writable again.
    has_room: bool,
}

/// The result of one read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    /// The number of messages whose echoes are complete.
    pub(crate) messages: u64,
    /// `true` if the socket may have more bytes.
    pub(crate) has_more: bool,
}

impl Connection {
    /// Makes a connection of each stream. The events of its socket have its index as token.
    pub(crate) fn all(
        streams: Vec<Stream<std::net::TcpStream>>,
        form: ReplyForm,
        sockets: &Sockets,
    ) -> Result<Vec<Self>> {
        let streams = streams.into_iter().enumerate();
        let connections = streams.map(|(index, stream)| {
            let stream = sockets.add(stream, index, Interest::READABLE | Interest::WRITABLE)?;
            Ok(Self::new(stream, form))
        });
        connections.collect()
    }

    /// Makes a connection on which no message is in flight. No message may be sent yet.
    pub(crate) fn new(stream: Stream<TcpStream>, form: ReplyForm) -> Self {
        Self {
            stream,
            replies: Replies::new(form),
            allowed: 0,
            sent: 0,
            completed: 0,
            has_room: true,
        }
    }

    /// Allows `messages` more messages to be sent.
    pub(crate) fn allow(&mut self, messages: u64) {
        self.allowed += messages;
    }

    /// Returns `true` if all messages that may be sent were echoed.
    pub(crate) fn is_idle(&self) -> bool {
        self.completed == self.allowed
    }

    /// Checks that the last reply is complete.
    pub(crate) fn ensure_between_messages(&self) -> Result<()> {
        let is_between = self.replies.is_between_messages();
        ensure!(is_between, "the server sent more than the echoes");
        Ok(())
    }

    /// Records that the socket is writable again.
    pub(crate) fn becomes_writable(&mut self) {
        self.has_room = true;
    }

    /// Reads once.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<Received> {
        let mut messages = 0;
        let replies = &mut self.replies;
        let has_more = self.stream.receive(buffer, |bytes| {
            messages += replies.arrived(bytes);
        })?;
        self.completed += messages;
        Ok(Received { messages, has_more })
    }

    /// Returns `true` if the next write sends the first byte of a message, and no other message is
    /// in flight.
    pub(crate) fn begins_message(&self, traffic: &Traffic) -> bool {
        self.has_room
            && self.completed < self.allowed
            && self.sent == traffic.position_after(self.completed)
    }

    /// Returns the number of bytes that have been sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Writes the messages that may be sent, until the socket is full.
    pub(crate) fn write(&mut self, traffic: &Traffic) -> Result<()> {
        while self.can_write(traffic) {
            self.write_some(traffic, usize::MAX)?;
        }
        Ok(())
    }

    /// Writes at most `limit` bytes of the messages that may be sent.
    pub(crate) fn write_some(&mut self, traffic: &Traffic, limit: usize) -> Result<()> {
        if !self.can_write(traffic) {
            return Ok(());
        }
        let slice = traffic.slice(self.sent, traffic.position_after(self.allowed));
        let slice = &slice[..slice.len().min(limit)];
        match self.stream.send(slice) {
            Ok(len) => {
                self.has_room = len == slice.len();
                self.sent += len as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.has_room = false,
            Err(error) => return Err(error).context("cannot write"),
        }
        Ok(())
    }

    fn can_write(&self, traffic: &Traffic) -> bool {
        let has_bytes = || self.sent < traffic.position_after(self.allowed);
        self.has_room && (has_bytes() || self.stream.is_sending())
    }
}
