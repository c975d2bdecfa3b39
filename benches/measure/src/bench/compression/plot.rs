//! A curve of characters: the length of frames against the time to compress them.

use super::figures::{Kind, Measured};

/// The size of the area, in characters.
const WIDTH: usize = 72;
const HEIGHT: usize = 16;

/// Draws a mark for each setting. Time grows to the right, on a logarithmic scale, and length grows
/// upwards.
pub(super) fn plot(points: &[&Measured]) -> String {
    let time = Scale::of(points.iter().map(|one| one.compress_us.ln()), WIDTH);
    let len = Scale::of(points.iter().map(|one| one.frame_len), HEIGHT);
    let mut area = vec![vec![' '; WIDTH]; HEIGHT];
    // Profiles come last, and are not covered by others.
    let is_profile = |one: &&Measured| matches!(one.kind, Kind::Profile(_));
    let (profiles, values): (Vec<_>, Vec<_>) = points.iter().copied().partition(is_profile);
    for one in values.into_iter().chain(profiles) {
        let row = HEIGHT - 1 - len.place(one.frame_len);
        area[row][time.place(one.compress_us.ln())] = mark(&one.kind);
    }
    let mut text = String::new();
    for (row, line) in area.into_iter().enumerate() {
        let label = match row {
            0 => format!("{:.0} B", len.to),
            _ if row == HEIGHT - 1 => format!("{:.0} B", len.from),
            _ => String::new(),
        };
        let line: String = line.into_iter().collect();
        text += &format!("{label:>9} │{}\n", line.trim_end());
    }
    let (from, to) = (time.from.exp(), time.to.exp());
    let ends = format!(
        "{from:.1} µs{:>width$}",
        format!("{to:.1} µs"),
        width = WIDTH - 10
    );
    text + &format!("{:>9} └{}\n{:>11}{ends}\n", "", "─".repeat(WIDTH), "")
}

/// Returns the level, or the initial of the profile.
fn mark(kind: &Kind) -> char {
    match kind {
        Kind::Profile(name) => name.chars().next().unwrap_or('?').to_ascii_uppercase(),
        Kind::Values { level, .. } => char::from(b'0' + level % 10),
    }
}

/// A range of values that is drawn on some places.
struct Scale {
    from: f64,
    to: f64,
    places: usize,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64> + Clone, places: usize) -> Self {
        Self {
            from: values.clone().fold(f64::INFINITY, f64::min),
            to: values.fold(f64::NEG_INFINITY, f64::max),
            places,
        }
    }

    fn place(&self, value: f64) -> usize {
        // A range of one value has its place at the start.
        let part = (value - self.from) / (self.to - self.from).max(f64::MIN_POSITIVE);
        (part * (self.places - 1) as f64).round() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::measured;
    use super::*;

    #[test]
    fn slow_settings_are_at_the_right_and_long_output_is_at_the_top() {
        let mut profile = measured(0, 300.0, 20.0);
        profile.kind = Kind::Profile("default".to_owned());
        let points = [measured(1, 400.0, 5.0), measured(9, 200.0, 80.0), profile];
        let text = plot(&points.iter().collect::<Vec<_>>());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "    400 B │1");
        assert_eq!(lines[HEIGHT - 1], format!("    200 B │{:>WIDTH$}", "9"));
        assert!(text.contains('D'));
        assert!(lines[HEIGHT + 1].contains("5.0 µs") && lines[HEIGHT + 1].ends_with("80.0 µs"));
    }

    #[test]
    fn equal_settings_have_one_place() {
        let point = measured(1, 400.0, 5.0);
        assert_eq!(plot(&[&point, &point]).matches('1').count(), 1);
    }
}
