//! The ledger of a budget: the memory of each connection, and the connections that wait for more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::seat::{Order, Seat};
use crate::sync::{Mutex, MutexGuard, lock};

/// The time for which a connection waits for memory before the greediest connections end.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// The time after which a connection that waits for memory ends itself. Otherwise it could wait for
/// as long as others keep the budget used up, and its peer would not be told.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);

/// The part of the budget that is free after the greediest connections have ended: one eighth.
/// Otherwise the next connection would have to wait, too.
const FREED: usize = 8;

/// The bytes of incomplete and queued messages with which a connection may continue even if the
/// budget is used up. So short messages are always served.
pub(super) const FREE: usize = 4 * 1024;

/// A kind of memory that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// An incomplete message.
    Message,
    /// The write queue.
    Queue,
    Decompressor,
    Compressor,
}

/// The number of bytes that a connection needs to read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) message: usize,
    pub(super) codecs: usize,
}

impl Need {
    fn total(self) -> usize {
        self.message.saturating_add(self.codecs)
    }
}

/// The number of kinds.
pub(super) const USES: usize = 4;

pub(super) struct Ledger {
    limit: usize,
    /// A copy of the number in `state`, to read without the lock.
    used: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    used: usize,
    peak: usize,
    ended: u64,
    next_id: u64,
    /// The connections that hold memory or wait for some.
    entries: BTreeMap<u64, Entry>,
    /// The connections to wake when there is room, with the bytes that they held when they began to
    /// wait. Those that hold least come first, so that all can reach the same share.
    queue: BTreeSet<(usize, u64)>,
    /// The number of bytes of incomplete messages whose connections wait for memory. Only the end
    /// of such a connection frees them.
    stuck: usize,
    /// The time at which the greediest connections were last ended because of the grace.
    round: Option<Instant>,
}

/// The account of one connection.
struct Entry {
    seat: Arc<Seat>,
    held: [usize; USES],
    wait: Option<Wait>,
    /// The time at which the connection was told to end.
    ordered: Option<Instant>,
}

struct Wait {
    begun: Instant,
    /// The time of the last round in which the greediest connections were ended, or `begun`.
    since: Instant,
    /// The number of bytes that the connection needs to read on. `None` if it only waits for its
    /// transport: it is one of those that have exceeded the budget.
    need: Option<usize>,
    /// `true` if the connection may read on once it holds little.
    ends_when_small: bool,
    /// The place in the queue: the number of bytes that the connection held when it came. `None`
    /// once the connection was woken.
    place: Option<usize>,
}

impl Entry {
    fn total(&self) -> usize {
        self.held.iter().sum()
    }

    /// Returns the bytes of incomplete and queued messages.
    fn messages(&self) -> usize {
        self.held[Use::Message as usize] + self.held[Use::Queue as usize]
    }

    /// Returns the place in the queue.
    fn place(&self) -> Option<usize> {
        self.wait.as_ref()?.place
    }

    fn stuck(&self) -> usize {
        let waits = self.wait.as_ref().is_some_and(|wait| wait.need.is_some());
        match waits && self.ordered.is_none() {
            true => self.held[Use::Message as usize],
            false => 0,
        }
    }
}

impl Ledger {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            used: AtomicUsize::new(0),
            state: Mutex::new(State::default()),
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    pub(super) fn peak(&self) -> usize {
        self.lock().peak
    }

    pub(super) fn ended(&self) -> u64 {
        self.lock().ended
    }

    pub(super) fn waiting(&self) -> usize {
        let state = self.lock();
        let entries = state.entries.values();
        entries.filter(|entry| entry.wait.is_some()).count()
    }

    /// Returns `true` if more is in use than there is.
    pub(super) fn is_exceeded(&self) -> bool {
        self.used() > self.limit
    }

    /// Returns the number of free bytes.
    pub(super) fn room(&self) -> usize {
        self.limit.saturating_sub(self.used())
    }

    /// Returns the number of a new account.
    pub(super) fn open(&self) -> u64 {
        let mut state = self.lock();
        state.next_id += 1;
        state.next_id
    }

    /// Sets the memory of a connection for one use. Wakes the connection if it waits and can go on.
    ///
    /// Only [`resume`](Self::resume) ends the wait. If it ended here, a task that is about to wait
    /// would not be woken.
    pub(super) fn hold(&self, id: u64, seat: &Arc<Seat>, of: Use, bytes: usize) {
        let limit = self.limit;
        let is_woken = self.act(|state| {
            state.change(id, seat, |entry| entry.held[of as usize] = bytes);
            (Vec::new(), state.can_go_on(limit, id))
        });
        if is_woken {
            seat.wake();
        }
    }

