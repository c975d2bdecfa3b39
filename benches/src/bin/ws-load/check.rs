//! The check before the measurement. It compares the echoes of the server with the messages, and
//! detects the form of the replies.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use anyhow::{Context, Result, ensure};

use crate::deflate::Inflater;
use crate::handshake::{self, Opened};
use crate::replies::{Header, ReplyForm};
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
pub(crate) fn check(
    address: SocketAddr,
    raw: bool,
    deflate: bool,
    kind: Kind,
    ahead: usize,
) -> Result<Checked> {
    let Opened { tcp, extensions } = handshake::open(address, raw, deflate)?;
    let traffic = Traffic::new(kind, compression(extensions.as_deref()), ahead);
    let count = traffic.ring_messages() + 2;
    let end = traffic.position_after(count as u64);
    let mut replies = ReplyReader {
        input: BufReader::with_capacity(64 << 10, tcp.try_clone()?),
        inflater: Inflater::new(!agreed(extensions.as_deref(), "server_no_context_takeover")),
        limit: kind.len,
        wire_len: 0,
        frame_lens: Vec::new(),
    };
    thread::scope(|scope| -> Result<()> {
        let sending = scope.spawn(|| send(&tcp, &traffic, end));
        let checked = match raw {
            true => replies.expect_bytes(&traffic, end),
            false => (0..count).try_for_each(|index| replies.expect(traffic.message(index))),
        };
        if checked.is_err() {
            // This ends the sending thread. Otherwise the thread would wait forever for a server
            // whose output is no longer read.
            drop(tcp.shutdown(std::net::Shutdown::Both));
        }
        let sent = sending.join().expect("the sending thread must not panic");
        checked.and(sent.context("cannot send"))
    })?;
    Ok(Checked {
        form: replies.form(raw, &traffic, count),
        ratio: (count * kind.len) as f64 / replies.wire_len as f64,
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

fn send(mut tcp: &TcpStream, traffic: &Traffic, end: u64) -> std::io::Result<()> {
    let mut position = 0;
    while position < end {
        let slice = traffic.slice(position, end);
        tcp.write_all(slice)?;
        position += slice.len() as u64;
    }
    Ok(())
}

/// A reader of whole replies.
struct ReplyReader {
    input: BufReader<TcpStream>,
    inflater: Inflater,
    /// The length of a message, which is also the longest permitted reply after inflation.
    limit: usize,
    /// The number of bytes in all replies, headers included.
    wire_len: u64,
    frame_lens: Vec<u64>,
}

impl ReplyReader {
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

    /// Returns the form of the replies to the first `count` messages.
    fn form(&self, raw: bool, traffic: &Traffic, count: usize) -> ReplyForm {
        let frame_lens = match raw {
            true => &(0..count as u64)
                .map(|at| traffic.position_after(at + 1) - traffic.position_after(at))
                .collect(),
            false => &self.frame_lens,
        };
        match frame_lens.first() {
            Some(&len)
                if frame_lens.len() == count && frame_lens.iter().all(|other| *other == len) =>
            {
                ReplyForm::Fixed(len)
            }
            _ => ReplyForm::Framed,
        }
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
