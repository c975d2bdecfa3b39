//! The output: for each payload, the curve and the figures of every setting, and then the profiles.

use comfy_table::Table;

use super::figures::{Figures, Kind, Measured, is_best};
use super::plot::plot;
use crate::table::{align, new_table};

const LEVELS: std::ops::RangeInclusive<u8> = 1..=9;

/// Prints everything.
pub(super) fn print(figures: &Figures) {
    for payload in figures.payloads() {
        for takeover in [true, false] {
            let all = figures.of(payload, takeover);
            println!("\n{payload}, {}", with(takeover));
            println!(
                "length of a frame over the time to compress it. Marks: level 1 to 9, or (D)efault, \
                 (S)mall, (F)ast"
            );
            println!("{}", plot(&all));
            println!(
                "for each level: the length in bytes, and below it the time to compress in µs. \
                 *: no other setting is shorter and as fast"
            );
            println!("{}", levels(&all));
        }
    }
    println!("\nthe profiles of the library");
    println!("{}", profiles(figures));
}

fn with(takeover: bool) -> &'static str {
    match takeover {
        true => "with context takeover",
        false => "without context takeover",
    }
}

/// Returns a table with a row for each window and memory level, and a column for each level.
fn levels(all: &[&Measured]) -> Table {
    let mut header = vec![
        "window".to_owned(),
        "mem_level".to_owned(),
        "kept KB".to_owned(),
    ];
    header.extend(LEVELS.map(|level| format!("level {level}")));
    let mut table = new_table(header);
    let mut rows: Vec<(u8, u8, Vec<&Measured>)> = Vec::new();
    for one in all {
        let Kind::Values {
            window_bits,
            mem_level,
            ..
        } = one.kind
        else {
            continue;
        };
        match rows
            .iter_mut()
            .find(|row| (row.0, row.1) == (window_bits, mem_level))
        {
            Some(row) => row.2.push(one),
            None => rows.push((window_bits, mem_level, vec![one])),
        }
    }
    for (window_bits, mem_level, levels) in rows {
        let memory = levels.first().map_or(0, |one| one.memory / 1000);
        let mut cells = vec![
            window_bits.to_string(),
            mem_level.to_string(),
            memory.to_string(),
        ];
        cells.extend(levels.iter().map(|one| {
            let star = if is_best(one, all) { "*" } else { "" };
            format!("{star}{:.0}\n{:.1}", one.frame_len, one.compress_us)
        }));
        table.add_row(cells);
    }
    align(&mut table, 0);
    table
}

fn profiles(figures: &Figures) -> Table {
    let header = [
        "payload",
        "context takeover",
        "profile",
        "bytes",
        "ratio",
        "µs to compress",
        "µs to decompress",
        "kept KB",
    ];
    let mut table = new_table(header.to_vec());
    for payload in figures.payloads() {
        for takeover in [true, false] {
            for one in figures.of(payload, takeover) {
                let Kind::Profile(name) = &one.kind else {
                    continue;
                };
                table.add_row([
                    payload.to_owned(),
                    if takeover { "yes" } else { "no" }.to_owned(),
                    name.clone(),
                    format!("{:.0}", one.frame_len),
                    format!("{:.2}", one.len as f64 / one.frame_len),
                    format!("{:.1}", one.compress_us),
                    format!("{:.1}", one.decompress_us),
                    (one.memory / 1000).to_string(),
                ]);
            }
        }
    }
    align(&mut table, 3);
    table
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::measured;
    use super::*;

    #[test]
    fn a_row_has_the_levels_of_one_window_and_memory_level() {
        let all: Vec<_> = LEVELS
            .map(|level| measured(level, 500.0 - f64::from(level), f64::from(level)))
            .collect();
        let mut table = levels(&all.iter().collect::<Vec<_>>());
        assert_eq!((table.row_count(), table.column_count()), (1, 12));
        let text = table.to_string();
        assert!(text.contains("*499") && text.contains("238"), "{text}");
    }

    #[test]
    fn profiles_have_their_ratio() {
        let mut figures = Figures::default();
        let mut one = measured(0, 512.0, 3.0);
        one.kind = Kind::Profile("small".to_owned());
        figures.add(one);
        let text = profiles(&figures).to_string();
        assert!(text.contains("small") && text.contains("2.00"), "{text}");
    }
}
