//! The memory of several servers, for people.

use anyhow::Error;
use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};

use crate::bench::{Contestant, Side};

/// The result of one server.
pub(super) struct Measured {
    name: String,
    side: Side,
    compression: &'static str,
    bound: Option<u64>,
    pub(super) connections: usize,
    /// Resident bytes after one connection.
    pub(super) before: u64,
    /// Resident bytes with all connections, idle.
    pub(super) idle: u64,
    pub(super) bursts: Vec<Remains>,
    /// The reason why the measurement ended early.
    pub(super) failure: Option<Error>,
}

/// The most resident bytes of the process during a burst, and those after it.
pub(super) struct Remains {
    pub(super) peak: u64,
    pub(super) after: u64,
}

impl Measured {
    /// Creates the empty result of a server.
    pub(super) fn new(
        contestant: &Contestant,
        compression: &'static str,
        bound: Option<u64>,
    ) -> Self {
        Self {
            name: contestant.name.clone(),
            side: contestant.side,
            compression,
            bound,
            connections: 0,
            before: 0,
            idle: 0,
            bursts: Vec::new(),
            failure: None,
        }
    }

    /// Returns the bytes of a connection, rounded up, or `None` if they were not measured. A value
    /// above the bound is then never displayed as equal to it.
    fn bytes_per_connection(&self) -> Option<u64> {
        let grown = self.idle.saturating_sub(self.before);
        (self.connections > 0).then(|| grown.div_ceil(self.connections as u64))
    }

    fn is_within(&self) -> bool {
        match (self.bound, self.bytes_per_connection()) {
            (Some(bound), Some(bytes)) => bytes <= bound,
            (None, _) | (_, None) => true,
        }
    }

    /// Returns `true` if our server was measured and is within its bound. Other servers cannot
    /// fail.
    pub(super) fn is_good(&self) -> bool {
        self.side != Side::Ours || self.failure.is_none() && self.is_within()
    }

    fn row(&self, bursts: usize) -> Vec<String> {
        let bytes = self.bytes_per_connection();
        let mut row = vec![
            self.name.clone(),
            self.compression.to_owned(),
            self.connections.to_string(),
            shown(bytes),
            shown(self.bound),
            match (self.bound, bytes) {
                (None, _) | (_, None) => "–",
                _ if self.is_within() => "ok",
                _ => "ABOVE",
            }
            .to_owned(),
            shown(bytes.map(|_| mib(self.idle))),
        ];
        for at in 0..bursts {
            let remains = self.bursts.get(at);
            row.push(shown(remains.map(|remains| mib(remains.peak))));
            row.push(shown(remains.map(|remains| mib(remains.after))));
        }
        row
    }
}

/// Returns a table, the meaning of its columns, and the failures. `lens` are the lengths of the
/// burst messages.
pub(super) fn report(all: &[Measured], lens: &[usize]) -> String {
    let mut header: Vec<_> = [
        "server",
        "compression",
        "connections",
        "B each",
        "bound",
        "verdict",
        "idle",
    ]
    .map(str::to_owned)
    .into();
    for len in lens {
        header.push(format!("{} KiB: peak", len / 1024));
        header.push("after".to_owned());
    }
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_header(header);
    for measured in all {
        table.add_row(measured.row(lens.len()));
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let failures = all.iter().filter_map(|measured| {
        let Measured {
            name, compression, ..
        } = measured;
        let failure = measured.failure.as_ref()?;
        Some(format!("\n{name}, {compression}: {failure:#}"))
    });
    format!(
        "{table}\nB each: bytes for each idle connection; idle, peak of a burst and after it: MiB of the whole server \
         process{}",
        String::from_iter(failures)
    )
}

fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

fn shown(figure: Option<u64>) -> String {
    figure.map_or("–".to_owned(), |figure| figure.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(side: Side, grown: u64) -> Measured {
        Measured {
            name: "server".to_owned(),
            side,
            compression: "not compressed",
            bound: (side == Side::Ours).then_some(4096),
            connections: 1000,
            before: 3 << 20,
            idle: (3 << 20) + grown,
            bursts: vec![Remains {
                peak: 90 << 20,
                after: (8 << 20) + 1,
            }],
            failure: None,
        }
    }

    fn cells(measured: Measured) -> Vec<String> {
        let row = measured.row(2);
        row[3..].to_vec()
    }

    #[test]
    fn rows_show_figures_bounds_and_what_bursts_leave() {
        let ours = cells(measured(Side::Ours, 4_096_000));
        assert_eq!(ours, ["4096", "4096", "ok", "7", "90", "9", "–", "–"]);
        let above = cells(measured(Side::Ours, 4_096_001));
        assert_eq!(above[..3], ["4097", "4096", "ABOVE"]);
        let peer = cells(measured(Side::Peer, 5_000_000));
        assert_eq!(peer[..3], ["5000", "–", "–"]);
    }

    #[test]
    fn only_what_is_ours_can_be_at_fault() {
        assert!(measured(Side::Ours, 4_096_000).is_good());
        assert!(!measured(Side::Ours, 4_096_001).is_good());
        assert!(measured(Side::Peer, 1 << 40).is_good());
        for (side, is_good) in [(Side::Ours, false), (Side::Peer, true)] {
            let mut failed = measured(side, 0);
            failed.failure = Some(Error::msg("it has ended"));
            assert_eq!(failed.is_good(), is_good);
            let text = report(&[failed], &[65_536]);
            assert!(
                text.ends_with("\nserver, not compressed: it has ended"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_was_not_measured_is_left_open() {
        let mut failed = measured(Side::Ours, 0);
        failed.connections = 0;
        failed.bursts.clear();
        assert!(cells(failed)[3..].iter().all(|cell| cell == "–"));
    }
}
