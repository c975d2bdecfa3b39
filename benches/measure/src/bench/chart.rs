//! A chart of one scenario, for a page.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::results::{Entry, RATE, Results};
use super::statistics::median;
use super::table::thousands;

const WIDTH: f64 = 760.0;
const TOP: f64 = 52.0;
const ROW: f64 = 24.0;
const BAR: f64 = 14.0;
/// The left end of the bars. Names are to the left of it.
const LEFT: f64 = 250.0;
/// The right end of the longest bar. Figures are to the right of it.
const RIGHT: f64 = 650.0;

/// Readable on light and dark pages. The colors differ for color-blind readers, too.
const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600;font-size:15px}\
.sub,.figure{fill:#59636e;font-size:12px}.ours{fill:#0969da}.peer{fill:#a8b3bf}\
.floor{fill:none;stroke:#818b98;stroke-dasharray:3 2}.range{stroke:#1f2328;stroke-width:1.2}\
.name-ours{font-weight:600}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.sub,.figure{fill:#9198a1}.ours{fill:#4493f8}\
.peer{fill:#545d68}.floor{stroke:#9198a1}.range{stroke:#e6edf3}}";

/// Writes `DIR/SCENARIO.svg`.
pub(super) fn draw(results: &Results, dir: &Path) -> Result<()> {
    let file = dir.join(format!("{}.svg", results.scenario));
    fs::write(&file, svg(results)).with_context(|| format!("cannot write {}", file.display()))
}

/// Returns a bar for each server, the longest on top: the median, and the range of the values.
fn svg(results: &Results) -> String {
    let mut bars: Vec<_> = results
        .entries
        .iter()
        .filter_map(|entry| Bar::new(results, entry))
        .collect();
    bars.sort_by(|one, other| other.median.total_cmp(&one.median));
    let most = bars.iter().map(|bar| bar.most).fold(1.0, f64::max);
    let height = TOP + ROW * bars.len() as f64 + 12.0;
    let title = escaped(&results.title);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{title}\">\n<style>{STYLE}</style>\n\
         <text class=\"title\" x=\"12\" y=\"20\">{title}</text>\n\
         <text class=\"sub\" x=\"12\" y=\"38\">messages per second, one processor core; median, least and most \
         of {} rounds; dashed: bytes echoed without WebSocket</text>\n",
        rounds(results),
    );
    for (index, bar) in bars.iter().enumerate() {
        bar.draw(&mut svg, TOP + ROW * index as f64, (RIGHT - LEFT) / most);
    }
    svg.push_str("</svg>\n");
    svg
}

fn rounds(results: &Results) -> usize {
    results
        .entries
        .iter()
        .map(|entry| entry.samples.len())
        .max()
        .unwrap_or(0)
}

struct Bar<'a> {
    entry: &'a Entry,
    least: f64,
    median: f64,
    most: f64,
}

impl<'a> Bar<'a> {
    /// Returns `None` if nothing was measured.
    fn new(results: &Results, entry: &'a Entry) -> Option<Self> {
        let rates = results.values(entry, RATE);
        Some(Self {
            entry,
            least: rates.iter().copied().reduce(f64::min)?,
            median: median(&rates),
            most: rates.iter().copied().reduce(f64::max)?,
        })
    }

    fn draw(&self, svg: &mut String, y: f64, scale: f64) {
        let side = self.entry.side;
        let (name, figure) = (escaped(&self.entry.name), thousands(self.median));
        let (text_y, middle) = (y + BAR - 2.5, y + BAR / 2.0);
        let length = self.median * scale;
        let (from, to) = (LEFT + self.least * scale, LEFT + self.most * scale);
        writeln!(
            svg,
            "<text class=\"name-{side}\" x=\"{:.1}\" y=\"{text_y:.1}\" text-anchor=\"end\">{name}</text>\
             <rect class=\"{side}\" x=\"{LEFT}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"2\"/>\
             <line class=\"range\" x1=\"{from:.1}\" x2=\"{to:.1}\" y1=\"{middle:.1}\" y2=\"{middle:.1}\"/>\
             <text class=\"figure\" x=\"{:.1}\" y=\"{text_y:.1}\">{figure}</text>",
            LEFT - 10.0,
            to.max(LEFT + length) + 8.0,
        )
        .expect("writing to a string cannot fail");
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::contestant::Side;
    use super::super::results::tests::{entry, results};
    use super::*;

    #[test]
    fn bars_are_sorted_and_as_long_as_their_medians() {
        let drawn = svg(&results());
        let rows: Vec<_> = drawn
            .lines()
            .filter(|line| line.contains("<rect"))
            .collect();
        assert_eq!(rows.len(), 4);
        assert!(rows[0].contains("floor-tokio") && rows[0].contains("class=\"floor\""));
        assert!(rows[1].contains("echo-tokio") && rows[1].contains("5,000,000"));
        let width = |row: &str| -> f64 {
            let (_, rest) = row.split_once("width=\"").unwrap();
            rest.split_once('"').unwrap().0.parse().unwrap()
        };
        assert!((width(rows[0]) - 2.0 * width(rows[1])).abs() < 0.2);
        assert!(LEFT + width(rows[0]) < RIGHT);
    }

    #[test]
    fn names_cannot_become_markup_and_failures_are_left_out() {
        let mut results = results();
        results
            .entries
            .push(entry("<script>\"", Side::Peer, &[1e6]));
        results.entries.push(entry("failed", Side::Peer, &[]));
        let drawn = svg(&results);
        assert!(drawn.contains("&lt;script&gt;&quot;") && !drawn.contains("<script>"));
        assert!(!drawn.contains("failed"));
    }

    #[test]
    fn a_chart_is_a_file() {
        let dir = tempfile::tempdir().unwrap();
        draw(&results(), dir.path()).unwrap();
        assert!(
            fs::read_to_string(dir.path().join("small.svg"))
                .unwrap()
                .ends_with("</svg>\n")
        );
    }
}
