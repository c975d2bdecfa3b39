//! Before anything is measured: does the server echo, and what do its replies look like?

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use anyhow::{Context, Result, ensure};

use crate::deflate::Inflater;
use crate::handshake::{self, Opened};
use crate::replies::{Header, ReplyForm};
use crate::traffic::{Compression, Kind, Traffic};

/// What was found out about a server.
pub(crate) struct Checked {
    pub(crate) traffic: Traffic,
    pub(crate) form: ReplyForm,
    pub(crate) extensions: Option<String>,
    /// How many messages were echoed for that.
    pub(crate) messages: u64,
    /// Octets of payload that were sent, for each octet that came back.
    pub(crate) ratio: f64,
}

/// Lets the server echo every prepared message, and some once more, and compares.
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
            true => replies.expect_octets(&traffic, end),
            false => (0..count).try_for_each(|index| replies.expect(traffic.message(index))),
        };
        if checked.is_err() {
            // Or the other thread would wait for a server that nobody reads from.
            drop(tcp.shutdown(std::net::Shutdown::Both));
        }
        let sent = sending.join().expect("the sender does not panic");
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

/// What the answer of the server lets us do.
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

/// Reads whole replies.
struct ReplyReader {
    input: BufReader<TcpStream>,
    inflater: Inflater,
    limit: usize,
    wire_len: u64,
    frame_lens: Vec<u64>,
}

impl ReplyReader {
    fn expect(&mut self, message: &[u8]) -> Result<()> {
        let reply = self.message().context("no echo")?;
        ensure!(reply == message, "the echo is not what was sent");
        Ok(())
    }

    fn message(&mut self) -> Result<Vec<u8>> {
        let mut payload = Vec::new();
        let mut compressed = false;
        loop {
            let header = self.header()?;
            ensure!(header.opcode != 8, "the server closes");
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
        let mut octets = Vec::new();
        loop {
            let mut octet = [0];
            self.input.read_exact(&mut octet)?;
            octets.push(octet[0]);
            if let Some(header) = Header::parse(&octets) {
                return Ok(header);
            }
        }
    }

    fn expect_octets(&mut self, traffic: &Traffic, end: u64) -> Result<()> {
        let mut buffer = vec![0; 64 << 10];
        while self.wire_len < end {
            let sent = traffic.slice(self.wire_len, end);
            let len = sent.len().min(buffer.len());
            self.input
                .read_exact(&mut buffer[..len])
                .context("no echo")?;
            ensure!(
                buffer[..len] == sent[..len],
                "the echo is not what was sent"
            );
            self.wire_len += len as u64;
        }
        Ok(())
    }

    /// The form of `count` replies.
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
    fn the_answer_says_how_to_compress() {
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
