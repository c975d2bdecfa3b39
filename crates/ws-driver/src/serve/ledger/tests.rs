//! Tests of the ledger, also against a model.

use super::*;
use crate::serve::account::Account;
use crate::serve::budget::Budget;
use crate::serve::registry::Shared;

const KIB: usize = 1024;

/// A budget with connections, none of which holds anything.
fn seats(limit: usize, count: usize) -> (Budget, Vec<Arc<Seat>>) {
    let budget = Budget::new(limit);
    let registry = Arc::new(Shared::new());
    let seat = |id| {
        let account = Account::open(&budget);
        Arc::new(Seat::new(Arc::clone(&registry), id, None, Some(account)))
    };
    let seats = (0..count as u64).map(seat).collect();
    (budget, seats)
}

fn bytes(message: usize) -> Need {
    Need { message, codecs: 0 }
}

fn id(seat: &Seat) -> u64 {
    seat.account().unwrap().id
}

fn is_told(seat: &Seat) -> bool {
    matches!(seat.order(), Some(Order::Fail))
}

#[test]
fn sums_are_exact_after_random_changes() {
    const USES_IN_TURN: [Use; USES] =
        [Use::Message, Use::Queue, Use::Decompressor, Use::Compressor];
    let mut random: u64 = 1;
    let mut below = |end: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) as usize % end
    };
    let (budget, seats) = seats(usize::MAX, 8);
    let mut model = vec![[0; USES]; seats.len()];
    let mut peak = 0;
    for _ in 0..20_000 {
        let at = below(seats.len());
        let seat = &seats[at];
        match below(20) {
            0 => {
                budget.0.close(id(seat));
                for of in USES_IN_TURN {
                    // The seat has left, and its copy is not used any more.
                    seat.account().unwrap().store(of, 0);
                }
                model[at] = [0; USES];
            }
            1 => assert!(
                budget
                    .0
                    .ask(id(seat), seat, bytes(below(1000)), Instant::now())
            ),
            _ => {
                let (of, len) = (USES_IN_TURN[below(USES)], below(3) * below(100_000));
                seat.hold(of, len);
                model[at][of as usize] = len;
            }
        }
        let sum = model.iter().flatten().sum();
        peak = peak.max(sum);
        assert_eq!((budget.used(), budget.peak()), (sum, peak));
        let holding = model
            .iter()
            .filter(|held| held.iter().any(|held| *held > 0));
        assert_eq!(budget.0.lock().entries.len(), holding.count());
    }
    seats.iter().for_each(|seat| budget.0.close(id(seat)));
    assert_eq!((budget.used(), budget.peak()), (0, peak));
}

#[test]
fn the_greediest_are_told_until_an_eighth_is_free() {
    let (budget, seats) = seats(800 * KIB, 9);
    let now = Instant::now();
    for (at, seat) in seats.iter().take(8).enumerate() {
        seat.hold(Use::Queue, (96 + at) * KIB);
    }
    let waiting = &seats[8];
    waiting.hold(Use::Message, 5 * KIB);
    assert!(!budget.0.ask(id(waiting), waiting, bytes(8 * KIB), now));
    assert!(!budget.0.overdue(id(waiting), waiting, now + GRACE));
    // 801 KiB in use, and 700 KiB may be.
    let told: Vec<_> = seats.iter().map(|seat| is_told(seat)).collect();
    assert_eq!(told.iter().filter(|told| **told).count(), 1);
    assert!(told[7]);
    assert_eq!(budget.ended(), 1);
    // The next patience ends before the connection could react.
    assert!(!budget.0.overdue(id(waiting), waiting, now + GRACE));
    assert_eq!(budget.ended(), 1);
    budget.0.close(id(&seats[7]));
    assert!(budget.0.resume(id(waiting), waiting));
    assert_eq!(budget.waiting(), 0);
}

