//! The pair of both halves, for callers without async.

use alloc::vec;

use crate::config::Config;
use crate::mask::MaskSource;
use crate::message::{MessageKind, MessageRef};
use crate::recv::{Chunk, RecvHalf, Step};
use crate::role::Role;
use crate::send::SendHalf;

/// A WebSocket connection after the opening handshake, without I/O: the pair of a [`RecvHalf`] and its [`SendHalf`].
///
/// Here is what takes both halves. For the rest, use each by itself; its documentation has the families of methods.
/// The order of calls:
///
/// 1. Take steps ([`next_message`](Self::next_message)) until one returns [`Step::NeedInput`] or [`Step::Ended`], and
///    send what there is to say ([`SendHalf::message`]).
/// 2. Write what is queued ([`SendHalf::slices`] or [`SendHalf::io_slices`], then [`SendHalf::advance`]; or
///    [`SendHalf::stalled`] if the transport takes nothing).
/// 3. Ask for the longest wait ([`SendHalf::deadline`]), wait and read into [`spare`](Self::spare), say how much came
///    ([`RecvHalf::filled`], or [`end_of_input`](Self::end_of_input)), and act on time limits ([`SendHalf::expire`]).
///
/// ```
/// use ws_proto::{
///     CloseCode, CloseFrame, CloseReason, Config, Connection, MaskKey, MaskSource, MessageRef, Step,
/// };
///
/// struct Masks;
///
/// impl MaskSource for Masks {
///     fn next_key(&mut self) -> MaskKey {
///         MaskKey::new([1, 2, 3, 4]) // In earnest: from the random source of the operating system.
///     }
/// }
///
/// /// Does what a transport does: takes the output of one end to the other.
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
    /// Receives: see [`RecvHalf`].
    pub recv: RecvHalf,
    /// Sends: see [`SendHalf`].
    pub send: SendHalf,
}

impl Connection {
    /// The server's end.
    #[must_use]
    pub fn server(config: &Config) -> Self {
        Self {
            recv: RecvHalf::new(Role::Server, config),
            send: SendHalf::server(config),
        }
    }

    /// The client's end, which takes a masking key for every frame from `masks`.
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

    /// Takes the halves apart: whoever holds them passes the sending half to each step of the other.
    #[must_use]
    pub fn split(self) -> (RecvHalf, SendHalf) {
        (self.recv, self.send)
    }

    /// Joins two halves.
    #[must_use]
    pub fn join(recv: RecvHalf, send: SendHalf) -> Self {
        Self { recv, send }
    }

    /// Returns free memory to read into, which is never empty. A block of 64 KiB is allocated once.
    ///
    /// Ends the look at a message.
    pub fn spare(&mut self) -> &mut [u8] {
        if let Some(len) = self.recv.lending().wants_block() {
            self.recv.lending().lend(vec![0; len].into());
        }
        self.recv.spare()
    }

    /// Takes note that nothing more will arrive. Call it when all steps have been taken, because a Close that is still
    /// unread comes too late afterwards. Without both Closes that is abnormal (RFC 6455 §7.1.5, code 1006).
    ///
    /// If the end was decided before, what is queued still goes out: a peer that ended its own direction behind its
    /// Close, or behind a violation, may still read ours. The transport can be dropped when nothing is queued.
    pub fn end_of_input(&mut self) {
        if !self.send.has_ended() {
            self.send.transport_ended();
        }
    }

    /// Goes to the end of the next message. See [`RecvHalf::next_message`].
    pub fn next_message(&mut self) -> Step<MessageRef<'_>> {
        match self.recv.next_message(&mut self.send) {
            Step::Found(()) => self.recv.message().map_or(Step::NeedInput, Step::Found),
            Step::NeedInput => {
                // Takes over what is incomplete, so that a fault in it is found at once.
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

    /// Goes to the beginning of the next message, to receive it piece by piece. See [`RecvHalf::next_start`].
    pub fn next_start(&mut self) -> Step<MessageKind> {
        self.recv.next_start(&mut self.send)
    }

    /// Goes to the next piece of that message, which [`RecvHalf::chunk`] returns, or to its end.
    pub fn next_chunk(&mut self) -> Step<Chunk> {
        self.recv.next_chunk(&mut self.send)
    }
}