    /// Returns `true` if there is room for `need` more bytes. Otherwise the connection waits for
    /// them from now on. Ends the greediest connections if waiting is useless.
    pub(super) fn ask(&self, id: u64, seat: &Arc<Seat>, need: Need, now: Instant) -> bool {
        let limit = self.limit;
        self.act(|state| {
            let has_room = limit.saturating_sub(state.used) >= need.total();
            match has_room {
                true => state.change(id, seat, |entry| entry.wait = None),
                false => state.wait(id, seat, Some(need), now),
            }
            // Even if all others gave back what they hold, no connection that waits could go on.
            let need = need.total();
            let ending = match !has_room && state.stuck.saturating_add(need) > limit {
                true => state.make_room(limit, need, now),
                false => Vec::new(),
            };
            (ending, has_room)
        })
    }

    /// Records that a connection waits for its transport. If the budget is exceeded, the grace
    /// begins.
    pub(super) fn linger(&self, id: u64, seat: &Arc<Seat>, now: Instant) {
        let limit = self.limit;
        self.act(|state| {
            if state.used > limit && !state.waits(id) {
                state.wait(id, seat, None, now);
            }
            (Vec::new(), ())
        });
    }

    /// Returns the instant at which the patience of this connection ends. `None` if it does not
    /// wait for memory.
    pub(super) fn deadline(&self, id: u64) -> Option<Instant> {
        let state = self.lock();
        let wait = state.entries.get(&id)?.wait.as_ref()?;
        wait.since.checked_add(GRACE)
    }

    /// Ends the wait of a connection that can go on. Returns `true` if it did.
    pub(super) fn resume(&self, id: u64, seat: &Arc<Seat>) -> bool {
        let limit = self.limit;
        self.act(|state| (Vec::new(), state.resume(limit, id, seat)))
    }

    /// Acts on the end of the patience of this connection. Returns `true` if it can go on.
    pub(super) fn overdue(&self, id: u64, seat: &Arc<Seat>, now: Instant) -> bool {
        let limit = self.limit;
        self.act(|state| {
            if state.resume(limit, id, seat) {
                return (Vec::new(), true);
            }
            // One round is enough for all that wait.
            let round = state.round.filter(|round| now < *round + GRACE);
            let Some(wait) = state.entries.get_mut(&id).and_then(|it| it.wait.as_mut()) else {
                return (Vec::new(), false);
            };
            wait.since = round.unwrap_or(now);
            let need = wait.need;
            if need.is_some() && now >= wait.begun + PATIENCE {
                return (Vec::from_iter(state.end(id, seat, now)), false);
            }
            let need = need.unwrap_or(0);
            let ending = match round {
                Some(_) => Vec::new(),
                None => {
                    state.round = Some(now);
                    state.make_room(limit, need, now)
                }
            };
            (ending, false)
        })
    }

