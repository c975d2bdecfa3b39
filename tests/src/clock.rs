//! Virtual time. Each thread has one clock. Only [`advance`] and [`advance_to_alarm`] advance the
//! clock.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use ws_driver::transport::Timer;

thread_local! {
    static CLOCK: RefCell<Clock> = RefCell::new(Clock {
        start: Instant::now(),
        elapsed: Duration::ZERO,
        alarms: BTreeMap::new(),
        next_id: 0,
    });
}

struct Clock {
    start: Instant,
    elapsed: Duration,
    alarms: BTreeMap<u64, Alarm>,
    next_id: u64,
}

struct Alarm {
    deadline: Instant,
    /// The task that waits for the alarm.
    waker: Option<Waker>,
}

impl Clock {
    fn now(&self) -> Instant {
        self.start + self.elapsed
    }

    /// Takes the wakers of all alarms whose deadline has passed.
    fn ring(&mut self) -> Vec<Waker> {
        let now = self.now();
        self.alarms
            .values_mut()
            .filter(|alarm| alarm.deadline <= now)
            .filter_map(|alarm| alarm.waker.take())
            .collect()
    }
}

/// A timer on the virtual clock of the current thread.
#[derive(Debug)]
pub struct ManualTimer {
    id: u64,
}

impl Timer for ManualTimer {
    fn now() -> Instant {
        CLOCK.with_borrow(Clock::now)
    }

    fn at(deadline: Instant) -> Self {
        CLOCK.with_borrow_mut(|clock| {
            let id = clock.next_id;
            clock.next_id += 1;
            let alarm = Alarm {
                deadline,
                waker: None,
            };
            clock.alarms.insert(id, alarm);
            Self { id }
        })
    }

    fn reset(&mut self, deadline: Instant) {
        CLOCK.with_borrow_mut(|clock| {
            if let Some(alarm) = clock.alarms.get_mut(&self.id) {
                alarm.deadline = deadline;
            }
        });
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        CLOCK.with_borrow_mut(|clock| {
            let now = clock.now();
            match clock.alarms.get_mut(&self.id) {
                Some(alarm) if alarm.deadline > now => {
                    alarm.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
                _ => Poll::Ready(()),
            }
        })
    }
}

impl Drop for ManualTimer {
    fn drop(&mut self) {
        // The alarm is missing if the timer was moved to another thread.
        let _ = CLOCK.try_with(|clock| clock.borrow_mut().alarms.remove(&self.id));
    }
}

/// Returns the virtual time that has passed since this thread first used its clock.
#[must_use]
pub fn elapsed() -> Duration {
    CLOCK.with_borrow(|clock| clock.elapsed)
}

/// Advances virtual time by `time`. Wakes the tasks whose alarms are due.
pub fn advance(time: Duration) {
    let wakers = CLOCK.with_borrow_mut(|clock| {
        clock.elapsed += time;
        clock.ring()
    });
    wakers.into_iter().for_each(Waker::wake);
}

/// Advances virtual time to the next alarm that a task waits for. Returns `false` if no such alarm
/// exists.
pub fn advance_to_alarm() -> bool {
    let left = CLOCK.with_borrow(|clock| {
        clock
            .alarms
            .values()
            .filter(|alarm| alarm.waker.is_some())
            .map(|alarm| alarm.deadline.saturating_duration_since(clock.now()))
            .min()
    });
    left.map(advance).is_some()
}

/// Returns the number of timers that exist on this thread.
#[must_use]
pub fn timers() -> usize {
    CLOCK.with_borrow(|clock| clock.alarms.len())
}
