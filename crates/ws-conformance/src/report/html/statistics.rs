//! The numbers of bytes and frames on the wire.

use std::collections::BTreeMap;

use serde_json::Value;

use super::stored::Stored;
use super::wire::opcode_name;
use super::words::{grouped, visible};

/// The most rows of a table: a testee can cause reads of any number of sizes.
const MOST_ROWS: usize = 200;

/// A small table. The last row is the total.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) title: &'static str,
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
    pub(super) cut: usize,
    pub(super) total: Vec<String>,
}

/// Returns the tables of bytes and frames, in both directions.
pub(super) fn tables(stored: &Stored) -> Vec<Table> {
    vec![
        bytes("Bytes received by chop size", &stored.rx_octet_stats),
        bytes("Bytes transmitted by chop size", &stored.tx_octet_stats),
        frames("Frames received by opcode", &stored.rx_frame_stats),
        frames("Frames transmitted by opcode", &stored.tx_frame_stats),
    ]
}

fn bytes(title: &'static str, sizes: &BTreeMap<u64, u64>) -> Table {
    let rows = sizes.iter().take(MOST_ROWS).map(|(&size, &count)| {
        let bytes = size.saturating_mul(count);
        vec![grouped(size), grouped(count), grouped(bytes)]
    });
    let bytes = sizes
        .iter()
        .map(|(size, count)| size.saturating_mul(*count));
    Table {
        title,
        columns: vec!["Chop size", "Count", "Bytes"],
        rows: rows.collect(),
        cut: sizes.len().saturating_sub(MOST_ROWS),
        total: vec![
            "Total".to_owned(),
            grouped(sum(sizes.values().copied())),
            grouped(sum(bytes)),
        ],
    }
}

fn frames(title: &'static str, opcodes: &BTreeMap<u64, u64>) -> Table {
    let rows = opcodes.iter().take(MOST_ROWS).map(|(&opcode, &count)| {
        let name = opcode_name(opcode).unwrap_or("reserved");
        vec![format!("{opcode} {name}"), grouped(count)]
    });
    Table {
        title,
        columns: vec!["Opcode", "Count"],
        rows: rows.collect(),
        cut: opcodes.len().saturating_sub(MOST_ROWS),
        total: vec!["Total".to_owned(), grouped(sum(opcodes.values().copied()))],
    }
}

fn sum(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(0, u64::saturating_add)
}

/// Returns the layers of the traffic of a case about compression: name, received, sent.
pub(super) fn traffic(stored: &Stored) -> Vec<[String; 3]> {
    let Some(traffic) = &stored.traffic_stats else {
        return Vec::new();
    };
    let value = |name: String| traffic.get(&name).map_or("–".to_owned(), number);
    let row = |title: &str, field: &str| {
        let [incoming, outgoing] = ["incoming", "outgoing"].map(|way| format!("{way}{field}"));
        [title.to_owned(), value(incoming), value(outgoing)]
    };
    vec![
        row("Bytes of messages", "OctetsAppLevel"),
        row("Bytes of payloads", "OctetsWebSocketLevel"),
        row("Bytes on the wire", "OctetsWireLevel"),
        row("Frames", "WebSocketFrames"),
        row("Messages", "WebSocketMessages"),
        row("Compression ratio", "CompressionRatio"),
        row("Overhead of frames", "WebSocketOverhead"),
        [
            "Bytes of the opening handshake".to_owned(),
            value("preopenIncomingOctetsWireLevel".to_owned()),
            value("preopenOutgoingOctetsWireLevel".to_owned()),
        ],
    ]
}

/// Returns both compression ratios, received and sent, for the index.
pub(super) fn ratios(stored: &Stored) -> Vec<String> {
    let ratio = |(way, name)| {
        let ratio = stored.traffic_stats.as_ref()?.get(name)?.as_f64()?;
        Some(format!("{way} {ratio:.3}"))
    };
    let names = [
        ("in", "incomingCompressionRatio"),
        ("out", "outgoingCompressionRatio"),
    ];
    names.into_iter().filter_map(ratio).collect()
}

fn number(value: &Value) -> String {
    match (value.as_u64(), value.as_f64()) {
        (Some(whole), _) => grouped(whole),
        (None, Some(fraction)) => format!("{fraction:.3}"),
        (None, None) => visible(value.as_str().unwrap_or("–"), 40),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_and_frames_have_totals() {
        let stored =
            json!({"rxOctetStats": {"4": 2, "129": 1}, "txFrameStats": {"1": 1000, "14": 1}});
        let tables = tables(&serde_json::from_value(stored).unwrap());
        assert_eq!(tables[0].rows, [["4", "2", "8"], ["129", "1", "129"]]);
        assert_eq!(tables[0].total, ["Total", "3", "137"]);
        assert_eq!(tables[3].rows, [["1 Text", "1,000"], ["14 reserved", "1"]]);
        assert_eq!(tables[3].total, ["Total", "1,001"]);
    }

    #[test]
    fn numbers_beyond_all_bounds_do_no_harm() {
        let stored =
            json!({"rxOctetStats": {"18446744073709551615": 18446744073709551615u64, "1": 1}});
        let tables = tables(&serde_json::from_value(stored).unwrap());
        assert_eq!(tables[0].total[1], tables[0].total[2]);
    }

    #[test]
    fn traffic_has_a_line_for_each_layer() {
        let stored = json!({"trafficStats": {
            "incomingCompressionRatio": 1.0, "outgoingCompressionRatio": 0.98515,
            "incomingOctetsAppLevel": 16000, "outgoingWebSocketOverhead": null}});
        let stored = serde_json::from_value(stored).unwrap();
        let rows = traffic(&stored);
        assert_eq!(rows[0], ["Bytes of messages", "16,000", "–"]);
        assert_eq!(rows[6][2], "–");
        assert_eq!(ratios(&stored), ["in 1.000", "out 0.985"]);
    }
}
