//! Makes the record of a run.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::cases::Case;
use crate::endpoint::{CaseRun, Echoes, Ending, Endpoint, Log, event_entry};
use crate::judge::{Outcome, judge};
use crate::record::{Record, SCHEMA};
use crate::role::Role;
use crate::script::{CloseProfile, Event, Side};

/// What was said in an opening handshake.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handshake {
    pub(crate) request: Option<String>,
    pub(crate) response: Option<String>,
    /// What the tested server calls itself.
    pub(crate) server: Option<String>,
}

/// What is known of a run before its connection is over.
#[derive(Debug)]
pub(crate) struct Recording<'a> {
    pub(crate) case: &'a Case,
    pub(crate) number: usize,
    pub(crate) agent: String,
    pub(crate) testee: Role,
    pub(crate) started: SystemTime,
    pub(crate) seed: u64,
    pub(crate) handshake: Handshake,
}

impl Recording<'_> {
    /// The record of a run whose connection is over.
    pub(crate) fn finish(self, endpoint: Endpoint<CaseRun<'_>>, duration: Duration) -> Record {
        let Endpoint {
            connection,
            dialogue,
            ..
        } = endpoint;
        let (received, echoes) = (dialogue.received, dialogue.echoes);
        let mut record = self.record(connection.ending, connection.log, &received, &echoes, true);
        record.duration = duration.as_millis().try_into().unwrap_or(u64::MAX);
        record
    }

    /// The record of a run without connection.
    pub(crate) fn never_opened(self, ending: Ending) -> Record {
        self.record(ending, Log::new(), &[], &Echoes::Arrived(0), false)
    }

    fn record(
        self,
        ending: Ending,
        log: Log,
        received: &[Event],
        echoes: &Echoes,
        opened: bool,
    ) -> Record {
        let judgement = judge(
            self.case,
            &Outcome {
                testee: self.testee,
                opened,
                received,
                echoes,
                ending: &ending,
                sent_frames: &log.tx_frames,
            },
        );
        let unknown = || "?".to_owned();
        Record {
            schema: SCHEMA,
            agent: self.agent,
            id: self.case.id(),
            number: self.number,
            description: self.case.description().to_owned(),
            expectation: self.case.expectation().to_owned(),
            verdict: judgement.verdict,
            result: judgement.result,
            result_close: judgement.result_close,
            expected: expected(self.case),
            received: received.iter().map(event_entry).collect(),
            expected_close: if opened {
                close(self.case.close())
            } else {
                json!({})
            },
            violations: ending.violations,
            started: humantime::format_rfc3339_millis(self.started).to_string(),
            duration: 0,
            report_time: self.case.reports_time(),
            report_compression_ratio: false,
            is_server: self.testee == Role::Client,
            closed_by_me: ending.closed_by_me,
            failed_by_me: ending.failed_by_me,
            dropped_by_me: ending.dropped_by_me,
            was_clean: ending.was_clean,
            was_not_clean_reason: ending.not_clean_reason.map(str::to_owned),
            was_server_connection_drop_timeout: ending.server_drop_timeout,
            was_open_handshake_timeout: ending.open_handshake_timeout,
            was_close_handshake_timeout: ending.close_handshake_timeout,
            local_close_code: ending.local_code,
            local_close_reason: ending.local_reason,
            remote_close_code: ending.remote_code,
            remote_close_reason: ending.remote_reason,
            http_request: self.handshake.request.unwrap_or_else(unknown),
            http_response: self.handshake.response.unwrap_or_else(unknown),
            create_stats: true,
            create_wirelog: log.on,
            rx_octet_stats: log.rx_octets,
            tx_octet_stats: log.tx_octets,
            rx_frame_stats: log.rx_frames,
            tx_frame_stats: log.tx_frames,
            traffic_stats: None,
            wirelog: log.entries,
            seed: self.seed,
        }
    }
}

fn expected(case: &Case) -> BTreeMap<String, Vec<Value>> {
    let lists = case.expected().iter();
    lists
        .map(|list| {
            let events = list.events.iter().map(event_entry);
            (list.behavior.to_string(), events.collect())
        })
        .collect()
}

fn close(profile: &CloseProfile) -> Value {
    let mut close = json!({
        "closedByMe": profile.by == Side::Suite,
        "closeCode": profile.codes,
        "requireClean": profile.clean,
    });
    if profile.wrong_side_is_fatal {
        close["closedByWrongEndpointIsFatal"] = true.into();
    }
    close
}
