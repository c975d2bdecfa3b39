//! The wire log and the counts of a connection.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::script::Event;
use crate::wire::{Frame, HEAD, Header, Pacing, Payload};
use crate::wire_log::{Entry, Excerpt, FrameEntry};

/// The most entries of the log, which bounds its memory. The counts go on.
const MAX_ENTRIES: usize = 10_000;

/// The bytes and frames on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) on: bool,
    pub(crate) entries: Vec<Entry>,
    pub(crate) rx_bytes: BTreeMap<usize, u64>,
    pub(crate) tx_bytes: BTreeMap<usize, u64>,
    pub(crate) rx_frames: BTreeMap<u8, u64>,
    pub(crate) tx_frames: BTreeMap<u8, u64>,
    /// The bytes in the payloads of data frames that were received.
    pub(crate) rx_payload: u64,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self {
            on: true,
            entries: Vec::new(),
            rx_bytes: BTreeMap::new(),
            tx_bytes: BTreeMap::new(),
            rx_frames: BTreeMap::new(),
            tx_frames: BTreeMap::new(),
            rx_payload: 0,
        }
    }

    /// Enables or disables the log of bytes and frames. The counts always go on.
    pub(crate) fn turn(&mut self, on: bool) {
        self.on = on;
        self.push(Entry::Turned { on });
    }

    pub(crate) fn bytes_received(&mut self, bytes: &[u8]) {
        *self.rx_bytes.entry(bytes.len()).or_default() += 1;
        if self.takes_entries() {
            self.push(Entry::BytesReceived(digits(bytes)));
        }
    }

    pub(crate) fn bytes_sent(&mut self, bytes: &[u8], queued: bool) {
        *self.tx_bytes.entry(bytes.len()).or_default() += 1;
        if self.takes_entries() {
            let bytes = digits(bytes);
            self.push(Entry::BytesSent { bytes, queued });
        }
    }

    pub(crate) fn frame_received(&mut self, header: &Header, head: &[u8]) {
        *self.rx_frames.entry(header.opcode).or_default() += 1;
        if !header.is_control() {
            self.rx_payload = self.rx_payload.saturating_add(header.payload_len);
        }
        if self.takes_entries() {
            self.push(Entry::FrameReceived(frame(
                header,
                head,
                header.payload_len,
            )));
        }
    }

    /// Notes a frame that is sent. A repeated payload is shown by its unit.
    pub(crate) fn frame_sent(&mut self, header: &Header, sent: &Frame) {
        *self.tx_frames.entry(header.opcode).or_default() += 1;
        if self.takes_entries() {
            let (shown, repeated) = match &sent.payload {
                Payload::Repeated { unit, len } => (*unit, Some(*len as u64)),
                Payload::Bytes(bytes) => (&**bytes, None),
            };
            let chop = match sent.pacing {
                Pacing::Chop(size) => Some(size as u64),
                Pacing::Plain | Pacing::OwnWrite => None,
            };
            self.push(Entry::FrameSent {
                frame: frame(header, shown, shown.len() as u64),
                repeated,
                chop,
                own_write: sent.pacing == Pacing::OwnWrite,
            });
        }
    }

    /// Appends an entry that is neither bytes nor a frame.
    pub(crate) fn push(&mut self, entry: Entry) {
        if self.entries.len() < MAX_ENTRIES {
            self.entries.push(entry);
        }
    }

    /// Returns `true` if there is room for entries. The caller checks it first, because making an
    /// entry is expensive.
    fn takes_entries(&self) -> bool {
        self.on && self.entries.len() < MAX_ENTRIES
    }
}

fn frame(header: &Header, head: &[u8], len: u64) -> FrameEntry {
    FrameEntry {
        payload: Excerpt {
            len,
            text: text(head, len),
        },
        opcode: header.opcode,
        fin: header.fin,
        rsv: header.rsv,
        key: header.key.map(|key| hex(&key)),
    }
}

fn digits(bytes: &[u8]) -> Excerpt {
    Excerpt {
        len: bytes.len() as u64,
        text: hex(bytes),
    }
}

/// Returns an event in the form of a report.
pub(crate) fn event_entry(event: &Event) -> Value {
    let shown = |payload: &Payload| text(&payload.head(HEAD), payload.len() as u64);
    match event {
        Event::Message { binary, payload } => json!(["message", shown(payload), binary]),
        Event::Pong(payload) => json!(["pong", shown(payload)]),
        Event::WaitOver(tag) => json!(["timeout", tag]),
    }
}

/// Returns the beginning of `len` bytes as text if it is UTF-8, else in hexadecimal.
fn text(head: &[u8], len: u64) -> String {
    match std::str::from_utf8(&head[..head.len().min(HEAD)]) {
        Ok(text) => format!("{text}{}", ellipsis(len)),
        Err(_) => format!("0x{}", shortened(head, len)),
    }
}

fn hex(bytes: &[u8]) -> String {
    shortened(bytes, bytes.len() as u64)
}

fn shortened(head: &[u8], len: u64) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let bytes = head.iter().take(HEAD);
    // A `format!` for each byte took a twelfth of the time of a run of all cases.
    let digits = bytes.flat_map(|byte| [byte >> 4, byte & 15]);
    let digits: String = digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect();
    digits + ellipsis(len)
}

/// Returns the ellipsis of a long payload. The original counts the ellipsis as part of the 64 bytes
/// when it decides, but not when it cuts.
fn ellipsis(len: u64) -> &'static str {
    if len > 60 { " ..." } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_shown_as_texts_and_others_in_hexadecimal() {
        let pong = |payload| event_entry(&Event::Pong(payload));
        assert_eq!(pong(Payload::text("abc")), json!(["pong", "abc"]));
        assert_eq!(pong(Payload::bytes(b"\xfe\x01")), json!(["pong", "0xfe01"]));
    }

    #[test]
    fn more_than_sixty_bytes_are_cut_to_sixty_four() {
        let shown = |len| event_entry(&Event::Pong(Payload::repeated(b"*", len)))[1].clone();
        assert_eq!(shown(60), "*".repeat(60));
        assert_eq!(shown(61), "*".repeat(61) + " ...");
        assert_eq!(shown(1000), "*".repeat(64) + " ...");
    }

    #[test]
    fn a_log_ends_before_it_fills_the_memory() {
        let mut log = Log::new();
        for _ in 0..=MAX_ENTRIES {
            log.bytes_received(b"ab");
        }
        assert_eq!(log.entries.len(), MAX_ENTRIES);
        assert_eq!(log.rx_bytes[&2], MAX_ENTRIES as u64 + 1);
    }

    #[test]
    fn counts_go_on_when_the_log_is_off() {
        let mut log = Log::new();
        log.turn(false);
        log.bytes_received(b"ab");
        log.bytes_received(b"cd");
        assert_eq!(log.rx_bytes[&2], 2);
        assert_eq!(log.entries, [Entry::Turned { on: false }]);
    }
}
