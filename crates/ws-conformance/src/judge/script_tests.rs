use std::time::Duration;

use super::*;
use crate::case::Set;
use crate::cases;
use crate::channel::{Failure, FailureCause};
use crate::script::Payload;

fn case(id: &str) -> &'static Script {
    let case = cases::find(id.parse().unwrap()).unwrap();
    case.script().unwrap()
}

fn closed_by_suite() -> Ending {
    Ending {
        closed_by_me: true,
        was_clean: true,
        local_code: Some(1000),
        remote_code: Some(1000),
        ..Ending::default()
    }
}

fn failed_by_testee(code: u16) -> Ending {
    Ending {
        was_clean: true,
        remote_code: Some(code),
        ..Ending::default()
    }
}

/// Returns the verdict on a server for these events and this ending.
fn verdict(id: &str, received: &[Event], ending: &Ending) -> Verdict {
    verdict_of(id, Role::Server, true, received, ending)
}

fn verdict_of(
    id: &str,
    testee: Role,
    opened: bool,
    received: &[Event],
    ending: &Ending,
) -> Verdict {
    let facts = Facts {
        testee,
        opened,
        received,
        echoes: &Echoes::Arrived(0),
        ending,
        sent_frames: &BTreeMap::from([(1, 1), (0, 50)]),
    };
    judge_script(case(id), &facts).verdict
}

fn both(behavior: Behavior, close: CloseBehavior) -> Verdict {
    Verdict { behavior, close }
}

fn expected(id: &str, list: usize) -> Vec<Event> {
    case(id).expected[list].events.clone()
}

#[test]
fn expected_events_and_a_clean_close_are_good() {
    let echo = expected("1.1.2", 0);
    assert_eq!(verdict("1.1.2", &echo, &closed_by_suite()), Verdict::GOOD);
}

#[test]
fn other_events_fail_the_behavior_only() {
    let failed = both(Behavior::Failed, CloseBehavior::Ok);
    assert_eq!(verdict("1.1.2", &[], &closed_by_suite()), failed);
    let twice = [expected("1.1.2", 0), expected("1.1.2", 0)].concat();
    assert_eq!(verdict("1.1.2", &twice, &closed_by_suite()), failed);
    let pong = [Event::Pong(Payload::EMPTY)];
    assert_eq!(verdict("1.1.2", &pong, &closed_by_suite()), failed);
}

#[test]
fn the_second_list_is_not_strict() {
    let close = failed_by_testee(1002);
    assert_eq!(verdict("3.2", &expected("3.2", 0), &close), Verdict::GOOD);
    assert_eq!(
        verdict("3.2", &[], &close),
        both(Behavior::NonStrict, CloseBehavior::Ok)
    );
}

#[test]
fn without_opening_handshake_everything_failed() {
    let ending = Ending::default();
    assert_eq!(
        verdict_of("3.1", Role::Server, false, &[], &ending),
        both(Behavior::Failed, CloseBehavior::Failed)
    );
}

#[test]
fn the_wrong_side_fails_the_close_first() {
    let echo = expected("1.1.2", 0);
    let failed = both(Behavior::Ok, CloseBehavior::Failed);
    assert_eq!(verdict("1.1.2", &echo, &failed_by_testee(1001)), failed);
    let ending = closed_by_suite();
    assert_eq!(verdict("3.1", &[], &ending), failed);
}

#[test]
fn the_end_of_tcp_counts_as_closed_by_the_testee() {
    assert_eq!(verdict("3.1", &[], &Ending::default()), Verdict::GOOD);
}

#[test]
fn the_wrong_side_is_fatal_where_text_is_invalid() {
    let failed = both(Behavior::Failed, CloseBehavior::Failed);
    assert_eq!(verdict("6.3.1", &[], &closed_by_suite()), failed);
    assert_eq!(
        verdict("6.3.1", &[], &failed_by_testee(1007)),
        Verdict::GOOD
    );
}

#[test]
fn an_unclean_close_comes_before_a_wrong_code() {
    let mut ending = closed_by_suite();
    ending.was_clean = false;
    ending.remote_code = Some(3000);
    let echo = expected("1.1.2", 0);
    assert_eq!(
        verdict("1.1.2", &echo, &ending),
        both(Behavior::Ok, CloseBehavior::Unclean)
    );
}

#[test]
fn a_wrong_code_fails_the_behavior_only_in_group_7() {
    let wrong = Ending {
        remote_code: Some(3000),
        ..closed_by_suite()
    };
    let echo = expected("1.1.2", 0);
    assert_eq!(
        verdict("1.1.2", &echo, &wrong),
        both(Behavior::Ok, CloseBehavior::WrongCode)
    );
    assert_eq!(
        verdict("7.3.3", &[], &wrong),
        both(Behavior::Failed, CloseBehavior::WrongCode)
    );
    let none = Ending {
        remote_code: None,
        ..closed_by_suite()
    };
    assert_eq!(verdict("7.3.3", &[], &none), Verdict::GOOD);
}

