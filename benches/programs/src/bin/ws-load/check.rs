//! The check before the measurement. It compares the echoes of the server with the messages, and
//! detects the form of the replies.

use std::io::{self, Read};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest};

use crate::deflate::Inflater;
use crate::handshake::{Opened, Target};
use crate::replies::{Header, ReplyForm};
use crate::sockets::{READ_LEN, Sockets};
use crate::stream::Stream;
use crate::traffic::{Compression, Kind, Traffic};

/// The result of a check.
pub(crate) struct Checked {
    pub(crate) traffic: Traffic,
    pub(crate) form: ReplyForm,
    pub(crate) extensions: Option<String>,
    /// The number of messages that were echoed during the check.
    pub(crate) messages: u64,
    /// The length of all payloads, divided by the length of all replies with headers.
    pub(crate) ratio: f64,
}

/// Sends every prepared message, and then the first two messages again. Compares each echo with its
/// message.
pub(crate) fn check(target: &Target, kind: Kind, ahead: usize) -> Result<Checked> {
    let Opened { stream, extensions } = target.open()?;
    let traffic = Traffic::new(kind, compression(extensions.as_deref()), ahead);
    let count = traffic.ring_messages() + 2;
    let end = traffic.position_after(count as u64);
    let mut replies = ReplyReader {
        input: Exchange::new(stream, &traffic, end)?,
        inflater: Inflater::new(!agreed(extensions.as_deref(), "server_no_context_takeover")),
        limit: kind.len,
        wire_len: 0,
        frame_lens: Vec::new(),
    };
    match target.raw {
        true => replies.expect_bytes(&traffic, end)?,
        false => (0..count).try_for_each(|index| replies.expect(traffic.message(index)))?,
    }
    let (wire_len, frame_lens) = (replies.wire_len, replies.frame_lens);
    Ok(Checked {
        form: form(target.raw, &frame_lens, &traffic, count),
        ratio: (count * kind.len) as f64 / wire_len as f64,
        messages: count as u64,
        traffic,
        extensions,
    })
}

/// Returns the compression that the server's answer permits to the client.
fn compression(extensions: Option<&str>) -> Compression {
    match extensions {
        None => Compression::Off,
        some => Compression::On {
            takeover: !agreed(some, "client_no_context_takeover"),
        },
    }
}

fn agreed(extensions: Option<&str>, parameter: &str) -> bool {
    extensions.is_some_and(|value| value.split([';', ',']).any(|part| part.trim() == parameter))
}

/// A connection during the check. A read that waits for replies also sends the messages, because
/// the server stops reading when its replies are not read.
struct Exchange<'a> {
    sockets: Sockets,
    stream: Stream<TcpStream>,
    traffic: &'a Traffic,
    sent: u64,
    /// The position at which the messages end.
    end: u64,
    buffer: Vec<u8>,
    /// The received bytes, of which `read` have been read.
    received: Vec<u8>,
    read: usize,
}

impl<'a> Exchange<'a> {
    fn new(stream: Stream<std::net::TcpStream>, traffic: &'a Traffic, end: u64) -> Result<Self> {
        let sockets = Sockets::new()?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        Ok(Self {
            stream: sockets.add(stream, 0, interest)?,
            sockets,
            traffic,
            sent: 0,
            end,
            buffer: vec![0; READ_LEN],
            received: Vec::new(),
            read: 0,
        })
    }

    /// Waits until bytes have been received.
    fn receive(&mut self) -> Result<()> {
        let mut events = Events::with_capacity(1);
        let mut last_event = Instant::now();
        self.received.clear();
        self.read = 0;
        loop {
            self.send().context("cannot send")?;
            let received = &mut self.received;
            self.stream
                .receive(&mut self.buffer, |bytes| received.extend(bytes))?;
            if !received.is_empty() {
                return Ok(());
            }
            self.sockets.wait(&mut events, &mut last_event)?;
        }
    }

