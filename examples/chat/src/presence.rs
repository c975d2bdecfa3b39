//! The names in each room, over all instances.
//!
//! An instance announces the names of its own clients when they change, and every [`BEAT`]. The
//! others forget an instance that has been silent for [`SILENCE`], because it may have been killed.
//! An announcement is a whole state, so one that is lost or late does no lasting harm.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use ws_tokio::Tokio;
use ws_topics::backplane::Backplane;
use ws_topics::{Event, Policy, SharedTopics, Subscription, Topics};

use crate::protocol::{FromServer, Here};

/// The time between two announcements.
pub const BEAT: Duration = Duration::from_secs(1);

/// The time after which a silent instance is forgotten.
pub const SILENCE: Duration = Duration::from_secs(4);

/// The time in which changes are collected, so that a thousand joins are not a thousand messages to
/// a thousand clients.
const COLLECT: Duration = Duration::from_millis(100);

/// The names that a client is sent. More would be a list that nobody reads.
const SHOWN: usize = 100;

/// The topic of the announcements.
const TOPIC: &str = "instances";

/// The names in each room. A clone is the same.
pub(crate) struct Presence<B>(Arc<Shared<B>>);

struct Shared<B> {
    instance: String,
    max_rooms: usize,
    announcements: SharedTopics<B>,
    /// The names for the clients of this instance, by room.
    rooms: Topics,
    state: Mutex<State>,
    /// Wakes the task that tells the clients.
    changed: Notify,
    /// Wakes the task that tells the other instances.
    own_changed: Notify,
    answers: AtomicBool,
}

#[derive(Default)]
struct State {
    /// The clients of this instance with each name.
    own: HashMap<String, BTreeMap<String, usize>>,
    others: HashMap<String, Other>,
    /// The rooms whose clients have to be told.
    changed: HashSet<String>,
}

struct Other {
    heard: Instant,
    rooms: Names,
}

/// The names by room.
type Names = HashMap<String, BTreeSet<String>>;

#[derive(Serialize, Deserialize)]
struct Announcement {
    instance: String,
    rooms: Names,
}

/// The place of a client in a room. Dropping it leaves the room.
pub(crate) struct Place<B> {
    presence: Presence<B>,
    room: String,
    name: String,
}

/// There are too many rooms.
#[derive(Debug)]
pub(crate) struct NoRoom;

impl<B: Backplane> Presence<B> {
    pub(crate) fn new(announcements: SharedTopics<B>, instance: String, max_rooms: usize) -> Self {
        Self(Arc::new(Shared {
            instance,
            max_rooms,
            announcements,
            rooms: Topics::new(),
            state: Mutex::default(),
            changed: Notify::new(),
            own_changed: Notify::new(),
            answers: AtomicBool::new(true),
        }))
    }

    /// Enters a room. Returns the place, and the names in the room: now, and whenever they change.
    pub(crate) fn enter(&self, room: &str, name: &str) -> Result<(Place<B>, Subscription), NoRoom> {
        let mut state = self.0.lock();
        if !state.own.contains_key(room) && state.own.len() >= self.0.max_rooms {
            return Err(NoRoom);
        }
        let names = state.own.entry(room.to_owned()).or_default();
        *names.entry(name.to_owned()).or_default() += 1;
        // Only the latest state counts.
        let subscription = self
            .0
            .rooms
            .subscribe(room, Policy::drop_oldest().messages(1));
        self.0.own_changed(&mut state, room);
        let place = Place {
            presence: self.clone(),
            room: room.to_owned(),
            name: name.to_owned(),
        };
        Ok((place, subscription))
    }

    /// Returns the number of rooms and of clients of this instance.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let state = self.0.lock();
        let clients = state.own.values().flat_map(BTreeMap::values).sum();
        (state.own.len(), clients)
    }

    /// Returns `true` if the store has accepted the last announcement.
    pub(crate) fn store_answers(&self) -> bool {
        self.0.answers.load(Ordering::Relaxed)
    }

    /// Tells the clients and the other instances what changes, forever.
    pub(crate) async fn run(&self) {
        let report = |error: &B::Error| eprintln!("presence: {error}");
        tokio::join!(
            self.0.tell_clients(),
            self.0.announce_changes(),
            self.listen(),
            self.0.announcements.run::<Tokio>(report),
        );
    }

    async fn listen(&self) {
        loop {
            let policy = Policy::drop_oldest();
            if let Ok(mut heard) = self.0.announcements.subscribe(TOPIC, policy).await {
                while let Ok(Some(event)) = heard.recv().await {
                    if let Event::Message(message) = event {
                        self.0.hear(message.as_bytes());
                    }
                }
            }
            sleep(BEAT).await;
        }
    }

    /// Announces that this instance has no clients any more.
    pub(crate) async fn leave(&self) {
        *self.0.lock() = State::default();
        self.0.announce().await;
    }
}

