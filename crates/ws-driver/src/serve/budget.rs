//! The budget of a server: one bound on the memory of all its connections.

use std::fmt;
use std::sync::Arc;

use super::ledger::Ledger;

/// A bound on the memory of all connections of a server together.
///
/// Give it to [`Registry::budget`](super::Registry::budget). Clones are the same budget, and
/// several registries may share one. All numbers are bytes.
///
/// | memory | taken when | given back when |
/// |---|---|---|
/// | an incomplete message | it grows | it is complete, and belongs to the handler |
/// | the write queue, and messages that are still to be compressed | a message is queued | the transport has taken it |
/// | the contexts of permessage-deflate | a context is allocated | the context is freed |
///
/// The end of a connection gives back everything. While a message is received, its memory is up to
/// twice its length. A message that is queued for several connections counts for each of them.
///
/// # When the budget is used up
///
/// 1. **Reading stops** on connections that would need more. TCP then slows their peers down.
///    Connections that hold at most 4 KiB continue, so short messages are still served.
/// 2. **The greediest connections end** if a connection has waited for 1 s. The connections that
///    hold most end, one after the other, until an eighth of the budget is free.
/// 3. A connection that has waited for 4 s ends, however little it holds. Connections that hold
///    least go on first when there is room.
/// 4. If the incomplete messages of waiting connections leave no room for any of them, the
///    greediest connections end at once.
///
/// A connection that ends this way sends a Close with 1013 (Try Again Later). It has
/// [`Config::failure_timeout`](crate::Config::failure_timeout) to end, as after a violation. Its
/// handler gets [`LimitError::OverBudget`](crate::LimitError::OverBudget), in
/// [`Error::Receive`](crate::Error::Receive).
///
/// # Exactness
///
/// [`used`](Self::used) is exact at each wait of a connection. Between two waits, up to 64 KiB of
/// messages of less than 8 KiB can be queued without being counted.
///
/// The bound has a slack of one read block for each connection. A connection that holds at most
/// 4 KiB may read one block more. This block has 4 KiB if the budget was used up at the last wait.
/// Otherwise it has up to 64 KiB, or 256 KiB after longer frames.
///
/// Sending is never refused. Messages that a handler sends can exceed the budget, until the
/// greediest connections end.
///
/// The budget does not count blocks that a task reads into while it runs, complete messages, and
/// the connections themselves. [`max_connections`](super::Registry::max_connections) limits their
/// number. A connection that its handler does not poll keeps its memory, and cannot be ended.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (near, stream) = tokio::io::duplex(4096);
/// # let client = tokio::spawn(async move {
/// #     let mut ws = ws_tokio::Connector::new().handshake("ws://example.com/", near).await?;
/// #     ws.send(vec![0; 100_000]).await?;
/// #     ws.close(ws_tokio::CloseCode::NORMAL, "").await?;
/// #     std::io::Result::Ok(())
/// # });
/// use ws_tokio::{Acceptor, Budget, Registry};
///
/// let budget = Budget::new(256 << 20); // 256 MiB for the whole server.
/// let registry = Registry::new().budget(&budget);
/// let acceptor = Acceptor::new().registry(&registry);
///
/// let mut ws = acceptor.accept(stream).await?;
/// while let Some(message) = ws.recv().await? {
///     assert_eq!(message.as_bytes().len(), 100_000);
/// }
/// assert_eq!((budget.used(), budget.ended()), (0, 0));
/// assert!(budget.peak() >= 4096); // The message was incomplete for a while.
/// # client.await??;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Budget(pub(super) Arc<Ledger>);

impl Budget {
    /// Makes a budget of this number of bytes.
    ///
    /// It should be several times as large as the longest message, and cover the contexts of all
    /// connections that compress with context takeover. A message for which the whole budget is too
    /// small ends its connection.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Ledger::new(bytes)))
    }

    /// Returns the number of bytes of the budget.
    pub fn limit(&self) -> usize {
        self.0.limit()
    }

    /// Returns the number of bytes that are in use.
    pub fn used(&self) -> usize {
        self.0.used()
    }

    /// Returns the largest number of bytes that was in use at any time.
    pub fn peak(&self) -> usize {
        self.0.peak()
    }

    /// Returns the number of connections that wait for memory now.
    pub fn waiting(&self) -> usize {
        self.0.waiting()
    }

    /// Returns the number of connections that were ended so far because the budget was used up.
    pub fn ended(&self) -> u64 {
        self.0.ended()
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("limit", &self.limit())
            .field("used", &self.used())
            .finish_non_exhaustive()
    }
}
