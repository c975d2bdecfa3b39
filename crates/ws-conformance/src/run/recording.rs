//! The record of a run.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::case::Case;
use crate::channel::{Channel, Ending, Log, event_entry};
use crate::dialogue::{Outcome, Said};
use crate::endpoint::{CaseRun, Echoes, Endpoint};
use crate::http::Handshake;
use crate::judge::{Facts, Judgement, judge_dialogue, judge_script};
use crate::record::{Record, SCHEMA};
use crate::role::Role;
use crate::script::{CloseProfile, Script, Side};
use crate::timestamp;
use crate::verdict::Behavior;

/// The facts about a run that are known before its connection is over.
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
    /// Returns the record of a script whose connection is over.
    pub(crate) fn finish_script(
        self,
        script: &Script,
        endpoint: Endpoint<CaseRun<'_>>,
        duration: Duration,
    ) -> Record {
        let Endpoint {
            connection,
            handler,
            ..
        } = endpoint;
        let shortened = handler.shortened();
        let heads = [&self.handshake.request, &self.handshake.response];
        let [request, response] = heads.map(|head| head.as_ref().map_or(0, String::len));
        let traffic = handler.traffic.map(|traffic| match self.testee {
            Role::Server => traffic.entry(request, response),
            Role::Client => traffic.entry(response, request),
        });
        let Channel { log, ending, .. } = connection.channel;
        let (received, echoes) = (handler.received, handler.echoes);
        let facts = Facts {
            testee: self.testee,
            opened: true,
            received: &received,
            echoes: &echoes,
            ending: &ending,
            sent_frames: &log.tx_frames,
        };
        let judgement = judge_script(script, &facts);
        let received = received.iter().map(event_entry).collect();
        let mut record = self.assemble(judgement, received, ending, log);
        record.about_script(script);
        record.expected_close = close(&script.close);
        record.duration = millis(duration);
        record.traffic_stats = traffic;
        if let Some((sent, all)) = shortened {
            record.result += &format!(" Shortened: {sent} messages instead of {all}.");
        }
        record
    }

    /// Returns the record of a script whose connection was never open.
    pub(crate) fn never_opened(self, script: &Script, ending: Ending) -> Record {
        let facts = Facts {
            testee: self.testee,
            opened: false,
            received: &[],
            echoes: &Echoes::Arrived(0),
            ending: &ending,
            sent_frames: &BTreeMap::new(),
        };
        let judgement = judge_script(script, &facts);
        let mut record = self.assemble(judgement, Vec::new(), ending, Log::new());
        record.about_script(script);
        record
    }

    /// Returns the record of a dialogue that is over.
    pub(crate) fn finish_dialogue(mut self, said: Said, outcome: Outcome) -> Record {
        let duration = said
            .opened
            .map_or(Duration::ZERO, |opened| opened.elapsed());
        let case = self.case;
        let judgement = judge_dialogue(case.demands(), outcome, &said.end);
        self.handshake = said.handshake;
        let mut record = self.assemble(
            judgement,
            said.events,
            said.channel.ending,
            said.channel.log,
        );
        record.duration = millis(duration);
        record.level = Some(case.demands());
        record.rule = case.rule();
        record.rfc = case.sections().collect();
        record
    }

    /// Returns the record without the parts that only some cases have.
    fn assemble(
        self,
        judgement: Judgement,
        received: Vec<Value>,
        ending: Ending,
        log: Log,
    ) -> Record {
        let case = self.case;
        let better = match judgement.verdict.behavior {
            Behavior::NonStrict => format!(" Better: {}", case.expectation()),
            _ => String::new(),
        };
        let unknown = || "?".to_owned();
        Record {
            schema: SCHEMA,
            agent: self.agent,
            id: case.id(),
            number: self.number,
            description: case.description().to_owned(),
            expectation: case.expectation().to_owned(),
            level: None,
            rule: None,
            rfc: Vec::new(),
            verdict: judgement.verdict,
            result: judgement.result + &better,
            result_close: judgement.result_close,
            expected: BTreeMap::new(),
            received,
            expected_close: json!({}),
            unexpected_event: judgement.unexpected_event,
            violations: ending.violations,
            started: timestamp::to_text(self.started),
            duration: 0,
            report_time: false,
            report_compression_ratio: false,
            is_server: self.testee == Role::Client,
            closed_by_me: ending.closed_by_me,
            failed_by_me: ending.failure.is_some(),
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
            rx_octet_stats: log.rx_bytes,
            tx_octet_stats: log.tx_bytes,
            rx_frame_stats: log.rx_frames,
            tx_frame_stats: log.tx_frames,
            traffic_stats: None,
            wirelog: log.entries,
            seed: self.seed,
            replay: None,
            first_run: None,
        }
    }
}

impl Record {
    fn about_script(&mut self, script: &Script) {
        self.expected = expected(script);
        self.report_time = script.reports_time();
        self.report_compression_ratio = script.reports_compression();
    }
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}

fn expected(script: &Script) -> BTreeMap<String, Vec<Value>> {
    let lists = script.expected.iter();
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
