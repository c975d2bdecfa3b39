//! Compares the catalog with the recordings of the original suite, case by case.

#![forbid(unsafe_code)]

use std::time::Duration;

use serde_json::{Value, json};
use ws_conformance::case::{Case, Set};
use ws_conformance::cases;
use ws_conformance::script::{
    CompressedEchoes, Event, Frame, JudgedBy, Pacing, Payload, Script, Side, Step, Task,
};
use ws_conformance::verdict::Behavior;

#[test]
fn every_case_is_the_recorded_one() {
    let recorded = recorded();
    let named = |id: &str| recorded.iter().find(|case| case["id"] == id).unwrap();
    for case in cases::of_set(Set::Original) {
        let ours = as_recorded(case);
        assert_eq!(&ours, named(&case.id().to_string()));
    }
}

#[test]
fn no_case_is_missing() {
    let recorded = recorded();
    let all: Vec<_> = recorded
        .iter()
        .map(|case| case["id"].as_str().unwrap())
        .collect();
    let ours: Vec<_> = cases::of_set(Set::Original)
        .map(|case| case.id().to_string())
        .collect();
    assert_eq!(ours, all);
    assert_eq!(ours.len(), 517);
    for case in cases::of_set(Set::Original) {
        assert_eq!(cases::find(case.id()).map(Case::id), Some(case.id()));
    }
}

#[test]
fn every_case_says_what_it_does() {
    for case in cases::of_set(Set::Original) {
        assert!(case.description().ends_with('.'), "{}", case.id());
        assert!(case.expectation().ends_with('.'), "{}", case.id());
    }
}

fn recorded() -> Vec<Value> {
    let data = include_str!("data/autobahn-25.10.1.json");
    let mut data: Value = serde_json::from_str(data).unwrap();
    serde_json::from_value(data["cases"].take()).unwrap()
}

fn script_of(case: &Case) -> &Script {
    case.script()
        .expect("every case of the original suite is a script")
}

/// Returns a case in the form of the recordings.
fn as_recorded(case: &Case) -> Value {
    let id = case.id().to_string();
    let mut record = json!({
        "id": id,
        "number": case.number(),
        "group": case.id().family(),
        "title": case.title(),
        "expect": {},
        "timeout_ms": millis(case.time_limit()),
        "on_timeout": "close",
        "close": close(case),
        "auto_close": script_of(case).close.automatic,
        "verdict": rule(script_of(case).judged_by),
        "report_time": script_of(case).reports_time(),
    });
    match &script_of(case).task {
        Task::Steps(steps) => script(case, steps, &mut record),
        Task::BigEcho {
            binary,
            payload,
            fragment,
            pacing,
            ..
        } => {
            record["kind"] = "big-echo".into();
            record["expect"] = json!({"OK": "one-echo-equal-type-and-length"});
            record["params"] = json!({"binary": binary, "payload": bytes(payload)});
            add_fragment(&mut record["params"], payload, *fragment);
            add_pacing(&mut record["params"], *pacing);
        }
        Task::EchoLoop {
            binary,
            payload,
            count,
            ..
        } => {
            let Payload::Repeated { unit, len } = payload else {
                panic!("{id}: not a repeated unit");
            };
            record["kind"] = "echo-loop".into();
            record["expect"] = json!({"OK": "all-echoes-equal-type-and-length"});
            record["params"] = json!({
                "binary": binary, "message_len": len, "count": count, "unit_hex": hex(unit),
            });
        }
        Task::CompressedEchoes(echoes) => compressed(echoes, &mut record),
    }
    record
}

fn compressed(echoes: &CompressedEchoes, record: &mut Value) {
    record["kind"] = "deflate-echo-loop".into();
    record["expect"] = json!({
        "OK": "all-echoes-equal-content", "UNIMPLEMENTED": "extension-not-negotiated",
    });
    record["params"] = json!({
        "data_set": echoes.data.name(), "binary": !echoes.data.is_text(),
        "message_len": echoes.len, "count": echoes.count,
        "fragment": echoes.fragment.unwrap_or(0),
    });
    record["report_compression_ratio"] = true.into();
    let demands: Vec<_> = echoes
        .demands
        .iter()
        .map(|demand| (demand.no_context_takeover, demand.window_bits))
        .collect();
    let rule = match demands[..] {
        [(false, None)] => "A1",
        [(true, None)] => "A2",
        [(false, Some(9))] => "A3",
        [(false, Some(15))] => "A4",
        [(true, Some(9))] => "A5",
        [(true, Some(15))] => "A6",
        [(true, Some(9)), (true, None), (false, None)] => "A7",
        _ => panic!("no rule is like {demands:?}"),
    };
    record["server_accept_rule"] = rule.into();
    let offers: Vec<_> = demands.iter().map(offer).collect();
    record["offer_header"] = offers.join(", ").into();
}

