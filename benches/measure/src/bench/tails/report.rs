//! The table of latencies.

use std::fmt::Write;

use super::super::table::{thousands, time};
use super::Disturbance;
use super::latency::{Figure, Summary};
use super::measurements::{Measurements, Row};
use crate::table::{align, new_table};

/// The meaning of the mark.
const LATE: &str = "≤: the load generator was late by at least a quarter of this time. The server \
    was faster than the figure.";

/// Returns the table of one scenario, with the capacities above, and remarks and failures below.
pub(super) fn table(measurements: &Measurements<'_>) -> String {
    let scenario = measurements.scenario;
    let mut text = format!(
        "texts of {}, {} connections\n",
        scenario.title(),
        thousands(scenario.connections.into())
    );
    for (name, capacity) in measurements.capacities() {
        let remark = match capacity.is_of_the_load {
            true => ", limited by the load generator",
            false => "",
        };
        line(
            &mut text,
            format_args!(
                "capacity of {name}: {} messages/s{remark}",
                thousands(capacity.rate)
            ),
        );
    }
    let mut table = new_table(vec![
        "server",
        "disturbed by",
        "rate",
        "messages/s",
        "50 %",
        "99 %",
        "99.9 %",
        "longest",
        "sent late",
        "kept waiting",
    ]);
    let mut is_late = false;
    let (mut rows, mut disturbed) = (0, 0);
    for (row, name, summary) in measurements.latencies() {
        rows += 1;
        disturbed += u32::from(summary.is_disturbed());
        is_late |= !summary.figures.iter().all(|one| one.is_of_the_server());
        table.add_row(cells(row, name, &summary));
    }
    align(&mut table, 2);
    line(&mut text, format_args!("{table}"));
    if is_late {
        line(&mut text, format_args!("{LATE}"));
    }
    if disturbed > 0 {
        line(
            &mut text,
            format_args!(
                "In {disturbed} of {rows} rows, other programs kept the server or the load generator \
                 from its processor: see the last column. Repeat the run on an idle machine."
            ),
        );
    }
    for (name, failure) in measurements.failures() {
        line(&mut text, format_args!("{name} failed: {failure}"));
    }
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("writing to a string cannot fail");
}

fn cells(row: Row, name: &str, summary: &Summary) -> Vec<String> {
    let mut cells = vec![
        name.to_owned(),
        disturbance(row.disturbance, summary.disturbing.unwrap_or(0.0)),
        format!("{} %", row.percent),
        thousands(summary.rate),
    ];
    cells.extend(summary.figures.map(figure));
    cells.push(time(summary.late_ns));
    cells.push(format!("{:.1} %", 100.0 * summary.kept_waiting));
    cells
}

/// Returns the disturbance and its own rate. A server may favor the others by stalling it.
fn disturbance(disturbance: Disturbance, rate: f64) -> String {
    match disturbance {
        Disturbance::None => "–".to_owned(),
        Disturbance::Pings => format!("pings, {}/s", thousands(rate)),
        Disturbance::Upload | Disturbance::Compress => {
            format!(
                "{disturbance}, {} MiB/s",
                thousands(rate / f64::from(1 << 20))
            )
        }
    }
}

fn figure(figure: Figure) -> String {
    let time = time(figure.ns);
    match figure.is_of_the_server() {
        true => time,
        false => format!("≤ {time}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::latency::tests::latency;
    use super::*;

    #[test]
    fn times_with_much_delay_are_marked() {
        let rounds = [latency(
            [50_000, 200_000, 1_000_000, 20_000_000],
            [0, 100_000, 0, 0],
        )];
        let summary = Summary::of(&rounds, 1.0).unwrap();
        let cells = cells(Row::new(0, 80, Disturbance::None), "echo-tokio", &summary);
        assert_eq!(
            cells.join("|"),
            "echo-tokio|–|80 %|1,000|50.0 µs|≤ 200.0 µs|1000.0 µs|20.0 ms|100.0 µs|2.0 %"
        );
    }

    #[test]
    fn a_disturbance_has_its_own_rate() {
        let rate = f64::from(300 << 20);
        assert_eq!(disturbance(Disturbance::Upload, rate), "upload, 300 MiB/s");
        assert_eq!(
            disturbance(Disturbance::Compress, rate),
            "compress, 300 MiB/s"
        );
        assert_eq!(disturbance(Disturbance::Pings, 9e5), "pings, 900,000/s");
    }
}
