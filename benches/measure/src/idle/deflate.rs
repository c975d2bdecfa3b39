//! The memory of an idle connection that compresses.

use std::fmt;

use anyhow::{Context, Result};
use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};

use super::{Bench, MANY, Measured, Setting};
use ws_test_client::crowd::Habit;
use ws_test_programs::Outcome;
use ws_test_programs::runtime::Runtime;

/// The most additional bytes of a connection without context takeover, compared with one that does
/// not compress.
pub(super) const BOUND: u64 = 1024;

/// An offer of compression without state between messages, in both directions.
pub(super) const NO_TAKEOVER: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// The number of connections that keep their state. Ten times as many would exceed the memory of
/// some machines.
const FEW: usize = 1_000;

/// The pairs that show the use of memory: the ends and the middle of both scales.
const SOME_WINDOWS: [u8; 3] = [9, 12, 15];
const SOME_MEM_LEVELS: [u8; 3] = [1, 4, 8];

/// The compression of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    /// Not at all.
    None,
    /// Without context takeover, in either direction.
    Forgetful,
    /// With context takeover, in both.
    Takeover { window_bits: u8, mem_level: u8 },
}

impl Compression {
    /// Returns all kinds for a runtime. The others are compared with the first one.
    fn all(all_pairs: bool) -> Vec<Self> {
        let pairs = match all_pairs {
            true => pairs(&Vec::from_iter(9..=15), &Vec::from_iter(1..=9)),
            false => pairs(&SOME_WINDOWS, &SOME_MEM_LEVELS),
        };
        [vec![Self::None, Self::Forgetful], pairs].concat()
    }

    /// The client asks for the window, the same for both directions, and for no context takeover. A
    /// client cannot influence the memory of the server's compressor.
    fn setting(self) -> Setting {
        let (option, offer, connections) = match self {
            Self::None => return Setting::plain(),
            Self::Forgetful => ("--deflate".to_owned(), NO_TAKEOVER.to_owned(), MANY),
            Self::Takeover {
                window_bits,
                mem_level,
            } => (
                format!("--deflate=mem_level={mem_level},window_bits={window_bits}"),
                format!(
                    "permessage-deflate; server_max_window_bits={window_bits}; \
                     client_max_window_bits={window_bits}"
                ),
                FEW,
            ),
        };
        Setting {
            label: self.to_string(),
            options: vec![option],
            habit: Habit::EchoCompressed,
            offer: Some(offer),
            connections,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("not compressed"),
            Self::Forgetful => f.write_str("no context takeover"),
            Self::Takeover {
                window_bits,
                mem_level,
            } => write!(f, "window {window_bits}, mem_level {mem_level}"),
        }
    }
}

fn pairs(windows: &[u8], mem_levels: &[u8]) -> Vec<Compression> {
    let of_window = |&window_bits: &u8| {
        mem_levels
            .iter()
            .map(move |&mem_level| Compression::Takeover {
                window_bits,
                mem_level,
            })
    };
    windows.iter().flat_map(of_window).collect()
}

/// Measures every kind of compression on these runtimes.
pub(super) fn run(bench: &Bench, runtimes: &[Runtime], all_pairs: bool) -> Result<Outcome> {
    let mut rows = Vec::new();
    for runtime in runtimes {
        let mut plain = 0;
        for compression in Compression::all(all_pairs) {
            let measured = bench.measure(*runtime, &compression.setting());
            let context = || format!("could not measure {runtime}, {compression}");
            let measured = measured.with_context(context)?;
            if compression == Compression::None {
                plain = measured.bytes_per_connection();
            }
            rows.push(Row {
                compression,
                measured,
                plain,
            });
        }
    }
    println!("{}", table(&rows));
    Ok(Outcome::passed_if(rows.iter().all(Row::is_within)))
}

struct Row {
    compression: Compression,
    measured: Measured,
    /// The bytes of a connection that does not compress.
    plain: u64,
}

impl Row {
    fn bound(&self) -> Option<u64> {
        match self.compression {
            Compression::Forgetful => Some(self.plain + BOUND),
            Compression::None | Compression::Takeover { .. } => None,
        }
    }

    fn is_within(&self) -> bool {
        self.bound()
            .is_none_or(|bound| self.measured.bytes_per_connection() <= bound)
    }
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_header([
        "runtime",
        "compression",
        "connections",
        "B per connection",
        "KiB",
        "bound, B",
        "verdict",
    ]);
    for row in rows {
        let bytes = row.measured.bytes_per_connection();
        let verdict = match (row.bound(), row.is_within()) {
            (None, _) => "",
            (Some(_), true) => "ok",
            (Some(_), false) => "ABOVE",
        };
        table.add_row([
            row.measured.runtime.to_string(),
            row.compression.to_string(),
            row.measured.connections.to_string(),
            bytes.to_string(),
            format!("{:.1}", bytes as f64 / 1024.0),
            row.bound().map_or(String::new(), |bound| bound.to_string()),
            verdict.to_owned(),
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn row(compression: Compression, bytes: u64) -> Row {
        Row {
            compression,
            measured: Measured {
                runtime: Runtime::Tokio,
                connections: 10,
                before: 0,
                after: bytes * 10,
                took: Duration::ZERO,
            },
            plain: 2000,
        }
    }

    #[test]
    fn all_pairs_are_every_window_with_every_mem_level() {
        let all = Compression::all(true);
        assert_eq!(all.len(), 2 + 7 * 9);
        assert_eq!(all[0], Compression::None);
        let some = Compression::all(false);
        assert!(some.iter().all(|compression| all.contains(compression)));
        assert_eq!(some.len(), 2 + 9);
    }

    #[test]
    fn only_forgetful_connections_have_a_bound() {
        assert!(row(Compression::Forgetful, 3024).is_within());
        assert!(!row(Compression::Forgetful, 3025).is_within());
        let takeover = Compression::Takeover {
            window_bits: 15,
            mem_level: 8,
        };
        assert!(row(takeover, 400_000).is_within());
        let shown = table(&[row(takeover, 1024), row(Compression::Forgetful, 9999)]).to_string();
        assert!(shown.contains("window 15, mem_level 8"), "{shown}");
        assert_eq!(shown.matches("ABOVE").count(), 1, "{shown}");
    }

    #[test]
    fn the_client_asks_for_the_windows_and_the_server_is_told_the_rest() {
        let setting = Compression::Takeover {
            window_bits: 9,
            mem_level: 1,
        }
        .setting();
        assert_eq!(setting.options, ["--deflate=mem_level=1,window_bits=9"]);
        let offer = setting.offer.unwrap();
        assert!(offer.contains("server_max_window_bits=9; client_max_window_bits=9"));
        assert_eq!(Compression::None.setting().offer, None);
    }
}