#[test]
fn only_a_server_is_to_end_tcp() {
    let dropped = Ending {
        dropped_by_me: true,
        ..closed_by_suite()
    };
    let by_client = both(Behavior::Ok, CloseBehavior::FailedByClient);
    assert_eq!(verdict("7.3.3", &[], &dropped), by_client);
    assert_eq!(
        verdict_of("7.3.3", Role::Client, true, &[], &dropped),
        Verdict::GOOD
    );
}

#[test]
fn informational_cases_are_not_judged() {
    let informational = both(Behavior::Informational, CloseBehavior::Informational);
    for id in ["7.1.6", "7.13.1", "7.13.2"] {
        let ending = Ending::default();
        assert_eq!(
            verdict_of(id, Role::Server, false, &[], &ending),
            informational
        );
    }
}

#[test]
fn the_suite_counts_its_own_frames_in_group_10() {
    let echo = expected("10.1.1", 0);
    let ending = closed_by_suite();
    assert_eq!(verdict("10.1.1", &echo, &ending), Verdict::GOOD);
    let facts = Facts {
        testee: Role::Server,
        opened: true,
        received: &echo,
        echoes: &Echoes::Arrived(0),
        ending: &ending,
        sent_frames: &BTreeMap::from([(1, 1)]),
    };
    let judgement = judge_script(case("10.1.1"), &facts);
    assert_eq!(judgement.verdict.behavior, Behavior::Failed);
}

#[test]
fn echoes_are_judged_by_being_complete() {
    let ending = closed_by_suite();
    let behavior = |echoes: &Echoes| {
        let facts = Facts {
            testee: Role::Server,
            opened: true,
            received: &[],
            echoes,
            ending: &ending,
            sent_frames: &BTreeMap::new(),
        };
        judge_script(case("9.7.1"), &facts).verdict.behavior
    };
    assert_eq!(behavior(&Echoes::Complete), Behavior::Ok);
    assert_eq!(behavior(&Echoes::Arrived(999)), Behavior::Failed);
    assert_eq!(behavior(&Echoes::NotAgreed), Behavior::Unimplemented);
    let wrong = Echoes::Wrong("The echo differs.".into());
    assert_eq!(behavior(&wrong), Behavior::Failed);
}

/// A testee that only answers the Close with which the suite gives up.
#[test]
fn a_close_of_the_suite_that_gave_up_is_never_blamed_on_the_testee() {
    let cause = FailureCause::TimeOver(Duration::from_millis(1000));
    let failure = |by_close| {
        Some(Failure {
            cause: cause.clone(),
            by_close,
        })
    };
    for case in cases::of_set(Set::Original) {
        let ending = Ending {
            failure: failure(true),
            local_code: Some(1001),
            remote_code: Some(1001),
            ..closed_by_suite()
        };
        let facts = Facts {
            testee: Role::Server,
            opened: true,
            received: &[],
            echoes: &Echoes::Arrived(0),
            ending: &ending,
            sent_frames: &BTreeMap::new(),
        };
        let judgement = judge_script(case.script().unwrap(), &facts);
        let close = judgement.verdict.close;
        for text in [&judgement.result, &judgement.result_close] {
            assert!(!text.contains("close code is"), "{}: {text}", case.id());
        }
        if matches!(close, CloseBehavior::WrongCode | CloseBehavior::Failed) {
            let text = judgement.result_close;
            assert!(
                text.contains("the suite gave up after 1000 ms"),
                "{}: {text}",
                case.id()
            );
        }
    }
}

#[test]
fn the_reason_of_a_wrong_end_is_told() {
    let told = |id: &str, received: &[Event], ending: &Ending| {
        let facts = Facts {
            testee: Role::Server,
            opened: true,
            received,
            echoes: &Echoes::Arrived(0),
            ending,
            sent_frames: &BTreeMap::new(),
        };
        let judgement = judge_script(case(id), &facts);
        [judgement.result, judgement.result_close]
    };
    let gave_up = |by_close, remote_code| Ending {
        failure: Some(Failure {
            cause: FailureCause::TimeOver(Duration::from_millis(1000)),
            by_close,
        }),
        remote_code: Some(remote_code),
        ..closed_by_suite()
    };
    let missing = "The events are not as expected: event 1 (a text message of 12 bytes) did not \
                   arrive.";
    let close = "The case did not end with code 1000: the suite gave up after 1000 ms, with code \
                 1001, and the testee answered with code 1001.";
    let both = format!("{missing} {close}");
    assert_eq!(told("7.1.1", &[], &gave_up(true, 1001)), [&*both, close]);
    // The time was over while the testee, which had answered with its own code, left TCP open.
    let own = "The close code is 3000, not 1000 or none.";
    assert_eq!(told("7.3.3", &[], &gave_up(false, 3000)), [own, own]);
    assert_eq!(
        told("3.1", &[], &gave_up(true, 1001))[1],
        "The testee had to end the connection: the suite gave up after 1000 ms."
    );
    assert_eq!(
        told("1.1.2", &expected("1.1.2", 0), &failed_by_testee(1001))[1],
        "The testee ended the connection, but the suite had to."
    );
}