    /// Closes the account of a connection that has ended.
    pub(super) fn close(&self, id: u64) {
        self.act(|state| {
            if let Some(entry) = state.entries.remove(&id) {
                state.used -= entry.total();
                state.stuck -= entry.stuck();
                entry.place().map(|place| state.queue.remove(&(place, id)));
            }
            (Vec::new(), ())
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Changes the state. Then ends the connections that `change` returns, and wakes those for
    /// which there is room now.
    fn act<R>(&self, change: impl FnOnce(&mut State) -> (Vec<Arc<Seat>>, R)) -> R {
        let mut state = self.lock();
        let (ending, result) = change(&mut state);
        state.peak = state.peak.max(state.used);
        self.used.store(state.used, Ordering::Relaxed);
        let waiting = state.next_waiters(self.limit);
        // The lock is released first, because waking may run code that uses the ledger.
        drop(state);
        ending.iter().for_each(|seat| seat.give(Order::Fail));
        waiting.iter().for_each(|seat| seat.wake());
        result
    }
}

impl State {
    /// Changes an entry, and keeps the sums. Removes an entry that is not needed any more.
    fn change(&mut self, id: u64, seat: &Arc<Seat>, change: impl FnOnce(&mut Entry)) {
        let entry = self.entries.entry(id).or_insert_with(|| Entry {
            seat: Arc::clone(seat),
            held: [0; USES],
            wait: None,
            ordered: None,
        });
        let (used, stuck, place) = (entry.total(), entry.stuck(), entry.place());
        change(entry);
        if entry.place() != place {
            place.map(|place| self.queue.remove(&(place, id)));
            self.queue.extend(entry.place().map(|place| (place, id)));
        }
        self.used = self.used - used + entry.total();
        self.stuck = self.stuck - stuck + entry.stuck();
        seat.note_waiting(entry.wait.is_some());
        if entry.total() == 0 && entry.wait.is_none() && entry.ordered.is_none() {
            self.entries.remove(&id);
        }
    }

    fn waits(&self, id: u64) -> bool {
        let entry = self.entries.get(&id);
        entry.is_some_and(|entry| entry.wait.is_some())
    }

    /// Makes a connection wait. A connection that waits already keeps its time and its place.
    fn wait(&mut self, id: u64, seat: &Arc<Seat>, need: Option<Need>, now: Instant) {
        let ends_when_small = need.is_none_or(|need| need.codecs == 0);
        let need = need.map(Need::total);
        self.change(id, seat, |entry| {
            let held = entry.total();
            let wait = entry.wait.get_or_insert(Wait {
                begun: now,
                since: now,
                need,
                ends_when_small,
                place: None,
            });
            (wait.need, wait.ends_when_small) = (need, ends_when_small);
            // A connection that only waits for its transport need not be woken.
            if need.is_some() {
                wait.place.get_or_insert(held);
            }
        });
    }

    /// Ends the wait of a connection that can go on. Returns `true` if it did.
    ///
    /// A connection that was woken in vain, because another one has taken the room, gets a place in
    /// the queue again.
    fn resume(&mut self, limit: usize, id: u64, seat: &Arc<Seat>) -> bool {
        let can_go_on = self.can_go_on(limit, id);
        self.change(id, seat, |entry| {
            let held = entry.total();
            match &mut entry.wait {
                Some(_) if can_go_on => entry.wait = None,
                Some(wait) if wait.need.is_some() => {
                    wait.place.get_or_insert(held);
                }
                _ => {}
            }
        });
        can_go_on
    }

    /// Returns `true` if a connection waits and can go on.
    fn can_go_on(&self, limit: usize, id: u64) -> bool {
        let Some(entry) = self.entries.get(&id) else {
            return false;
        };
        entry.wait.as_ref().is_some_and(|wait| match wait.need {
            Some(_) if wait.ends_when_small && entry.messages() <= FREE => true,
            Some(need) => limit.saturating_sub(self.used) >= need,
            None => self.used <= limit || entry.messages() <= FREE,
        })
    }

    /// Takes the first connections of the queue for which there is room.
    fn next_waiters(&mut self, limit: usize) -> Vec<Arc<Seat>> {
        let mut next = Vec::new();
        let Some(mut room) = limit.checked_sub(self.used) else {
            return next;
        };
        while let Some((_, id)) = self.queue.first() {
            if let Some(entry) = self.entries.get_mut(id)
                && let Some(wait) = &mut entry.wait
            {
                let Some(left) = room.checked_sub(wait.need.unwrap_or(0)) else {
                    break;
                };
                room = left;
                wait.place = None;
                next.push(Arc::clone(&entry.seat));
            }
            self.queue.pop_first();
        }
        next
    }

    /// Chooses a connection, unless it was chosen before.
    fn end(&mut self, id: u64, seat: &Arc<Seat>, now: Instant) -> Option<Arc<Seat>> {
        let is_new = self.entries.get(&id).is_some_and(|it| it.ordered.is_none());
        is_new.then(|| {
            self.change(id, seat, |entry| entry.ordered = Some(now));
            self.ended += 1;
            Arc::clone(seat)
        })
    }

    /// Chooses the greediest connections, until `need` and an eighth of the budget will be free.
    fn make_room(&mut self, limit: usize, need: usize, now: Instant) -> Vec<Arc<Seat>> {
        let target = limit.saturating_sub(need.max(limit / FREED));
        let is_recent = |ordered: Instant| now < ordered + GRACE;
        let (leaving, staying): (Vec<_>, Vec<_>) = self
            .entries
            .iter()
            .map(|(id, entry)| (entry.total(), *id, entry.ordered))
            .partition(|(.., ordered)| ordered.is_some());
        // Those whose handler does not react cannot be counted on.
        let leaving = leaving
            .iter()
            .filter(|(.., ordered)| ordered.is_some_and(is_recent));
        let mut used = self.used - leaving.map(|(total, ..)| total).sum::<usize>();
        let mut staying = staying;
        staying.sort_unstable_by_key(|(total, id, _)| (*total, *id));
        // If the rest cannot end enough, because some handlers do not react, only one of them ends.
        let reachable = used - staying.iter().map(|(total, ..)| total).sum::<usize>();
        let most = if reachable > target { 1 } else { usize::MAX };
        let mut chosen = Vec::new();
        while used > target
            && chosen.len() < most
            && let Some((total, id, _)) = staying.pop()
            && total > 0
        {
            let Some(seat) = self.entries.get(&id).map(|it| Arc::clone(&it.seat)) else {
                continue;
            };
            used -= total;
            chosen.extend(self.end(id, &seat, now));
        }
        chosen
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
