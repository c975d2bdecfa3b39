//! Everything at once, against a server with a budget.

mod attackers;
mod habits;
mod neighbors;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ws_test_client::Peer;

use self::attackers::{Attackers, Score};
use self::neighbors::{Neighbors, Served};
use super::{Field, KIB, MIB, SLACK};
use crate::finding::{Bytes, Finding};

/// The budget of the server.
pub(super) const LIMIT: u64 = 64 * MIB;

/// The options of the server.
pub(super) const OPTIONS: &[&str] = &["--deflate", "--budget", "67108864"];

/// The number of attackers, if the limit of descriptors allows it.
const ATTACKERS: usize = 2000;

/// The bytes by which each connection may exceed the budget: a short message, and its answer.
const SLACK_PER_CONNECTION: u64 = 16 * KIB;

/// The memory that the pools of a thread keep: blocks, buffers, and compression contexts.
const POOLS: u64 = 8 * MIB;

/// The bound on the growth of the server: twice the budget with its slack, and the pools.
///
/// The allocator keeps freed memory between pieces that are in use. The lengths of the pieces
/// differ by a factor of a thousand, and some hundred connections end in each second.
pub(super) const GROWTH: u64 = 2 * (LIMIT + ATTACKERS as u64 * SLACK_PER_CONNECTION) + POOLS;

/// The duration of the attack after all attackers have come.
const TIME: Duration = Duration::from_secs(40);

/// The time until the server has ended the last connection: that of a write stall is not awaited,
/// because the attackers end their connections.
const RECOVERY: Duration = Duration::from_secs(20);

/// The numbers of the budget, from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Numbers {
    limit: u64,
    used: u64,
    peak: u64,
    ended: u64,
}

impl Numbers {
    fn of(field: &Field) -> Result<Self> {
        let mut peer = Peer::connect(field.target.endpoint())?;
        peer.send(b"GET /budget HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        Self::parse(&peer.read_to_end()?)
    }

    /// Parses lines such as `used 17`.
    fn parse(page: &str) -> Result<Self> {
        let number = |name: &str| {
            let found = page.lines().find_map(|line| line.strip_prefix(name));
            let number = found.with_context(|| format!("the server reports no `{name}`"))?;
            Ok::<u64, anyhow::Error>(number.trim().parse()?)
        };
        Ok(Self {
            limit: number("limit ")?,
            used: number("used ")?,
            peak: number("peak ")?,
            ended: number("ended ")?,
        })
    }
}

/// Attacks with 2,000 connections, each of which repeats one of the other attacks, beside
/// connections that behave well.
pub(super) fn everything(field: &Field) -> Result<Vec<Finding>> {
    let count = ATTACKERS.min(field.room.saturating_sub(100));
    let address = field.target.address;
    let stop = AtomicBool::new(false);
    let (score, small, large) = thread::scope(|scope| {
        let small = scope.spawn(|| Neighbors::small(address).run(&stop));
        let large = scope.spawn(|| Neighbors::large(address).run(&stop));
        let score = attack(field, count, &stop);
        stop.store(true, Ordering::Relaxed);
        let join = |thread: thread::ScopedJoinHandle<'_, Served>| {
            thread.join().expect("a neighbor does not panic")
        };
        (score, join(small), join(large))
    });
    let score = score?;
    field.target.wait_for_descriptors(RECOVERY)?;
    thread::sleep(SLACK);
    let numbers = Numbers::of(field)?;
    Ok(findings(count, &score, &numbers, &small, &large))
}

/// Runs the attackers in some threads.
fn attack(field: &Field, count: usize, stop: &AtomicBool) -> Result<Score> {
    const THREADS: usize = 4;
    let kinds = habits::all()?;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let places = (thread..count).step_by(THREADS);
                let mut attackers = Attackers::new(field.target.address, &kinds, places);
                scope.spawn(move || attackers.run(TIME, stop))
            })
            .collect();
        let scores = threads
            .into_iter()
            .map(|thread| thread.join().expect("an attacker does not panic"));
        scores.sum::<Result<Score>>()
    })
}

