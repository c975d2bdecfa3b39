//! The memory of servers, for people.

use std::time::Duration;

use anyhow::Error;
use comfy_table::Table;

use super::setting::Setting;
use crate::table::{align, new_table};

/// The result of one server in one setting.
pub(super) struct Measured {
    server: String,
    setting: Setting,
    /// The bound of a connection. Servers of other libraries have none.
    pub(super) bound: Option<u64>,
    is_ours: bool,
    pub(super) connections: usize,
    /// Resident bytes after one connection.
    pub(super) before: u64,
    /// Resident bytes with all connections, idle.
    pub(super) idle: u64,
    pub(super) bursts: Vec<Remains>,
    pub(super) took: Duration,
    /// The reason why the measurement ended early.
    pub(super) failure: Option<Error>,
}

/// The most resident bytes of the process during a burst, and those after it.
pub(super) struct Remains {
    pub(super) peak: u64,
    pub(super) after: u64,
}

impl Measured {
    /// Creates the empty result of one of our servers, with the bound of `setting` beside a
    /// connection of `plain` bytes.
    pub(super) fn of_ours(server: &str, setting: Setting, plain: u64) -> Self {
        Self {
            bound: setting.bound(plain),
            is_ours: true,
            ..Self::of_peer(server, setting)
        }
    }

    /// Creates the empty result of a server of another library.
    pub(super) fn of_peer(server: &str, setting: Setting) -> Self {
        Self {
            server: server.to_owned(),
            setting,
            bound: None,
            is_ours: false,
            connections: 0,
            before: 0,
            idle: 0,
            bursts: Vec::new(),
            took: Duration::ZERO,
            failure: None,
        }
    }

    /// Returns the bytes of a connection, rounded up, or `None` if they were not measured. A value
    /// above the bound is then never displayed as equal to it.
    pub(super) fn bytes_per_connection(&self) -> Option<u64> {
        let grown = self.idle.saturating_sub(self.before);
        (self.connections > 0).then(|| grown.div_ceil(self.connections as u64))
    }

    /// Returns `true` if the bytes of a connection are within the bound, and `None` without one of
    /// both.
    fn is_within(&self) -> Option<bool> {
        Some(self.bytes_per_connection()? <= self.bound?)
    }

    /// Returns `true` if our server was measured and is within its bound. Other servers cannot
    /// fail.
    pub(super) fn is_good(&self) -> bool {
        !self.is_ours || self.failure.is_none() && self.is_within() != Some(false)
    }

    fn row(&self, bursts: usize) -> Vec<String> {
        let bytes = self.bytes_per_connection();
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let mut row = vec![
            self.server.clone(),
            self.setting.to_string(),
            self.connections.to_string(),
            shown(bytes),
            shown(self.bound),
            match self.is_within() {
                None => "–",
                Some(true) => "ok",
                Some(false) => "ABOVE",
            }
            .to_owned(),
            shown(bytes.map(|_| mib(self.idle))),
        ];
        for at in 0..bursts {
            let remains = self.bursts.get(at);
            row.push(shown(remains.map(|remains| mib(remains.peak))));
            row.push(shown(remains.map(|remains| mib(remains.after))));
        }
        row.push(format!("{:.1} s", self.took.as_secs_f64()));
        row
    }
}

/// Returns a table, the meaning of its columns, and the failures. `lens` are the lengths of the
/// burst messages.
pub(super) fn report(all: &[Measured], lens: &[usize]) -> String {
    let failures = all.iter().filter_map(|measured| {
        let failure = measured.failure.as_ref()?;
        let Measured {
            server, setting, ..
        } = measured;
        Some(format!("\n{server}, {setting}: {failure:#}"))
    });
    format!(
        "{}\nB each: bytes for each idle connection; idle, peak of a burst and after it: MiB of \
         the whole server process{}",
        table(all, lens),
        String::from_iter(failures)
    )
}

fn table(all: &[Measured], lens: &[usize]) -> Table {
    let start = "server,connections are,connections,B each,bound,verdict,idle";
    let mut header: Vec<_> = start.split(',').map(str::to_owned).collect();
    for len in lens {
        header.extend([format!("{} KiB: peak", len / 1024), "after".to_owned()]);
    }
    header.push("time".to_owned());
    let mut table = new_table(header);
    for measured in all {
        table.add_row(measured.row(lens.len()));
    }
    align(&mut table, 2);
    table
}

fn shown(figure: Option<u64>) -> String {
    figure.map_or("–".to_owned(), |figure| figure.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(is_ours: bool, grown: u64) -> Measured {
        let empty = match is_ours {
            true => Measured::of_ours("server", Setting::Plain, 0),
            false => Measured::of_peer("server", Setting::Plain),
        };
        Measured {
            connections: 1000,
            before: 3 << 20,
            idle: (3 << 20) + grown,
            bursts: vec![Remains {
                peak: 90 << 20,
                after: (8 << 20) + 1,
            }],
            ..empty
        }
    }

    fn cells(measured: &Measured) -> Vec<String> {
        let row = measured.row(2);
        row[3..row.len() - 1].to_vec()
    }

    #[test]
    fn rows_show_figures_bounds_and_what_bursts_leave() {
        let ours = cells(&measured(true, 1_600_000));
        assert_eq!(ours, ["1600", "1600", "ok", "5", "90", "9", "–", "–"]);
        let above = cells(&measured(true, 1_600_001));
        assert_eq!(above[..3], ["1601", "1600", "ABOVE"]);
        let peer = cells(&measured(false, 5_000_000));
        assert_eq!(peer[..3], ["5000", "–", "–"]);
    }

    #[test]
    fn only_what_is_ours_can_be_at_fault() {
        assert!(measured(true, 1_600_000).is_good());
        assert!(!measured(true, 1_600_001).is_good());
        assert!(measured(false, 1 << 40).is_good());
        for is_ours in [true, false] {
            let mut failed = measured(is_ours, 0);
            failed.failure = Some(Error::msg("it has ended"));
            assert_eq!(failed.is_good(), !is_ours);
            let text = report(&[failed], &[65_536]);
            assert!(
                text.ends_with("\nserver, not compressed: it has ended"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_process_that_shrinks_costs_nothing() {
        let mut shrunk = measured(true, 0);
        shrunk.idle = 0;
        assert_eq!(shrunk.bytes_per_connection(), Some(0));
    }

    #[test]
    fn what_was_not_measured_is_left_open() {
        let mut failed = measured(true, 0);
        failed.connections = 0;
        failed.bursts.clear();
        let cells = cells(&failed);
        assert!(cells[2..].iter().all(|cell| cell == "–"), "{cells:?}");
    }
}
