//! All testees.

use std::sync::LazyLock;

use crate::testee::Testee;
use crate::{http2, messages, opening};

/// Every testee, servers first.
pub(crate) fn all() -> &'static [Testee] {
    static ALL: LazyLock<Vec<Testee>> = LazyLock::new(|| {
        let mut testees = opening::testees();
        testees.extend(messages::testees());
        testees.extend(http2::testees());
        testees.sort_by_key(|testee| (testee.role() as u8, testee.name.clone()));
        testees
    });
    &ALL
}
