//! All testees.

use std::sync::LazyLock;

use crate::messages;
use crate::testee::Testee;

/// Every testee, servers first.
pub(crate) fn all() -> &'static [Testee] {
    static ALL: LazyLock<Vec<Testee>> = LazyLock::new(|| {
        let mut testees = messages::testees();
        testees.sort_by_key(|testee| (testee.role() as u8, testee.name.clone()));
        testees
    });
    &ALL
}
