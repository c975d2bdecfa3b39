//! A case's JSON file, as the pages read it. Files of the original have fewer fields.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::verdict::Verdict;
use crate::wire_log::Entry;

/// The fields that pages use. All of them are optional.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Stored {
    pub(super) description: String,
    pub(super) expectation: String,
    pub(super) level: Option<String>,
    pub(super) rfc: Vec<String>,
    pub(super) result: String,
    pub(super) result_close: String,
    pub(super) expected: BTreeMap<String, Vec<Value>>,
    pub(super) received: Vec<Value>,
    pub(super) unexpected_event: Option<usize>,
    pub(super) expected_close: ExpectedClose,
    pub(super) violations: Vec<String>,
    pub(super) started: String,
    pub(super) report_time: bool,
    pub(super) report_compression_ratio: bool,
    pub(super) is_server: Option<bool>,
    pub(super) closed_by_me: Option<bool>,
    pub(super) failed_by_me: Option<bool>,
    pub(super) dropped_by_me: Option<bool>,
    pub(super) was_clean: Option<bool>,
    pub(super) was_not_clean_reason: Option<String>,
    pub(super) was_server_connection_drop_timeout: Option<bool>,
    pub(super) was_open_handshake_timeout: Option<bool>,
    pub(super) was_close_handshake_timeout: Option<bool>,
    pub(super) local_close_code: Option<u16>,
    pub(super) local_close_reason: Option<String>,
    pub(super) remote_close_code: Option<u16>,
    pub(super) remote_close_reason: Option<String>,
    pub(super) http_request: String,
    pub(super) http_response: String,
    pub(super) rx_octet_stats: BTreeMap<u64, u64>,
    pub(super) tx_octet_stats: BTreeMap<u64, u64>,
    pub(super) rx_frame_stats: BTreeMap<u64, u64>,
    pub(super) tx_frame_stats: BTreeMap<u64, u64>,
    pub(super) traffic_stats: Option<BTreeMap<String, Value>>,
    pub(super) create_wirelog: Option<bool>,
    pub(super) wirelog: Vec<Entry>,
    pub(super) seed: Option<u64>,
    pub(super) replay: Option<String>,
    pub(super) first_run: Option<FirstRun>,
}

/// The first run of a case that ran twice.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FirstRun {
    #[serde(flatten)]
    pub(super) verdict: Verdict,
    #[serde(default)]
    pub(super) result: String,
    #[serde(default)]
    pub(super) result_close: String,
    #[serde(default)]
    pub(super) violations: Vec<String>,
    pub(super) dropped_by_me: Option<bool>,
    #[serde(default)]
    pub(super) wirelog: Vec<Entry>,
}

/// The end of the connection that the case expects.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ExpectedClose {
    pub(super) closed_by_me: Option<bool>,
    pub(super) close_code: Vec<u16>,
    pub(super) require_clean: bool,
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::record;
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = serde_json::to_string(&record("a", "2.1")).unwrap();
        let stored: Stored = serde_json::from_str(&text).unwrap();
        assert_eq!(stored.description, "Sends something.");
        assert_eq!(stored.rx_octet_stats[&129], 1);
        assert_eq!(stored.seed, Some(1));
        assert_eq!(stored.expected_close.closed_by_me, None);
    }

    #[test]
    fn nothing_has_to_be_there_and_more_may_be() {
        let stored: Stored =
            serde_json::from_str(r#"{"new": 1, "remoteCloseCode": null}"#).unwrap();
        assert!(stored.wirelog.is_empty() && stored.is_server.is_none());
    }
}
