//! The record of a case: the data of its report.
//!
//! The serialized form is that of the original's file for each case, field by field. Some fields
//! are added: [`schema`](Record::schema), [`seed`](Record::seed),
//! [`violations`](Record::violations), [`unexpected_event`](Record::unexpected_event),
//! [`replay`](Record::replay), [`first_run`](Record::first_run).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::case::{CaseId, Level, Rule};
use crate::verdict::Verdict;
use crate::wire_log::Entry;

/// The record of one run of one case.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The version of this form, from 1. It increases when a field changes its meaning.
    pub schema: u32,
    /// The name of the testee.
    pub agent: String,
    /// The name of the case.
    pub id: CaseId,
    /// The number: among all cases for a server, among the selected ones for a client.
    #[serde(rename = "case")]
    pub number: usize,
    /// The actions of the suite.
    pub description: String,
    /// The reaction that the case expects.
    pub expectation: String,
    /// The strength of the rule that decides the case. Extra cases only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The rule that decides the case. Extra cases only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static Rule>,
    /// The sections to read. Extra cases only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rfc: Vec<&'static str>,
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// One line that explains `verdict.behavior`.
    pub result: String,
    /// One line that explains `verdict.close`.
    pub result_close: String,
    /// The lists of events that lead to a verdict, by that verdict's name.
    pub expected: BTreeMap<String, Vec<Value>>,
    /// The events, in order of arrival.
    pub received: Vec<Value>,
    /// The index in `received` of the first event that is wrong, or its length if an event is
    /// missing. Reports have only the first bytes of a message, so this event may look right. Not
    /// in the original.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unexpected_event: Option<usize>,
    /// The expected end of the connection. An empty object if the connection was never open.
    pub expected_close: Value,
    /// The violations of the testee, in order. They do not depend on the verdict. Not in the
    /// original.
    pub violations: Vec<String>,
    /// UTC, `YYYY-MM-DDTHH:MM:SS.mmmZ`.
    pub started: String,
    /// Milliseconds from the opening handshake to the end of TCP, 0 if it was never open.
    pub duration: u64,
    /// `true` if a report should show the duration.
    pub report_time: bool,
    /// `true` if a report should show compression ratios.
    pub report_compression_ratio: bool,
    /// `true` if the suite was the server.
    pub is_server: bool,
    /// The suite was the first to send a Close.
    pub closed_by_me: bool,
    /// The suite failed the connection because of a violation or a time limit.
    pub failed_by_me: bool,
    /// The suite ended TCP without waiting for the testee.
    pub dropped_by_me: bool,
    /// The closing handshake was completed.
    pub was_clean: bool,
    /// The reason why the end was not clean.
    pub was_not_clean_reason: Option<String>,
    /// The tested server did not end TCP in time.
    pub was_server_connection_drop_timeout: bool,
    /// The opening handshake was not completed in time.
    pub was_open_handshake_timeout: bool,
    /// The testee did not answer a Close in time.
    pub was_close_handshake_timeout: bool,
    /// The code of the suite's Close.
    pub local_close_code: Option<u16>,
    /// The reason of the suite's Close.
    pub local_close_reason: Option<String>,
    /// The code of the testee's Close.
    pub remote_close_code: Option<u16>,
    /// The reason of the testee's Close.
    pub remote_close_reason: Option<String>,
    /// The head of the request, `?` if there was none.
    pub http_request: String,
    /// The head of the response, `?` if there was none.
    pub http_response: String,
    /// `true` if bytes and frames were counted.
    pub create_stats: bool,
    /// `true` if the wire log was on at the end.
    pub create_wirelog: bool,
    /// The number of reads of each size in bytes.
    pub rx_octet_stats: BTreeMap<usize, u64>,
    /// The number of writes of each size in bytes.
    pub tx_octet_stats: BTreeMap<usize, u64>,
    /// The number of received frames with each opcode.
    pub rx_frame_stats: BTreeMap<u8, u64>,
    /// The number of sent frames with each opcode.
    pub tx_frame_stats: BTreeMap<u8, u64>,
    /// The bytes of each layer, for successful cases of groups 12 and 13.
    pub traffic_stats: Option<Value>,
    /// The wire log, serialized in the original's form: `["TF", …]`, `["RO", …]`.
    pub wirelog: Vec<Entry>,
    /// The seed of mask keys and generated data. Not in the original.
    pub seed: u64,
    /// The command line that runs the case again, if a command line ran it. Not in the original.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
    /// The record of the first run, if the case ran twice. Not in the original.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_run: Option<Value>,
}

impl Record {
    /// Returns the verdict of the first run, if the case ran twice.
    pub fn first_verdict(&self) -> Option<Verdict> {
        Verdict::deserialize(self.first_run.as_ref()?).ok()
    }
}

/// The version of the form of [`Record`] that this crate writes.
pub const SCHEMA: u32 = 1;