fn offer((no_context_takeover, window_bits): &(bool, Option<u8>)) -> String {
    let common = "permessage-deflate; client_no_context_takeover; client_max_window_bits";
    let takeover = match no_context_takeover {
        true => "; server_no_context_takeover",
        false => "",
    };
    let window = window_bits.map(|bits| format!("; server_max_window_bits={bits}"));
    format!("{common}{takeover}{}", window.unwrap_or_default())
}

fn script(case: &Case, steps: &[Step], record: &mut Value) {
    record["kind"] = "script".into();
    if matches!(steps.last(), Some(Step::FailAfter(_))) {
        record["on_timeout"] = "fail".into();
    }
    record["steps"] = steps.iter().flat_map(step).collect();
    for expected in &script_of(case).expected {
        let name = serde_json::to_value(expected.behavior).unwrap();
        assert!(matches!(
            expected.behavior,
            Behavior::Ok | Behavior::NonStrict
        ));
        record["expect"][name.as_str().unwrap()] = expected.events.iter().map(event).collect();
    }
}

/// Returns the entries of a step. A streamed header has two entries in the recording.
fn step(step: &Step) -> Vec<Value> {
    vec![match step {
        Step::Frame(sent) => frame(sent),
        Step::Message {
            binary,
            payload,
            fragment,
        } => {
            let opcode = if *binary { 2 } else { 1 };
            let mut entry = json!({"do": "message", "opcode": opcode, "payload": bytes(payload)});
            add_fragment(&mut entry, payload, *fragment);
            entry
        }
        Step::TextHeader { len } => {
            return vec![
                json!({"do": "stream_begin", "opcode": 1}),
                json!({"do": "stream_frame_header", "opcode": 1, "fin": false, "len": len}),
            ];
        }
        Step::Streamed(payload) => json!({"do": "stream_data", "payload": bytes(payload)}),
        Step::Close { code, reason } if reason.is_empty() => json!({"do": "close", "code": code}),
        Step::Close { code, reason } => {
            json!({"do": "close", "code": code, "reason": bytes(reason)})
        }
        Step::RawClose { payload } => {
            let head: Option<[u8; 2]> = payload.head(2).try_into().ok();
            let code = head.map(u16::from_be_bytes);
            json!({"do": "close_raw", "code": code, "payload": bytes(payload)})
        }
        Step::Wait { time, tag } => json!({"do": "wait", "ms": millis(*time), "tag": tag}),
        Step::FailAfter(time) => json!({"do": "fail_after", "ms": millis(*time)}),
        Step::CloseAfter(time) => json!({"do": "close_after", "ms": millis(*time)}),
    }]
}

fn frame(frame: &Frame) -> Value {
    let mut entry = json!({
        "do": "frame",
        "opcode": frame.opcode,
        "fin": frame.fin,
        "rsv": frame.rsv,
        "payload": bytes(&frame.payload),
    });
    add_pacing(&mut entry, frame.pacing);
    entry
}

fn add_pacing(entry: &mut Value, pacing: Pacing) {
    match pacing {
        Pacing::Plain => {}
        Pacing::OwnWrite => entry["own_write"] = true.into(),
        Pacing::Chop(size) => entry["chop"] = size.into(),
    }
}

/// Counts frames by the recorded rule: an exact multiple has one more, which is empty.
fn add_fragment(entry: &mut Value, payload: &Payload, fragment: Option<usize>) {
    if let Some(fragment) = fragment {
        let whole = payload.len() <= fragment;
        let frames = if whole {
            1
        } else {
            payload.len() / fragment + 1
        };
        entry["fragment"] = fragment.into();
        entry["frames"] = frames.into();
    }
}

fn event(event: &Event) -> Value {
    match event {
        Event::Message { binary, payload } => {
            json!({"event": "message", "binary": binary, "payload": bytes(payload)})
        }
        Event::Pong(payload) => json!({"event": "pong", "payload": bytes(payload)}),
        Event::WaitOver(tag) => json!({"event": "wait_over", "tag": tag}),
    }
}

fn close(case: &Case) -> Value {
    let profile = &script_of(case).close;
    let by = match profile.by {
        Side::Suite => "fuzzer",
        Side::Testee => "peer",
    };
    let mut close = json!({"by": by, "codes": profile.codes, "clean": profile.clean});
    if profile.wrong_side_is_fatal {
        close["wrong_side_fails_case"] = true.into();
    }
    close
}

fn rule(rule: JudgedBy) -> &'static str {
    match rule {
        JudgedBy::Events => "events",
        JudgedBy::EventsAndCloseCode => "events+close-code",
        JudgedBy::EventsAndSentFrames => "events+sent-frame-count",
        JudgedBy::Informational => "informational",
        JudgedBy::Echoes => "echo-length",
        JudgedBy::EqualEchoes => "echo-content",
    }
}

/// Returns the recorded form of a payload: the unit of a long one, or else all bytes.
fn bytes(payload: &Payload) -> Value {
    match payload {
        Payload::Repeated { unit, len } if *len > 0 => json!({"len": len, "unit_hex": hex(unit)}),
        any => json!({"len": any.len(), "hex": hex(&any.to_vec())}),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap()
}
