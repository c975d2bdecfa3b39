//! The wakers of both halves of a connection.

use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::sync::{Mutex, lock};

/// One of the halves of a connection or of a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The half that receives.
    Receiver,
    /// The half that sends.
    Sender,
}

impl Half {
    /// Returns the other half.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Receiver => Self::Sender,
            Self::Sender => Self::Receiver,
        }
    }
}

/// The wakers of the halves that wait.
///
/// A transport or timer stores only one waker. But both halves write, and both wait for deadlines.
/// If each half passed its own waker, only the half that polled last would be woken. So both halves
/// pass a waker that wakes every half that waits. It is made from an `Arc` of this type.
///
/// ```
/// use std::sync::Arc;
/// use std::task::{Context, Waker};
/// use ws_driver::transport::{Half, Wakers};
///
/// let wakers = Arc::new(Wakers::default());
/// let waker = Waker::from(Arc::clone(&wakers));
///
/// // In each poll of the receiving half:
/// # let cx = Context::from_waker(Waker::noop());
/// wakers.register(Half::Receiver, cx.waker());
/// let mut common = Context::from_waker(&waker);
/// // `transport.poll_read(&mut common, …)`. After `Pending`, both halves are woken.
/// # let _ = &mut common;
/// ```
#[derive(Debug, Default)]
pub struct Wakers(Mutex<[Option<Waker>; 2]>);

impl Wakers {
    /// Stores the waker of `half`. Call this before checking the condition that the half waits for.
    pub fn register(&self, half: Half, waker: &Waker) {
        match &mut lock(&self.0)[half as usize] {
            Some(old) => old.clone_from(waker),
            slot => *slot = Some(waker.clone()),
        }
    }

    /// Removes the waker of `half`, which no longer waits.
    pub fn forget(&self, half: Half) {
        lock(&self.0)[half as usize] = None;
    }

    /// Wakes `half` if it waits.
    pub fn wake_half(&self, half: Half) {
        let waker = lock(&self.0)[half as usize].take();
        // The lock is released first, because waking may run code that locks these wakers again.
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Wakes every half that waits.
    pub fn wake_all(&self) {
        let wakers = std::mem::take(&mut *lock(&self.0));
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counter() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (Arc::clone(&count), Waker::from(count))
    }

    #[test]
    fn each_half_is_woken_once_per_wait() {
        let wakers = Wakers::default();
        let (receiver, receiver_waker) = counter();
        let (sender, sender_waker) = counter();
        wakers.register(Half::Receiver, &receiver_waker);
        wakers.register(Half::Sender, &sender_waker);
        wakers.wake_half(Half::Receiver);
        wakers.wake_half(Half::Receiver);
        wakers.wake_all();
        let counts = [&receiver, &sender].map(|count| count.0.load(Ordering::Relaxed));
        assert_eq!(counts, [1, 1]);
    }

    #[test]
    fn only_the_last_waker_of_a_half_is_woken() {
        let wakers = Wakers::default();
        let (old, old_waker) = counter();
        let (new, new_waker) = counter();
        wakers.register(Half::Sender, &old_waker);
        wakers.register(Half::Sender, &new_waker);
        wakers.wake_all();
        assert_eq!(old.0.load(Ordering::Relaxed), 0);
        assert_eq!(new.0.load(Ordering::Relaxed), 1);
    }
}
