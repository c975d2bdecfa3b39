//! All testees.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use crate::testee::Testee;
use crate::{messages, opening};

/// The groups whose results are complete. Cases were added to groups 23 to 27, and their testees
/// are still to be measured again.
pub(crate) const MEASURED: RangeInclusive<u8> = 20..=22;

/// Every testee of these groups, servers first.
pub(crate) fn all() -> &'static [Testee] {
    static ALL: LazyLock<Vec<Testee>> = LazyLock::new(|| {
        let mut testees = opening::testees();
        testees.extend(messages::testees());
        testees.retain(|testee| testee.groups.iter().all(|group| MEASURED.contains(group)));
        testees.sort_by_key(|testee| (testee.role() as u8, testee.name.clone()));
        testees
    });
    &ALL
}
