//! The wire log and the counts of a connection, in the form of the original's reports.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::script::Event;
use crate::wire::{Frame, HEAD, Header, Pacing, Payload};

/// A testee that talks without end does not fill the memory: the log ends here, the counts go on.
const MAX_ENTRIES: usize = 10_000;

/// What went over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) on: bool,
    pub(crate) entries: Vec<Value>,
    pub(crate) rx_octets: BTreeMap<usize, u64>,
    pub(crate) tx_octets: BTreeMap<usize, u64>,
    pub(crate) rx_frames: BTreeMap<u8, u64>,
    pub(crate) tx_frames: BTreeMap<u8, u64>,
    /// The octets in the payloads of data frames that were received.
    pub(crate) rx_payload: u64,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self {
            on: true,
            entries: Vec::new(),
            rx_octets: BTreeMap::new(),
            tx_octets: BTreeMap::new(),
            rx_frames: BTreeMap::new(),
            tx_frames: BTreeMap::new(),
            rx_payload: 0,
        }
    }

    /// Turns the log of octets and frames on or off. The counts always go on.
    pub(crate) fn turn(&mut self, on: bool) {
        self.on = on;
        self.push(json!(["WLM", on]));
    }

    pub(crate) fn octets_received(&mut self, octets: &[u8]) {
        *self.rx_octets.entry(octets.len()).or_default() += 1;
        if self.takes_entries() {
            self.push(json!(["RO", [octets.len(), hex(octets)]]));
        }
    }

    pub(crate) fn octets_sent(&mut self, octets: &[u8], queued: bool) {
        *self.tx_octets.entry(octets.len()).or_default() += 1;
        if self.takes_entries() {
            self.push(json!(["TO", [octets.len(), hex(octets)], queued]));
        }
    }

    pub(crate) fn frame_received(&mut self, header: &Header, head: &[u8]) {
        *self.rx_frames.entry(header.opcode).or_default() += 1;
        if !header.is_control() {
            self.rx_payload = self.rx_payload.saturating_add(header.payload_len);
        }
        if self.takes_entries() {
            let key = header.key.map(|key| hex(&key));
            let payload = [
                json!(header.payload_len),
                json!(text(head, header.payload_len)),
            ];
            self.push(json!([
                "RF",
                payload,
                header.opcode,
                header.fin,
                header.rsv,
                key.is_some(),
                key,
            ]));
        }
    }

    /// A repeated payload is shown by its unit.
    pub(crate) fn frame_sent(&mut self, header: &Header, frame: &Frame) {
        *self.tx_frames.entry(header.opcode).or_default() += 1;
        if self.takes_entries() {
            let (shown, repeat) = match &frame.payload {
                Payload::Repeated { unit, len } => (*unit, Some(len)),
                Payload::Bytes(octets) => (&**octets, None),
            };
            let chop = match frame.pacing {
                Pacing::Chop(size) => Some(size),
                Pacing::Plain | Pacing::OwnWrite => None,
            };
            let own = frame.pacing == Pacing::OwnWrite;
            let key = header.key.map(|key| hex(&key));
            let text = json!([shown.len(), text(shown, shown.len() as u64)]);
            self.push(json!([
                "TF",
                text,
                frame.opcode,
                frame.fin,
                frame.rsv,
                key,
                repeat,
                chop,
                own,
            ]));
        }
    }

    pub(crate) fn wait_began(&mut self, time: Duration, tag: Option<&str>) {
        self.push(json!(["CT", seconds(time), tag]));
    }

    pub(crate) fn wait_over(&mut self, tag: Option<&str>) {
        self.push(json!(["CTE", tag]));
    }

    pub(crate) fn fail_after(&mut self, time: Duration) {
        self.push(json!(["KL", seconds(time)]));
    }

    pub(crate) fn failing(&mut self) {
        self.push(json!(["KLE"]));
    }

    pub(crate) fn close_after(&mut self, time: Duration) {
        self.push(json!(["TI", seconds(time)]));
    }

    pub(crate) fn closing(&mut self) {
        self.push(json!(["TIE"]));
    }

    /// Asked before an entry is made, which costs more than what it is about.
    fn takes_entries(&self) -> bool {
        self.on && self.entries.len() < MAX_ENTRIES
    }

    fn push(&mut self, entry: Value) {
        if self.entries.len() < MAX_ENTRIES {
            self.entries.push(entry);
        }
    }
}

/// Whole seconds as integers, like the original's.
fn seconds(time: Duration) -> Value {
    match time.subsec_nanos() {
        0 => json!(time.as_secs()),
        _ => json!(time.as_secs_f64()),
    }
}

/// An event in the form of a report.
pub(crate) fn event_entry(event: &Event) -> Value {
    let shown = |payload: &Payload| text(&payload.head(HEAD), payload.len() as u64);
    match event {
        Event::Message { binary, payload } => json!(["message", shown(payload), binary]),
        Event::Pong(payload) => json!(["pong", shown(payload)]),
        Event::WaitOver(tag) => json!(["timeout", tag]),
    }
}

/// The beginning of `len` octets as text if it is one, else in hexadecimal.
fn text(head: &[u8], len: u64) -> String {
    match std::str::from_utf8(&head[..head.len().min(HEAD)]) {
        Ok(text) => format!("{text}{}", ellipsis(len)),
        Err(_) => format!("0x{}", shortened(head, len)),
    }
}

pub(crate) fn hex(octets: &[u8]) -> String {
    shortened(octets, octets.len() as u64)
}

fn shortened(head: &[u8], len: u64) -> String {
    let octets = head.iter().take(HEAD);
    let digits: String = octets.map(|octet| format!("{octet:02x}")).collect();
    digits + ellipsis(len)
}

/// The original counts the ellipsis as part of the 64 octets when it decides, not when it cuts.
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
    fn more_than_sixty_octets_are_cut_to_sixty_four() {
        let shown = |len| event_entry(&Event::Pong(Payload::repeated(b"*", len)))[1].clone();
        assert_eq!(shown(60), "*".repeat(60));
        assert_eq!(shown(61), "*".repeat(61) + " ...");
        assert_eq!(shown(1000), "*".repeat(64) + " ...");
    }

    #[test]
    fn a_log_ends_before_it_fills_the_memory() {
        let mut log = Log::new();
        for _ in 0..=MAX_ENTRIES {
            log.octets_received(b"ab");
        }
        assert_eq!(log.entries.len(), MAX_ENTRIES);
        assert_eq!(log.rx_octets[&2], MAX_ENTRIES as u64 + 1);
    }

    #[test]
    fn counts_go_on_when_the_log_is_off() {
        let mut log = Log::new();
        log.turn(false);
        log.octets_received(b"ab");
        log.octets_received(b"cd");
        assert_eq!(log.rx_octets[&2], 2);
        assert_eq!(log.entries, [json!(["WLM", false])]);
    }
}
