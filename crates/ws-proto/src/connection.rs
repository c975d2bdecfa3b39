//! Both sides of a connection joined: the type for users of the core alone.

use core::time::Duration;

use crate::config::Config;
use crate::control::ControlPayload;
use crate::deadline::Expired;
use crate::error::{ReceiveError, SendError};
use crate::mask::MaskSource;
use crate::message::Outgoing;
use crate::recv::{Event, ReceiveSide, Received};
use crate::role::Role;
use crate::send::SendHalf;
use crate::{CloseFrame, End};

/// A WebSocket connection after the opening handshake, without I/O.
///
/// Methods come in three families. **Input**: [`receive`](Self::receive), [`end_of_input`](Self::end_of_input),
/// [`expire`](Self::expire). **Commands**: [`send`](Self::send), [`ping`](Self::ping),
/// [`start_close`](Self::start_close). **Output**: [`slices`](Self::slices), [`advance`](Self::advance) and
/// [`stalled`](Self::stalled), [`deadline`](Self::deadline), [`ends_transport`](Self::ends_transport). After input or
/// commands, write what `slices` shows. See the crate documentation for the loop.
///
/// ```
/// use ws_proto::{
///     CloseCode, CloseFrame, CloseReason, Config, Connection, Event, MaskKey, MaskSource,
/// };
///
/// struct Masks;
///
/// impl MaskSource for Masks {
///     fn next_key(&mut self) -> MaskKey {
///         MaskKey::new([1, 2, 3, 4]) // in earnest: from the random source of the operating system
///     }
/// }
///
/// /// What a transport does: it takes the output of one end, in pieces as it likes, to the other.
/// fn carry(from: &mut Connection) -> Vec<u8> {
///     let mut octets = Vec::new();
///     loop {
///         let mut slices = [&[][..]; 16];
///         let used = from.slices(&mut slices);
///         if used == 0 {
///             return octets;
///         }
///         let piece = slices[..used].concat();
///         from.advance(piece.len());
///         octets.extend(piece);
///     }
/// }
///
/// let mut client = Connection::client(&Config::default(), Masks);
/// let mut server = Connection::server(&Config::default());
/// client.send("hello")?;
/// let mut input = carry(&mut client);
/// match server.receive(&mut input)?.event {
///     Some(Event::Message(message)) => assert_eq!(message.as_text(), Some("hello")),
///     other => panic!("{other:?}"),
/// }
///
/// let bye = CloseFrame::new(CloseCode::NORMAL, CloseReason::new("bye")?);
/// client.start_close(Some(bye))?;
/// server.receive(&mut carry(&mut client))?; // Queues the answer.
/// client.receive(&mut carry(&mut server))?;
/// assert!(client.end().is_some_and(|end| end.clean));
/// // The server ends the transport first (RFC 6455 §7.1.1).
/// assert!(server.ends_transport() && !client.ends_transport());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    recv: ReceiveSide,
    send: SendHalf,
}

impl Connection {
    /// The server's end.
    #[must_use]
    pub fn server(config: &Config) -> Self {
        Connection {
            recv: ReceiveSide::new(Role::Server, config),
            send: SendHalf::server(config),
        }
    }

    /// The client's end, which takes a masking key for every frame from `masks`.
    #[must_use]
    pub fn client(config: &Config, masks: impl MaskSource + 'static) -> Self {
        Connection {
            recv: ReceiveSide::new(Role::Client, config),
            send: SendHalf::client(config, masks),
        }
    }

    /// Takes input up to the end of the next message or control frame, and queues the reply that it calls for.
    ///
    /// See [`ReceiveSide::receive`].
    ///
    /// # Errors
    ///
    /// The first violation or limit; a Close with its code is queued then. Every later call repeats it.
    pub fn receive<'a>(&'a mut self, input: &'a mut [u8]) -> Result<Received<'a>, ReceiveError> {
        if !input.is_empty() {
            self.send.heard();
        }
        match self.recv.receive(input) {
            Ok(received) => {
                if let Some(Event::Control(control)) = &received.event {
                    self.send.respond(control);
                }
                Ok(received)
            }
            Err(error) => {
                self.send.fail(error);
                Err(error)
            }
        }
    }

    /// Nothing more will arrive. Without both Closes that is abnormal (RFC 6455 §7.1.5, code 1006).
    ///
    /// If the end was decided before, what is queued still goes out: a peer that ended its own direction behind its
    /// Close, or behind a violation, may still read ours. The transport can be dropped when nothing is queued.
    pub fn end_of_input(&mut self) {
        if !self.send.has_ended() {
            self.send.transport_ended();
        }
    }

    /// Queues a message. See [`SendHalf::message`].
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`] once a Close was queued or the connection ended.
    pub fn send<'a>(&mut self, message: impl Into<Outgoing<'a>>) -> Result<(), SendError> {
        self.send.message(message)
    }

    /// Queues a Ping. See [`SendHalf::ping`].
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`] once a Close was queued or the connection ended.
    pub fn ping(&mut self, payload: &ControlPayload) -> Result<(), SendError> {
        self.send.ping(payload)
    }

    /// Starts the closing handshake. See [`SendHalf::start_close`].
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`] if the connection is closing already, [`SendError::InvalidCloseCode`] for a code that
    /// must not be sent.
    pub fn start_close(&mut self, close: Option<CloseFrame>) -> Result<(), SendError> {
        self.send.start_close(close)
    }

    /// The next octets to send. See [`SendHalf::slices`].
    pub fn slices<'a>(&'a self, slices: &mut [&'a [u8]]) -> usize {
        self.send.slices(slices)
    }

    /// The transport took octets. See [`SendHalf::advance`].
    pub fn advance(&mut self, len: usize) {
        self.send.advance(len);
    }

    /// The transport takes nothing now. See [`SendHalf::stalled`].
    pub fn stalled(&mut self) {
        self.send.stalled();
    }

    /// The earliest time limit that runs. See [`SendHalf::deadline`].
    pub fn deadline(&mut self, now: Duration) -> Option<Duration> {
        self.send.deadline(now)
    }

    /// Acts on a time limit that has passed. See [`SendHalf::expire`].
    pub fn expire(&mut self, now: Duration) -> Option<Expired> {
        self.send.expire(now)
    }

    /// Whether this end is to end its direction of the transport now. See [`SendHalf::ends_transport`].
    #[must_use]
    pub fn ends_transport(&self) -> bool {
        self.send.ends_transport()
    }

    /// How the connection ended, once that is decided.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.send.end()
    }

    /// The send side, for what has no shortcut here.
    pub fn send_side(&mut self) -> &mut SendHalf {
        &mut self.send
    }

    /// Takes the sides apart. Whoever holds them passes control frames and errors of the one to the other:
    /// [`SendHalf::respond`], [`SendHalf::fail`].
    #[must_use]
    pub fn split(self) -> (ReceiveSide, SendHalf) {
        (self.recv, self.send)
    }

    /// Joins the sides again.
    #[must_use]
    pub fn join(recv: ReceiveSide, send: SendHalf) -> Self {
        Connection { recv, send }
    }
}
