//! All testees.

use std::sync::LazyLock;

use crate::testee::Testee;
use crate::{http2, messages, opening};

/// The testee with this key.
pub(crate) fn find(key: &str) -> &'static Testee {
    let found = all().iter().find(|testee| testee.key() == key);
    found.unwrap_or_else(|| panic!("there is no testee {key}"))
}

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
