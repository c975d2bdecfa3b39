//! The pair of both halves, for callers without async.

use alloc::vec;

use crate::config::Config;
use crate::mask::MaskSource;
use crate::message::{MessageKind, MessageRef};
use crate::recv::{Chunk, RecvHalf, Step};
use crate::role::Role;
use crate::send::SendHalf;

/// A WebSocket connection after the opening handshake, without I/O: a [`RecvHalf`] and its
/// [`SendHalf`].
///
/// The methods of this type need both halves. All other methods are on the halves: their
/// documentation lists them by topic. The order of calls:
///
/// 1. Take steps ([`next_message`](Self::next_message)) until one returns [`Step::NeedInput`] or
///    [`Step::Ended`]. Queue the messages to send ([`SendHalf::message`]).
/// 2. Write what is queued ([`SendHalf::slices`] or `SendHalf::io_slices`), then report how much
///    was written ([`SendHalf::advance`]). If the transport takes nothing, call
///    [`SendHalf::stalled`].
/// 3. Get the time at which the wait must end ([`SendHalf::deadline`]). Wait for input and read it
///    into [`spare`](Self::spare). Report how much arrived ([`RecvHalf::filled`], or
///    [`end_of_input`](Self::end_of_input)), and act on timeouts ([`SendHalf::expire`]).
///
/// ```
/// use ws_proto::{
///     CloseCode, CloseFrame, CloseReason, Config, Connection, MaskKey, MaskSource, MessageRef,
///     Step,
/// };
///
/// struct Masks;
///
/// impl MaskSource for Masks {
///     fn next_key(&mut self) -> MaskKey {
///         // In production, use the random source of the operating system.
///         MaskKey::new([1, 2, 3, 4])
///     }
/// }
///
/// /// Stands in for a transport: passes the output of one end to the other.
/// fn carry(from: &mut Connection, to: &mut Connection) {
///     let mut slices = [&[][..]; 16];
///     let used = from.send.slices(&mut slices);
///     let bytes = slices[..used].concat();
///     from.send.advance(bytes.len());
///     to.spare()[..bytes.len()].copy_from_slice(&bytes);
///     to.recv.filled(bytes.len());
/// }
///
/// let mut client = Connection::client(&Config::default(), Masks);
/// let mut server = Connection::server(&Config::default());
/// client.send.message("hello")?;
/// carry(&mut client, &mut server);
/// assert_eq!(server.next_message(), Step::Found(MessageRef::Text("hello")));
///
/// let bye = CloseFrame::new(CloseCode::NORMAL, CloseReason::new("bye")?);
/// client.send.start_close(bye)?;
/// carry(&mut client, &mut server);
/// assert!(matches!(server.next_message(), Step::Control(_))); // The answer is queued.
/// carry(&mut server, &mut client);
/// assert!(matches!(client.next_message(), Step::Control(_)));
/// assert_eq!(client.next_message(), Step::Ended);
/// assert!(client.send.end().is_some_and(|end| end.clean));
/// // The server ends the transport first (RFC 6455 §7.1.1).
/// assert!(server.send.ends_transport() && !client.send.ends_transport());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Connection {
    /// The receiving half.
    pub recv: RecvHalf,
    /// The sending half.
    pub send: SendHalf,
}

impl Connection {
    /// Creates the server's end.
    #[must_use]
    pub fn server(config: &Config) -> Self {
        Self {
            recv: RecvHalf::new(Role::Server, config),
            send: SendHalf::server(config),
        }
    }

    /// Creates the client's end. It takes a new masking key from `masks` for every frame.
    #[must_use]
    pub fn client(config: &Config, masks: impl MaskSource + 'static) -> Self {
        Self {
            recv: RecvHalf::new(Role::Client, config),
            send: SendHalf::client(config, masks),
        }
    }

    /// Compresses messages as agreed in the opening handshake (RFC 7692 §7).
    #[cfg(feature = "deflate")]
    pub fn deflate(&mut self, params: &crate::DeflateParams, config: &crate::DeflateConfig) {
        self.recv.inflate(params);
        self.send.deflate(params, config);
    }

    /// Splits the connection into its halves. Each step of the receiving half then takes the
    /// sending half as an argument.
    #[must_use]
    pub fn split(self) -> (RecvHalf, SendHalf) {
        (self.recv, self.send)
    }

    /// Joins two halves into a connection.
    #[must_use]
    pub fn join(recv: RecvHalf, send: SendHalf) -> Self {
        Self { recv, send }
    }

    /// Returns free memory to read into, which is never empty. The first call allocates a block of
    /// 64 KiB.
    ///
    /// The message or piece that the last step found is no longer available afterwards.
    pub fn spare(&mut self) -> &mut [u8] {
        if let Some(len) = self.recv.lending().wants_block() {
            self.recv.lending().lend(vec![0; len].into());
        }
        self.recv.spare()
    }

    /// Reports that the input has ended.
    ///
    /// Call it after all steps have been taken: a Close that is still unread is ignored afterwards.
    /// An end without both Closes is abnormal (RFC 6455 §7.1.5, code 1006).
    ///
    /// If the outcome was decided before this call, queued output can still be written. A peer that
    /// ended its direction after its Close, or after a violation, may still read our Close. The
    /// transport can be dropped when nothing is queued.
    pub fn end_of_input(&mut self) {
        if !self.send.has_ended() {
            self.send.transport_ended();
        }
    }

    /// Finds the next message and receives all of it. See [`RecvHalf::next_message`].
    pub fn next_message(&mut self) -> Step<MessageRef<'_>> {
        match self.recv.next_message(&mut self.send) {
            Step::Found(()) => self.recv.message().map_or(Step::NeedInput, Step::Found),
            Step::NeedInput => {
                // `park` validates the part of the frame that has arrived, so that a violation in
                // this part is found at once.
                let block = self.recv.lending().park(&mut self.send);
                self.recv.lending().lend(block);
                let failure = self.send.failure();
                failure.map_or(Step::NeedInput, |_| Step::Ended)
            }
            Step::Control(control) => Step::Control(control),
            Step::Busy => Step::Busy,
            Step::Ended => Step::Ended,
        }
    }

    /// Finds the start of the next message, to receive it piece by piece. See
    /// [`RecvHalf::next_start`].
    pub fn next_start(&mut self) -> Step<MessageKind> {
        self.recv.next_start(&mut self.send)
    }

    /// Finds the next piece of the message that [`next_start`](Self::next_start) found, or the end
    /// of this message. [`RecvHalf::chunk`] returns the piece.
    pub fn next_chunk(&mut self) -> Step<Chunk> {
        self.recv.next_chunk(&mut self.send)
    }
}