#[test]
fn nobody_is_told_while_others_can_give_back_enough() {
    let (budget, seats) = seats(100 * KIB, 3);
    let now = Instant::now();
    seats[0].hold(Use::Message, 40 * KIB);
    seats[1].hold(Use::Message, 40 * KIB);
    seats[2].hold(Use::Queue, 20 * KIB);
    assert!(!budget.0.ask(id(&seats[0]), &seats[0], bytes(20 * KIB), now));
    assert_eq!(budget.ended(), 0);
    // Even with the queue, there would be room for one of them.
    assert!(!budget.0.ask(id(&seats[1]), &seats[1], bytes(20 * KIB), now));
    assert_eq!(budget.ended(), 0);
    // For this, there would not.
    assert!(!budget.0.ask(id(&seats[1]), &seats[1], bytes(21 * KIB), now));
    assert_eq!(budget.ended(), 1);
    assert!(is_told(&seats[1]) && !is_told(&seats[0]));
}

#[test]
fn those_that_hold_least_go_on_first() {
    let (budget, seats) = seats(200 * KIB, 4);
    let now = Instant::now();
    seats[0].hold(Use::Queue, 130 * KIB);
    for (at, held) in [(1, 30), (2, 10), (3, 20)] {
        seats[at].hold(Use::Message, held * KIB);
    }
    for seat in &seats[1..] {
        assert!(!budget.0.ask(id(seat), seat, bytes(20 * KIB), now));
    }
    let queued = || {
        let state = budget.0.lock();
        let ids = state.queue.iter().map(|(_, id)| *id);
        ids.collect::<Vec<_>>()
    };
    assert_eq!(queued(), [2, 3, 1].map(|at: usize| id(&seats[at])));
    // Room for two of them.
    seats[0].hold(Use::Queue, 90 * KIB);
    assert_eq!(queued(), [id(&seats[1])]);
    budget.0.close(id(&seats[1]));
    assert!(queued().is_empty());
}

#[test]
fn a_connection_that_was_woken_in_vain_is_woken_again() {
    let (budget, seats) = seats(200 * KIB, 3);
    let now = Instant::now();
    seats[0].hold(Use::Queue, 190 * KIB);
    seats[1].hold(Use::Message, 10 * KIB);
    assert!(!budget.0.ask(id(&seats[1]), &seats[1], bytes(20 * KIB), now));
    let is_queued = || !budget.0.lock().queue.is_empty();
    seats[0].hold(Use::Queue, 170 * KIB);
    assert!(!is_queued());
    // Another connection is faster.
    assert!(budget.0.ask(id(&seats[2]), &seats[2], bytes(20 * KIB), now));
    seats[2].hold(Use::Message, 20 * KIB);
    assert!(!budget.0.resume(id(&seats[1]), &seats[1]));
    assert!(is_queued());
    seats[2].hold(Use::Message, 0);
    assert!(!is_queued());
    assert!(budget.0.resume(id(&seats[1]), &seats[1]));
}

#[test]
fn a_connection_that_holds_little_goes_on_unless_it_needs_a_context() {
    for (codecs, goes_on) in [(0, true), (1, false)] {
        let (budget, seats) = seats(0, 1);
        let (seat, id) = (&seats[0], id(&seats[0]));
        seat.hold(Use::Message, FREE + 1);
        let need = Need { message: 1, codecs };
        assert!(!budget.0.ask(id, seat, need, Instant::now()));
        seat.hold(Use::Message, FREE);
        // Only the connection ends its wait.
        assert!(seat.account().unwrap().waits());
        assert_eq!(budget.0.resume(id, seat), goes_on);
        assert_eq!(seat.account().unwrap().waits(), !goes_on);
    }
}

#[test]
fn a_connection_that_waits_for_its_transport_has_a_grace() {
    let (budget, seats) = seats(0, 1);
    let (seat, id) = (&seats[0], id(&seats[0]));
    let now = Instant::now();
    seat.hold(Use::Queue, FREE + 1);
    budget.0.linger(id, seat, now);
    assert_eq!(budget.waiting(), 1);
    assert_eq!(budget.0.deadline(id), Some(now + GRACE));
    assert!(!budget.0.resume(id, seat));
    seat.hold(Use::Queue, FREE);
    assert!(budget.0.resume(id, seat));
    assert_eq!(budget.waiting(), 0);
}
