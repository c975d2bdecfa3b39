//! The times of the attempts, compared with a model.

use std::time::Duration;

use fastrand::Rng;
use ws_driver::Connector;
use ws_reconnect::{Backoff, CauseKind, Event, GaveUp, Reason, Reconnecting, Rules, Verdict};
use ws_tests::scripted::network::{self, Answer, Progress};
use ws_tests::scripted::{Manual, Server};
use ws_tests::{clock, exec};

use super::{MILLISECOND, SECOND, client, refusal};

/// Runs a client until it gives up. Returns the error, and the times between the attempts.
fn gave_up(mut client: Reconnecting<Manual>) -> (Box<GaveUp>, Vec<Duration>) {
    let result = exec::run(network::serving(async {
        loop {
            match client.next().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the client ended without an error"),
                Err(gave_up) => return gave_up,
            }
        }
    }));
    let starts: Vec<_> = network::attempts()
        .iter()
        .map(|attempt| attempt.start)
        .collect();
    let gaps = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    (result, gaps)
}

/// Returns the delays of full jitter after the failures 1 to `count`, in milliseconds.
fn model(seed: u64, count: u32, first: Duration, max: Duration) -> Vec<Duration> {
    let mut random = Rng::with_seed(seed);
    let ceilings = (0..count).map(|doubled| (first * 2_u32.pow(doubled)).min(max));
    ceilings
        .map(|ceiling| {
            let nanos = u64::try_from(ceiling.as_nanos()).unwrap();
            Duration::from_nanos(random.u64(..=nanos))
        })
        .collect()
}

#[test]
fn attempts_follow_the_model_of_full_jitter() {
    for seed in 0..50 {
        network::clear();
        network::at(
            "127.0.0.1:80",
            Answer::failure(std::io::ErrorKind::ConnectionRefused),
        );
        let backoff = Backoff::default()
            .first(SECOND / 2)
            .max(10 * SECOND)
            .max_failures(12)
            .seed(seed);
        let (gave_up, gaps) = gave_up(client().backoff(backoff));
        assert_eq!(gaps, model(seed, 11, SECOND / 2, 10 * SECOND));
        assert_eq!((gave_up.reason, gave_up.failures), (Reason::Failures, 12));
        assert_eq!(gave_up.down_for, gaps.iter().sum::<Duration>());
    }
}

/// The server accepts, and resets the connection after a time.
fn short(time: Duration) -> Answer<Server> {
    Answer::success(Server::new().upgrade().wait(time).reset())
}

#[test]
fn only_a_stable_connection_resets_the_backoff() {
    network::clear();
    for time in [59, 59, 59, 60, 1] {
        network::at("127.0.0.1:80", short(time * SECOND));
    }
    let backoff = Backoff::default().max_failures(3).seed(1);
    let (gave_up, _) = gave_up(client().backoff(backoff.clone()));
    assert_eq!(gave_up.failures, 3);
    assert_eq!(network::attempts().len(), 3);

    network::clear();
    for time in [59, 59, 60, 59, 59] {
        network::at("127.0.0.1:80", short(time * SECOND));
    }
    let (error, _) = self::gave_up(client().backoff(backoff));
    // The third one was stable, so its loss is the first failure again.
    assert_eq!((error.failures, network::attempts().len()), (3, 5));
}

#[test]
fn retry_after_precedes_the_delay() {
    for (head, demanded) in [
        ("503 Service Unavailable\r\nRetry-After: 30", 30 * SECOND),
        ("429 Too Many Requests\r\nRetry-After: 7", 7 * SECOND),
        ("429 Too Many Requests\r\nRetry-After: 9999", 100 * SECOND),
        (
            "429 Too Many Requests\r\nRetry-After: later",
            Duration::ZERO,
        ),
        ("503 Service Unavailable", Duration::ZERO),
        // The header has no meaning with other statuses.
        ("502 Bad Gateway\r\nRetry-After: 30", Duration::ZERO),
    ] {
        network::clear();
        network::at("127.0.0.1:80", refusal(head));
        let backoff = Backoff::default()
            .max_retry_after(100 * SECOND)
            .max_failures(3)
            .seed(5);
        let (_, gaps) = gave_up(client().backoff(backoff));
        let expected: Vec<_> = model(5, 2, SECOND, 60 * SECOND)
            .iter()
            .map(|delay| demanded + *delay)
            .collect();
        assert_eq!(gaps, expected, "{head}");
    }
}

#[test]
fn the_last_attempt_begins_at_the_end_of_the_longest_time_without_a_connection() {
    for seed in 0..20 {
        network::clear();
        network::at("127.0.0.1:80", short(5 * SECOND));
        network::at(
            "127.0.0.1:80",
            Answer::failure(std::io::ErrorKind::ConnectionRefused),
        );
        let backoff = Backoff::default().max_down(90 * SECOND).seed(seed);
        let before = clock::elapsed();
        let (gave_up, _) = gave_up(client().backoff(backoff));
        assert_eq!(gave_up.reason, Reason::Time);
        assert_eq!(gave_up.down_for, 90 * SECOND);
        let lost = before + 5 * SECOND;
        let attempts = network::attempts();
        assert!(attempts.len() > 3);
        let last = attempts.iter().map(|attempt| attempt.start).max();
        assert_eq!(last, Some(lost + 90 * SECOND));
    }
}

#[test]
fn an_attempt_and_its_hook_have_one_timeout() {
    network::clear();
    let upgrade = Server::new().upgrade();
    network::at("127.0.0.1:80", Answer::success(upgrade).after(2 * SECOND));
    let mut client = client()
        .open_timeout(5 * SECOND)
        .backoff(Backoff::default().max_failures(1))
        .on_open(async |ws| {
            // The server never answers.
            ws.recv().await?;
            Ok(())
        });
    let before = clock::elapsed();
    let gave_up = exec::run(network::serving(client.next())).unwrap_err();
    assert_eq!(clock::elapsed() - before, 5 * SECOND);
    assert!(matches!(gave_up.cause, ws_reconnect::Cause::OpenTimeout));
    assert_eq!(network::attempts()[0].progress, Progress::Connected);
    drop(client);
    assert_eq!(network::live(), 0);
}

#[test]
fn rules_apply_to_a_running_client() {
    network::clear();
    network::at("127.0.0.1:80", refusal("401 Unauthorized"));
    network::at("127.0.0.1:80", refusal("401 Unauthorized"));
    network::at("127.0.0.1:80", Answer::success(Server::new().upgrade()));
    let (gave_up, _) = gave_up(client());
    assert_eq!(gave_up.reason, Reason::Fatal);
    assert_eq!(gave_up.cause.response().unwrap().status(), 401);

    let rules = Rules::default().statuses(401..=401, Verdict::Retry);
    let mut client = client().rules(rules);
    let event = exec::run(network::serving(client.next())).unwrap();
    let Some(Event::Open(opened)) = event else {
        panic!("{event:?}");
    };
    assert_eq!((opened.connection, opened.attempts), (1, 2));
}

#[test]
fn an_invalid_url_is_fatal() {
    let client = Reconnecting::<Manual>::new(Connector::new(), "http://server/");
    let (gave_up, gaps) = gave_up(client);
    assert_eq!((gave_up.reason, gaps.len()), (Reason::Fatal, 0));
    assert_eq!(Rules::default().on_kind(CauseKind::Request), Verdict::Fatal);
    assert!(gave_up.down_for < MILLISECOND);
}