    /// Sends messages until the socket is full.
    fn send(&mut self) -> io::Result<()> {
        while self.sent < self.end || self.stream.is_sending() {
            let slice = self.traffic.slice(self.sent, self.end);
            match self.stream.send(slice) {
                Ok(len) => self.sent += len as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Read for Exchange<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.received.len() {
            self.receive().map_err(io::Error::other)?;
        }
        let len = self.received[self.read..].as_ref().read(buffer)?;
        self.read += len;
        Ok(len)
    }
}

/// A reader of whole replies.
struct ReplyReader<'a> {
    input: Exchange<'a>,
    inflater: Inflater,
    /// The length of a message, which is also the longest permitted reply after inflation.
    limit: usize,
    /// The number of bytes in all replies, headers included.
    wire_len: u64,
    frame_lens: Vec<u64>,
}

impl ReplyReader<'_> {
    fn expect(&mut self, message: &[u8]) -> Result<()> {
        let reply = self.message().context("the server did not echo")?;
        ensure!(
            reply == message,
            "the echo differs from the message that was sent"
        );
        Ok(())
    }

    fn message(&mut self) -> Result<Vec<u8>> {
        let mut payload = Vec::new();
        let mut compressed = false;
        loop {
            let header = self.header()?;
            ensure!(header.opcode != 8, "the server closed the connection");
            let begin = payload.len();
            let len = usize::try_from(header.payload_len)?;
            ensure!(
                begin + len <= 2 * self.limit + 1024,
                "the reply is too long"
            );
            payload.resize(begin + len, 0);
            self.input.read_exact(&mut payload[begin..])?;
            self.frame_lens.push(header.len as u64 + header.payload_len);
            self.wire_len += header.len as u64 + header.payload_len;
            if header.opcode > 8 {
                payload.truncate(begin);
                continue;
            }
            compressed |= header.rsv1;
            if header.fin {
                break;
            }
        }
        match compressed {
            true => self.inflater.message(&payload, self.limit),
            false => Ok(payload),
        }
    }

    fn header(&mut self) -> Result<Header> {
        let mut bytes = Vec::new();
        loop {
            let mut byte = [0];
            self.input.read_exact(&mut byte)?;
            bytes.push(byte[0]);
            if let Some(header) = Header::parse(&bytes) {
                return Ok(header);
            }
        }
    }

    fn expect_bytes(&mut self, traffic: &Traffic, end: u64) -> Result<()> {
        let mut buffer = vec![0; 64 << 10];
        while self.wire_len < end {
            let sent = traffic.slice(self.wire_len, end);
            let len = sent.len().min(buffer.len());
            self.input
                .read_exact(&mut buffer[..len])
                .context("the server did not echo")?;
            ensure!(
                buffer[..len] == sent[..len],
                "the echo differs from the message that was sent"
            );
            self.wire_len += len as u64;
        }
        Ok(())
    }
}

/// Returns the form of the replies to the first `count` messages. `frame_lens` are the lengths of
/// their frames.
fn form(raw: bool, frame_lens: &[u64], traffic: &Traffic, count: usize) -> ReplyForm {
    let echoes =
        (0..count as u64).map(|at| traffic.position_after(at + 1) - traffic.position_after(at));
    let lens = match raw {
        true => echoes.collect(),
        false => frame_lens.to_vec(),
    };
    match lens.first() {
        Some(&len) if lens.len() == count && lens.iter().all(|other| *other == len) => {
            ReplyForm::Fixed(len)
        }
        _ => ReplyForm::Framed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_determines_the_compression() {
        let takeover = Compression::On { takeover: true };
        assert_eq!(compression(None), Compression::Off);
        assert_eq!(compression(Some("permessage-deflate")), takeover);
        let server = "permessage-deflate; server_no_context_takeover";
        assert_eq!(compression(Some(server)), takeover);
        let client = "permessage-deflate; server_max_window_bits=12; client_no_context_takeover";
        assert_eq!(
            compression(Some(client)),
            Compression::On { takeover: false }
        );
    }
}
