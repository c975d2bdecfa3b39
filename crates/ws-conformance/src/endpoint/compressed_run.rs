//! The messages of a task that compresses all of them.

use serde_json::{Value, json};

use super::case_run::Echoes;
use super::connection::Connection;
use crate::channel::{Log, differs};
use crate::deflate::{Coding, Stream};
use crate::script::CompressedEchoes;

/// The messages that are sent and compared.
#[derive(Debug)]
pub(super) struct CompressedRun<'a> {
    pub(super) echoes: &'a CompressedEchoes,
    stream: Stream,
    sent: Bytes,
    received_plain: u64,
}

/// Bytes of messages.
#[derive(Clone, Copy, Debug, Default)]
struct Bytes {
    plain: u64,
    compressed: u64,
}

impl<'a> CompressedRun<'a> {
    pub(super) fn new(echoes: &'a CompressedEchoes, coding: Coding) -> Self {
        Self {
            echoes,
            stream: Stream::new(echoes.data, echoes.len, coding),
            sent: Bytes::default(),
            received_plain: 0,
        }
    }

    /// Sends message number `number`, from 0.
    pub(super) fn send(&mut self, number: usize, connection: &mut Connection) {
        let CompressedEchoes { data, len, .. } = *self.echoes;
        let compressed = self.stream.message(number);
        self.sent.plain += data.message(number, len).len() as u64;
        self.sent.compressed += compressed.len() as u64;
        connection.send_compressed(!data.is_text(), compressed, self.echoes.fragment);
    }

    /// Judges the echo of message number `number` of `count`.
    pub(super) fn judge(
        &mut self,
        number: usize,
        count: usize,
        binary: bool,
        bytes: &[u8],
    ) -> Echoes {
        let CompressedEchoes { data, len, .. } = *self.echoes;
        let sent = data.message(number, len);
        let arrived = number + 1;
        if binary == data.is_text() || !sent.is(bytes) {
            let sent = (!data.is_text(), &*sent.to_vec());
            return Echoes::Wrong(differs(&format!("Echo {arrived}"), sent, (binary, bytes)));
        }
        self.received_plain += bytes.len() as u64;
        match arrived < count {
            true => Echoes::Arrived(arrived),
            false => Echoes::Complete,
        }
    }

    /// Returns the counts. It is called when `count` messages have come back, before anything else
    /// is sent.
    pub(super) fn traffic(&self, count: usize, log: &Log) -> Traffic {
        Traffic {
            messages: count as u64,
            outgoing: Direction {
                bytes: self.sent,
                frames: log.tx_frames.values().sum(),
                wire: bytes(&log.tx_bytes),
            },
            incoming: Direction {
                bytes: Bytes {
                    plain: self.received_plain,
                    compressed: log.rx_payload,
                },
                frames: (0..=2)
                    .filter_map(|opcode| log.rx_frames.get(&opcode))
                    .sum(),
                wire: bytes(&log.rx_bytes),
            },
        }
    }
}

/// Returns the bytes of all pieces, from the number of pieces of each size.
fn bytes(sizes: &std::collections::BTreeMap<usize, u64>) -> u64 {
    sizes.iter().map(|(&size, count)| size as u64 * count).sum()
}

/// Bytes by layer, frames and messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traffic {
    messages: u64,
    outgoing: Direction,
    incoming: Direction,
}

#[derive(Clone, Copy, Debug)]
struct Direction {
    bytes: Bytes,
    frames: u64,
    wire: u64,
}

impl Traffic {
    /// Returns the entry of a report. The heads of the opening handshake have the given lengths.
    pub(crate) fn entry(&self, sent_head: usize, received_head: usize) -> Value {
        let (out, into) = (self.outgoing, self.incoming);
        json!({
            "preopenOutgoingOctetsWireLevel": sent_head,
            "preopenIncomingOctetsWireLevel": received_head,
            "outgoingOctetsWireLevel": out.wire,
            "outgoingOctetsWebSocketLevel": out.bytes.compressed,
            "outgoingOctetsAppLevel": out.bytes.plain,
            "outgoingWebSocketFrames": out.frames,
            "outgoingWebSocketMessages": self.messages,
            "outgoingCompressionRatio": ratio(out.bytes.compressed, out.bytes.plain),
            "outgoingWebSocketOverhead": out.overhead(),
            "incomingOctetsWireLevel": into.wire,
            "incomingOctetsWebSocketLevel": into.bytes.compressed,
            "incomingOctetsAppLevel": into.bytes.plain,
            "incomingWebSocketFrames": into.frames,
            "incomingWebSocketMessages": self.messages,
            "incomingCompressionRatio": ratio(into.bytes.compressed, into.bytes.plain),
            "incomingWebSocketOverhead": into.overhead(),
        })
    }
}

impl Direction {
    fn overhead(&self) -> Option<f64> {
        let payload = self.bytes.compressed;
        ratio(self.wire.saturating_sub(payload), payload)
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
