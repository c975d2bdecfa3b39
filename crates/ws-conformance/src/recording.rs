//! Makes the record of a run.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::case_id::CaseId;
use crate::cases::Case;
use crate::endpoint::{CaseRun, Echoes, Ending, Endpoint, Log, event_entry};
use crate::judge::{Judgement, Outcome, judge};
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
pub(crate) struct Recording<C> {
    pub(crate) case: C,
    pub(crate) number: usize,
    pub(crate) agent: String,
    pub(crate) testee: Role,
    pub(crate) started: SystemTime,
    pub(crate) seed: u64,
    pub(crate) handshake: Handshake,
}

/// What a case says about itself, and what came of it.
#[derive(Debug)]
pub(crate) struct About<'a> {
    pub(crate) id: CaseId,
    pub(crate) description: &'a str,
    pub(crate) expectation: &'a str,
    pub(crate) judgement: Judgement,
    /// The events, in the form of reports.
    pub(crate) received: Vec<Value>,
}

impl Recording<&Case> {
    /// The record of a run whose connection is over.
    pub(crate) fn finish(self, endpoint: Endpoint<CaseRun<'_>>, duration: Duration) -> Record {
        let Endpoint {
            connection,
            dialogue,
            ..
        } = endpoint;
        let shortened = dialogue.shortened();
        let heads = [&self.handshake.request, &self.handshake.response];
        let [request, response] = heads.map(|head| head.as_ref().map_or(0, String::len));
        let traffic = dialogue.traffic.map(|traffic| match self.testee {
            Role::Server => traffic.entry(request, response),
            Role::Client => traffic.entry(response, request),
        });
        let (received, echoes) = (dialogue.received, dialogue.echoes);
        let mut record = self.record(connection.ending, connection.log, &received, &echoes, true);
        record.duration = duration.as_millis().try_into().unwrap_or(u64::MAX);
        record.traffic_stats = traffic;
        if let Some((sent, all)) = shortened {
            record.result += &format!(" Shortened: {sent} messages instead of {all}.");
        }
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
        let case = self.case;
        let about = About {
            id: case.id(),
            description: case.description(),
            expectation: case.expectation(),
            judgement,
            received: received.iter().map(event_entry).collect(),
        };
        let mut record = self.assemble(about, ending, log);
        record.expected = expected(case);
        if opened {
            record.expected_close = close(case.close());
        }
        record.report_time = case.reports_time();
        record.report_compression_ratio = case.reports_compression();
        record
    }
}

impl<C> Recording<C> {
    /// The record, but for what only some cases have.
    pub(crate) fn assemble(self, about: About<'_>, ending: Ending, log: Log) -> Record {
        let unknown = || "?".to_owned();
        Record {
            schema: SCHEMA,
            agent: self.agent,
            id: about.id,
            number: self.number,
            description: about.description.to_owned(),
            expectation: about.expectation.to_owned(),
            level: None,
            rfc: &[],
            verdict: about.judgement.verdict,
            result: about.judgement.result,
            result_close: about.judgement.result_close,
            expected: BTreeMap::new(),
            received: about.received,
            expected_close: json!({}),
            violations: ending.violations,
            started: humantime::format_rfc3339_millis(self.started).to_string(),
            duration: 0,
            report_time: false,
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
            replay: None,
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
