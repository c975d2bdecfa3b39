use super::*;
use crate::cases;
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
    assert_eq!(behavior(&Echoes::Altered), Behavior::Failed);
    assert_eq!(behavior(&Echoes::NotAgreed), Behavior::Unimplemented);
    let wrong = Echoes::Wrong {
        binary: true,
        len: 1,
    };
    assert_eq!(behavior(&wrong), Behavior::Failed);
}