fn findings(
    count: usize,
    score: &Score,
    numbers: &Numbers,
    small: &Served,
    large: &Served,
) -> Vec<Finding> {
    let slack = count as u64 * SLACK_PER_CONNECTION;
    let least = LIMIT * 3 / 4;
    vec![
        Finding::count("attackers", score.together, count),
        Finding::note("connections of attackers", score.opened),
        Finding::note("bytes sent by attackers", Bytes(score.sent)),
        Finding::note("budget", Bytes(numbers.limit)),
        Finding::bytes("budget, peak", numbers.peak, LIMIT + slack),
        // Otherwise the attack shows nothing.
        Finding::new(
            "budget, peak at least",
            Bytes(numbers.peak),
            format!("≥ {}", Bytes(least)),
            numbers.peak >= least,
        ),
        Finding::bytes("budget, used afterwards", numbers.used, 0),
        Finding::new(
            "ended by the budget",
            numbers.ended,
            "≥ 1",
            numbers.ended > 0,
        ),
        Finding::count("small echoes or 1013", small.answered(), small.asked),
        Finding::new(
            "small echoes",
            small.echoed,
            format!("≥ {}", small.asked * 9 / 10),
            small.echoed > 0 && small.echoed >= small.asked * 9 / 10,
        ),
        Finding::note("slowest small echo", crate::finding::Time(small.slowest)),
        // A long message may wait for memory several times, each time for up to 4 s.
        Finding::new(
            "large echoes or 1013 within 10 s",
            format!("{} of {}", large.answered(), large.asked),
            format!("≥ {}", large.asked * 9 / 10),
            large.answered() > 0 && large.answered() >= large.asked * 9 / 10,
        ),
        Finding::note("large echoes", large.echoed),
        Finding::note("large 1013", large.refused),
        Finding::note("slowest large answer", crate::finding::Time(large.slowest)),
    ]
}

/// Waits until `at`.
fn sleep_until(at: Instant) {
    thread::sleep(at.saturating_duration_since(Instant::now()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_server_are_parsed() {
        let page = "HTTP/1.1 200 OK\r\n\r\nlimit 4\nused 3\npeak 2\nended 1\n";
        let numbers = Numbers::parse(page).unwrap();
        assert_eq!((numbers.limit, numbers.used), (4, 3));
        assert_eq!((numbers.peak, numbers.ended), (2, 1));
        assert!(Numbers::parse("HTTP/1.1 404 Not Found\r\n\r\n").is_err());
    }

    #[test]
    fn an_attack_without_effect_is_a_breach() {
        let score = Score {
            together: 2000,
            ..Score::default()
        };
        let served = Served {
            asked: 10,
            echoed: 10,
            ..Served::default()
        };
        let judge = |numbers: Numbers, small: &Served| {
            let findings = findings(2000, &score, &numbers, small, &served);
            findings.iter().filter(|it| !it.is_good()).count()
        };
        let good = Numbers {
            limit: LIMIT,
            used: 0,
            peak: LIMIT,
            ended: 1,
        };
        assert_eq!(judge(good, &served), 0);
        assert_eq!(judge(Numbers { ended: 0, ..good }, &served), 1);
        assert_eq!(judge(Numbers { used: 1, ..good }, &served), 1);
        assert_eq!(
            judge(
                Numbers {
                    peak: LIMIT / 2,
                    ..good
                },
                &served
            ),
            1
        );
        assert_eq!(
            judge(
                Numbers {
                    peak: 2 * LIMIT,
                    ..good
                },
                &served
            ),
            1
        );
        let unserved = Served {
            asked: 10,
            echoed: 8,
            ..Served::default()
        };
        assert_eq!(judge(good, &unserved), 2);
    }
}
