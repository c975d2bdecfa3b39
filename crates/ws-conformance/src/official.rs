//! The names of all cases of the original suite, whether this crate has them or not.

use crate::case_id::CaseId;

/// Every family of cases in order, with the number of its last case.
const FAMILIES: &[(u8, Option<u8>, u8)] = &[
    (1, Some(1), 8),
    (1, Some(2), 8),
    (2, None, 11),
    (3, None, 7),
    (4, Some(1), 5),
    (4, Some(2), 5),
    (5, None, 20),
    (6, Some(1), 3),
    (6, Some(2), 4),
    (6, Some(3), 2),
    (6, Some(4), 4),
    (6, Some(5), 5),
    (6, Some(6), 11),
    (6, Some(7), 4),
    (6, Some(8), 2),
    (6, Some(9), 4),
    (6, Some(10), 3),
    (6, Some(11), 5),
    (6, Some(12), 8),
    (6, Some(13), 5),
    (6, Some(14), 10),
    (6, Some(15), 1),
    (6, Some(16), 3),
    (6, Some(17), 5),
    (6, Some(18), 5),
    (6, Some(19), 5),
    (6, Some(20), 7),
    (6, Some(21), 8),
    (6, Some(22), 34),
    (6, Some(23), 7),
    (7, Some(1), 6),
    (7, Some(3), 6),
    (7, Some(5), 1),
    (7, Some(7), 13),
    (7, Some(9), 9),
    (7, Some(13), 2),
    (9, Some(1), 6),
    (9, Some(2), 6),
    (9, Some(3), 9),
    (9, Some(4), 9),
    (9, Some(5), 6),
    (9, Some(6), 6),
    (9, Some(7), 6),
    (9, Some(8), 6),
    (10, Some(1), 1),
    (12, Some(1), 18),
    (12, Some(2), 18),
    (12, Some(3), 18),
    (12, Some(4), 18),
    (12, Some(5), 18),
    (13, Some(1), 18),
    (13, Some(2), 18),
    (13, Some(3), 18),
    (13, Some(4), 18),
    (13, Some(5), 18),
    (13, Some(6), 18),
    (13, Some(7), 18),
];

/// The ids of the 517 cases of AutobahnTestSuite 25.10.1, in its order.
pub fn ids() -> impl Iterator<Item = CaseId> {
    FAMILIES.iter().flat_map(|&(group, second, last)| {
        (1..=last).map(move |number| match second {
            Some(second) => CaseId::three(group, second, number),
            None => CaseId::two(group, number),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_complete_and_in_order() {
        let all: Vec<_> = ids().collect();
        assert_eq!(all.len(), 517);
        assert!(all.is_sorted());
        assert_eq!(all[516].to_string(), "13.7.18");
        for (group, count) in [(1, 16), (6, 145), (7, 37), (9, 54), (12, 90), (13, 126)] {
            let found = all.iter().filter(|id| id.group() == group).count();
            assert_eq!(found, count, "group {group}");
        }
    }
}
