//! The sample of a quick run of the original suite.
//!
//! Groups 12 and 13 send 1000 messages a case. All their cases take seven minutes and more for each
//! testee and role, mostly for the compression of the suite in Python. The sample takes a minute
//! and a half. The other groups take half a minute together, and run in full.

use ws_conformance::case::CaseId;

/// The numbers of each family in a quick run, by group.
///
/// A family is a data set (12.1 to 12.5) or a set of parameters (13.1 to 13.7). A number means the
/// same in all families. Every family is present, because each compresses differently. Each has the
/// fewest numbers that cover messages of all sizes and kinds:
///
/// | number | message | reason |
/// |---|---|---|
/// | 1 | 16 bytes | below the length from which we compress |
/// | 4 | 1 KiB | fits every window and one read |
/// | 5 | 4 KiB | as 4, with more of each data set |
/// | 9 | 64 KiB | the first with a length in 64 bits, twice the largest window |
/// | 10 | 128 KiB | the largest |
/// | 12 | 16 KiB in frames of 256 bytes | a compressed message in many frames |
/// | 13 | 32 KiB in frames of 256 bytes | the same, in as many frames as the largest window has room for |
/// | 18 | 128 KiB in frames of 32 KiB | frames that each fill the window |
const SAMPLE: [(u8, &[u8]); 2] = [(12, &[1, 5, 9, 13]), (13, &[1, 4, 10, 12, 18])];

/// Returns `true` if a quick run has this case.
pub(super) fn has(case: CaseId) -> bool {
    SAMPLE
        .iter()
        .find(|(group, _)| *group == case.group())
        .is_none_or(|(_, numbers)| numbers.contains(&case.number()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ws_conformance::case::{Case, Set};
    use ws_conformance::cases;

    use super::*;

    fn families(cases: impl Iterator<Item = CaseId>) -> BTreeSet<String> {
        cases.map(CaseId::family).collect()
    }

    #[test]
    fn every_data_set_and_every_set_of_parameters_is_sampled() {
        let sampled = families(
            cases::of_set(Set::Original)
                .map(Case::id)
                .filter(|case| has(*case)),
        );
        assert_eq!(
            sampled,
            families(cases::of_set(Set::Original).map(Case::id))
        );
        for (group, families) in [(12, 5), (13, 7)] {
            let of_group = |case: &CaseId| case.group() == group;
            let per_family = SAMPLE.iter().find(|sample| sample.0 == group).unwrap().1;
            let sampled = cases::of_set(Set::Original)
                .map(Case::id)
                .filter(of_group)
                .filter(|case| has(*case));
            assert_eq!(sampled.count(), families * per_family.len());
        }
    }

    #[test]
    fn every_sample_has_small_large_and_fragmented_messages() {
        for (group, numbers) in SAMPLE {
            let some = |wanted: &[u8]| wanted.iter().any(|number| numbers.contains(number));
            assert!(some(&[1, 2]), "{group} has no small message");
            assert!(some(&[9, 10]), "{group} has no large message");
            assert!(
                some(&[11, 12, 13, 14, 15]),
                "{group} has no short fragments"
            );
        }
    }

    #[test]
    fn groups_without_compression_are_complete() {
        let others = cases::of_set(Set::Original)
            .map(Case::id)
            .filter(|case| case.group() < 12);
        assert_eq!(others.filter(|case| has(*case)).count(), 301);
    }
}
