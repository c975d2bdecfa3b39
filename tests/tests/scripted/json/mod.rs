//! JSON: values that are sent, and messages that are parsed.

mod receiving;
mod sending;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    item: String,
    count: u32,
}

impl Order {
    fn new() -> Self {
        Self {
            item: "thé \u{1f375}".into(),
            count: 2,
        }
    }
}

const ORDER: &str = r#"{"item":"thé 🍵","count":2}"#;

/// Returns a value that is not valid in JSON: an object whose key is no string.
fn unserializable() -> BTreeMap<(u8, u8), u8> {
    BTreeMap::from([((1, 2), 3)])
}
