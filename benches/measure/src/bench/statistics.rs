//! Statistics of a few measurements, some of which are disturbed.

use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// The number of resamples for an interval.
const RESAMPLES: usize = 10_000;

/// The seed of the resamples, the same in every run. Only the figures are random.
const SEED: u64 = 0x5EED;

/// The number of undisturbed rounds from which on disturbed rounds are left out.
const ENOUGH: usize = 5;

/// A figure of one round.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Figure {
    pub(super) value: f64,
    pub(super) disturbed: bool,
}

/// An estimate with its interval of 95 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Returns the median. For an even number of values, it is the mean of the two in the middle.
/// Returns NaN for no values.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// Returns half of the range of the values, as a part of the median.
pub(super) fn spread(values: &[f64]) -> f64 {
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    (highest - lowest) / 2.0 / median(values)
}

/// Returns the values of undisturbed rounds if there are enough, else all values.
pub(super) fn usable(figures: &[Figure]) -> Vec<f64> {
    let clean: Vec<_> = values(figures.iter().filter(|figure| !figure.disturbed));
    match clean.len() >= ENOUGH {
        true => clean,
        false => values(figures.iter()),
    }
}

fn values<'a>(figures: impl Iterator<Item = &'a Figure>) -> Vec<f64> {
    figures.map(|figure| figure.value).collect()
}

/// Returns the quotient of each round that both have. `None` stands for a failed round. A quotient
/// is disturbed if one of its figures is.
pub(super) fn paired(over: &[Option<Figure>], under: &[Option<Figure>]) -> Vec<Figure> {
    over.iter()
        .zip(under)
        .filter_map(|(over, under)| {
            let (over, under) = ((*over)?, (*under)?);
            Some(Figure {
                value: over.value / under.value,
                disturbed: over.disturbed || under.disturbed,
            })
        })
        .collect()
}

/// Returns the median of these values, with an interval from resamples. Returns `None` for no
/// values.
pub(super) fn estimate(values: &[f64]) -> Option<Estimate> {
    let draw = |rng: &mut Rng| median(&resample(values, rng));
    let value = median(values);
    (!values.is_empty()).then(|| interval(value, draw))
}

/// Returns the quotient of two medians that were not measured in the same rounds.
pub(super) fn estimate_change(now: &[f64], before: &[f64]) -> Option<Estimate> {
    let draw = |rng: &mut Rng| median(&resample(now, rng)) / median(&resample(before, rng));
    let value = median(now) / median(before);
    (!now.is_empty() && !before.is_empty()).then(|| interval(value, draw))
}

fn resample(values: &[f64], rng: &mut Rng) -> Vec<f64> {
    (0..values.len())
        .map(|_| values[rng.usize(..values.len())])
        .collect()
}

fn interval(value: f64, draw: impl Fn(&mut Rng) -> f64) -> Estimate {
    let mut rng = Rng::with_seed(SEED);
    let mut drawn: Vec<_> = (0..RESAMPLES).map(|_| draw(&mut rng)).collect();
    drawn.sort_by(f64::total_cmp);
    Estimate {
        value,
        low: drawn[RESAMPLES * 25 / 1000],
        high: drawn[RESAMPLES * 975 / 1000 - 1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(values: &[f64], disturbed: &[usize]) -> Vec<Figure> {
        let figure = |(index, &value)| Figure {
            value,
            disturbed: disturbed.contains(&index),
        };
        values.iter().enumerate().map(figure).collect()
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
        assert_eq!(spread(&[90.0, 100.0, 120.0]), 0.15);
    }

    #[test]
    fn disturbed_rounds_are_left_out_if_enough_remain() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 99.0];
        assert_eq!(usable(&figures(&values, &[5])), [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(usable(&figures(&values, &[0, 5])), values);
        assert_eq!(usable(&figures(&values, &[])), values);
    }

    #[test]
    fn pairs_are_of_the_same_round() {
        let over: Vec<_> = figures(&[10.0, 20.0, 30.0], &[1])
            .into_iter()
            .map(Some)
            .collect();
        let mut under: Vec<_> = figures(&[5.0, 5.0, 5.0], &[0])
            .into_iter()
            .map(Some)
            .collect();
        under[2] = None;
        let expected =
            [(2.0, true), (4.0, true)].map(|(value, disturbed)| Figure { value, disturbed });
        assert_eq!(paired(&over, &under), expected);
    }

    #[test]
    fn pairing_takes_out_what_both_have_in_common() {
        // The machine runs at half speed in every second round.
        let machine = [100.0, 50.0, 101.0, 49.0, 100.0, 51.0, 99.0, 50.0, 100.0];
        let under: Vec<_> = figures(&machine, &[]).into_iter().map(Some).collect();
        let twice: Vec<_> = machine.iter().map(|value| value * 2.0).collect();
        let over: Vec<_> = figures(&twice, &[]).into_iter().map(Some).collect();
        let estimate = estimate(&usable(&paired(&over, &under))).unwrap();
        assert_eq!(
            (estimate.value, estimate.low, estimate.high),
            (2.0, 2.0, 2.0)
        );
    }

    #[test]
    fn the_interval_holds_the_median_and_narrows() {
        let few: Vec<_> = (0..9).map(|index| 1.0 + f64::from(index) / 100.0).collect();
        let many: Vec<_> = few.iter().cycle().take(90).copied().collect();
        let (few, many) = (estimate(&few).unwrap(), estimate(&many).unwrap());
        assert!(few.low < few.value && few.value < few.high);
        assert!(few.low >= 1.0 && few.high <= 1.08);
        assert!(many.high - many.low < few.high - few.low);
        assert_eq!(estimate(&[]), None);
    }

    #[test]
    fn the_interval_is_the_same_each_time() {
        let values = [1.0, 1.3, 0.9, 1.1, 1.2];
        assert_eq!(estimate(&values), estimate(&values));
    }

    #[test]
    fn a_change_is_relative() {
        let change = estimate_change(&[2.0, 2.0, 2.0], &[1.0, 1.0]).unwrap();
        assert_eq!((change.value, change.low, change.high), (2.0, 2.0, 2.0));
        assert_eq!(estimate_change(&[1.0], &[]), None);
    }
}