impl<B: Backplane> Shared<B> {
    async fn tell_clients(&self) {
        loop {
            self.changed.notified().await;
            sleep(COLLECT).await;
            let rooms = std::mem::take(&mut self.lock().changed);
            for room in rooms {
                let here = self.lock().here(&room);
                self.rooms
                    .publish(&room, FromServer::Here(here).to_json())
                    .await;
            }
        }
    }

    async fn announce_changes(&self) {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = beat.tick() => self.forget_silent(Instant::now()),
                () = self.own_changed.notified() => sleep(COLLECT).await,
            }
            self.announce().await;
        }
    }

    async fn announce(&self) {
        let announcement = Announcement {
            instance: self.instance.clone(),
            rooms: self.lock().own_names(),
        };
        let text = serde_json::to_string(&announcement).expect("names are JSON");
        let published = timeout(SILENCE, self.announcements.publish(TOPIC, text)).await;
        self.answers
            .store(matches!(published, Ok(Ok(_))), Ordering::Relaxed);
    }

    /// Stores the announcement of another instance.
    fn hear(&self, bytes: &[u8]) {
        let Ok(Announcement { instance, rooms }) = serde_json::from_slice(bytes) else {
            return;
        };
        if instance == self.instance {
            return;
        }
        let mut state = self.lock();
        let other = Other {
            heard: Instant::now(),
            rooms,
        };
        let before = state.others.insert(instance.clone(), other);
        let before = before.map(|other| other.rooms).unwrap_or_default();
        let now = state.others[&instance].rooms.clone();
        if now.is_empty() {
            state.others.remove(&instance);
        }
        let rooms = before.keys().chain(now.keys());
        let changed = rooms.filter(|room| before.get(*room) != now.get(*room));
        self.tell(&mut state, changed.cloned());
    }

    fn forget_silent(&self, now: Instant) {
        let mut state = self.lock();
        let mut changed = Vec::new();
        state.others.retain(|_, other| {
            let is_heard = now.saturating_duration_since(other.heard) < SILENCE;
            if !is_heard {
                changed.extend(other.rooms.keys().cloned());
            }
            is_heard
        });
        self.tell(&mut state, changed.into_iter());
    }

    fn own_changed(&self, state: &mut State, room: &str) {
        self.tell(state, std::iter::once(room.to_owned()));
        self.own_changed.notify_one();
    }

    fn tell(&self, state: &mut State, rooms: impl Iterator<Item = String>) {
        state.changed.extend(rooms);
        if !state.changed.is_empty() {
            self.changed.notify_one();
        }
    }

    /// Locks the state. A panic elsewhere leaves it consistent.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn own_names(&self) -> Names {
        let rooms = self.own.iter();
        rooms
            .map(|(room, names)| (room.clone(), names.keys().cloned().collect()))
            .collect()
    }

    fn here(&self, room: &str) -> Here {
        let own = self.own.get(room).into_iter().flat_map(BTreeMap::keys);
        let others = self
            .others
            .values()
            .filter_map(|other| other.rooms.get(room));
        let names: BTreeSet<&String> = own.chain(others.flatten()).collect();
        Here {
            count: names.len(),
            names: names.into_iter().take(SHOWN).cloned().collect(),
        }
    }
}

impl<B> Clone for Presence<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B> Drop for Place<B> {
    fn drop(&mut self) {
        let shared = &self.presence.0;
        let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(names) = state.own.get_mut(&self.room) else {
            return;
        };
        if let Some(count) = names.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                names.remove(&self.name);
            }
        }
        if names.is_empty() {
            state.own.remove(&self.room);
        }
        state.changed.insert(self.room.clone());
        shared.changed.notify_one();
        shared.own_changed.notify_one();
    }
}
