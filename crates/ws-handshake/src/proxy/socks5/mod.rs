//! The connection through a SOCKS5 proxy (RFC 1928, RFC 1929).

mod error;

use std::fmt;
use std::net::IpAddr;

use crate::credentials::Credentials;
use crate::host::Host;
use crate::limits::Progress;

pub use error::{Socks5Error, Socks5Refusal};

/// The version in every message of SOCKS5 (RFC 1928 §3).
const VERSION: u8 = 5;
/// The version of the messages with user name and password (RFC 1929 §2).
const PASSWORD_VERSION: u8 = 1;
/// The methods of authentication (RFC 1928 §3).
const NO_AUTHENTICATION: u8 = 0x00;
const PASSWORD: u8 = 0x02;
const NO_ACCEPTABLE_METHOD: u8 = 0xff;
/// The command CONNECT (RFC 1928 §4).
const CONNECT: u8 = 1;
/// The types of an address (RFC 1928 §5).
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// A request to a SOCKS5 proxy to connect to a server (RFC 1928), with a user name and password if
/// the proxy requires them (RFC 1929).
///
/// Send the bytes of [`take_output`](Self::take_output) first, and again after each call of
/// [`receive`](Self::receive). When `receive` returns a result, the connection to the server is
/// open. Then start TLS or the opening handshake on the same connection.
///
/// ```
/// use ws_handshake::Socks5;
///
/// let mut socks = Socks5::new("example.com", 443, None)?;
/// assert_eq!(socks.take_output(), [5, 1, 0]);
/// // The proxy requires no authentication.
/// assert_eq!(socks.receive(&[5, 0])?.done, None);
/// assert_eq!(socks.take_output(), b"\x05\x01\x00\x03\x0bexample.com\x01\xbb");
/// // The proxy has connected.
/// let progress = socks.receive(&[5, 0, 0, 1, 127, 0, 0, 1, 0x1f, 0x90])?;
/// assert_eq!(progress.done, Some(()));
/// # Ok::<(), ws_handshake::Socks5Error>(())
/// ```
///
/// `Debug` shows the state without the messages, which contain the credentials.
pub struct Socks5 {
    /// The message with user name and password. `None` if the caller has none.
    password: Option<Vec<u8>>,
    /// The message with the address of the server.
    command: Vec<u8>,
    /// The bytes to send next.
    output: Vec<u8>,
    state: State,
}

/// The position in the messages of the proxy. Each state consumes one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    MethodVersion,
    Method,
    PasswordVersion,
    PasswordStatus,
    ReplyVersion,
    Reply,
    Reserved,
    AddressType,
    NameLength,
    /// In the address and port to which the proxy is bound. `left` bytes follow, never zero.
    Bound {
        left: u16,
    },
    /// The result has been returned. All bytes after the reply belong to the server.
    Done,
    /// The error was returned. Later calls return it again.
    Failed(Socks5Error),
}

impl Socks5 {
    /// Creates a request to connect to a host and a port.
    ///
    /// An IP address is sent as an address, and any other host as a name, which the proxy resolves.
    /// An IPv6 address may have brackets.
    ///
    /// With credentials, the proxy chooses whether it requires them. They are sent in clear text.
    ///
    /// # Errors
    ///
    /// * [`Socks5Error::InvalidHost`] if the host is neither a name nor an IP address.
    /// * [`Socks5Error::NameTooLong`] if the name is longer than 255 bytes.
    /// * [`Socks5Error::Credentials`] or [`Socks5Error::CredentialsLength`] if the credentials
    ///   cannot be sent.
    pub fn new(
        host: &str,
        port: u16,
        credentials: Option<&Credentials>,
    ) -> Result<Self, Socks5Error> {
        let password = credentials.map(password_message).transpose()?;
        let output = match &password {
            None => vec![VERSION, 1, NO_AUTHENTICATION],
            Some(_) => vec![VERSION, 2, NO_AUTHENTICATION, PASSWORD],
        };
        Ok(Self {
            password,
            command: command(host, port)?,
            output,
            state: State::MethodVersion,
        })
    }

    /// Returns the bytes to send next, and removes them. Returns nothing if the proxy must answer
    /// first.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Reads input, which may be split at any byte. The result is `Ok` with `done: None` if more
    /// input is needed, or if the proxy must receive the [output](Self::take_output) first.
    ///
    /// No byte after a message that requires an answer is consumed, and no byte after the reply of
    /// the proxy. A byte that arrives before the answer is sent is a fault of the proxy.
    ///
    /// # Errors
    ///
    /// [`Socks5Error`] if the proxy does not connect. Later calls return the same error.
    pub fn receive(&mut self, input: &[u8]) -> Result<Progress<()>, Socks5Error> {
        let mut consumed = 0;
        for byte in input {
            match self.state {
                State::Done => return Ok(Progress::pending(consumed)),
                State::Failed(error) => return Err(error),
                _ => {}
            }
            self.state = match self.step(*byte) {
                Ok(next) => next,
                Err(error) => return Err(self.fail(error)),
            };
            consumed += 1;
            if self.state == State::Done {
                return Ok(Progress::done(consumed, ()));
            }
            if !self.output.is_empty() {
                break;
            }
        }
        match self.state {
            State::Failed(error) => Err(error),
            _ => Ok(Progress::pending(consumed)),
        }
    }

    /// Ends the request and returns the reason why it failed. Call this method when the proxy has
    /// ended the connection, or when the caller stops waiting.
    pub fn end_of_input(&mut self) -> Socks5Error {
        let error = match self.state {
            State::Failed(error) => error,
            State::MethodVersion | State::Done => Socks5Error::ConnectionClosed,
            _ => Socks5Error::Truncated,
        };
        self.fail(error)
    }

    fn fail(&mut self, error: Socks5Error) -> Socks5Error {
        self.output.clear();
        self.state = State::Failed(error);
        error
    }

    /// Returns the state after one byte.
    fn step(&mut self, byte: u8) -> Result<State, Socks5Error> {
        match self.state {
            State::MethodVersion => expect(VERSION, byte, State::Method),
            State::Method => self.method(byte),
            State::PasswordVersion => expect(PASSWORD_VERSION, byte, State::PasswordStatus),
            State::PasswordStatus if byte == 0 => Ok(self.send_command()),
            State::PasswordStatus => Err(Socks5Error::AuthenticationFailed),
            State::ReplyVersion => expect(VERSION, byte, State::Reply),
            State::Reply if byte == 0 => Ok(State::Reserved),
            State::Reply => Err(Socks5Error::Refused(Socks5Refusal::from_code(byte))),
            // The byte has no meaning, and not every proxy sends zero.
            State::Reserved => Ok(State::AddressType),
            State::AddressType => match byte {
                IPV4 => Ok(State::Bound { left: 4 + 2 }),
                IPV6 => Ok(State::Bound { left: 16 + 2 }),
                NAME => Ok(State::NameLength),
                other => Err(Socks5Error::InvalidAddressType(other)),
            },
            State::NameLength => Ok(State::Bound {
                left: u16::from(byte) + 2,
            }),
            State::Bound { left: 0 | 1 } => Ok(State::Done),
            State::Bound { left } => Ok(State::Bound { left: left - 1 }),
            State::Done => Ok(State::Done),
            State::Failed(error) => Err(error),
        }
    }

    /// Reads the method that the proxy chose (RFC 1928 §3).
    fn method(&mut self, method: u8) -> Result<State, Socks5Error> {
        match (method, self.password.take()) {
            (NO_AUTHENTICATION, _) => Ok(self.send_command()),
            (PASSWORD, Some(password)) => {
                self.output = password;
                Ok(State::PasswordVersion)
            }
            (NO_ACCEPTABLE_METHOD, None) => Err(Socks5Error::AuthenticationRequired),
            (NO_ACCEPTABLE_METHOD, Some(_)) => Err(Socks5Error::NoAcceptableMethod),
            (method, _) => Err(Socks5Error::MethodNotOffered(method)),
        }
    }

    fn send_command(&mut self) -> State {
        self.output = std::mem::take(&mut self.command);
        State::ReplyVersion
    }
}

/// Checks the version at the beginning of a message.
fn expect(version: u8, byte: u8, next: State) -> Result<State, Socks5Error> {
    if byte == version {
        Ok(next)
    } else {
        Err(Socks5Error::WrongVersion(byte))
    }
}

/// Encodes the message with user name and password (RFC 1929 §2).
fn password_message(credentials: &Credentials) -> Result<Vec<u8>, Socks5Error> {
    credentials
        .check_characters()
        .map_err(Socks5Error::Credentials)?;
    let mut message = vec![PASSWORD_VERSION];
    for part in [credentials.user(), credentials.password()] {
        let len = u8::try_from(part.len()).map_err(|_| Socks5Error::CredentialsLength)?;
        if len == 0 {
            return Err(Socks5Error::CredentialsLength);
        }
        message.push(len);
        message.extend_from_slice(part.as_bytes());
    }
    Ok(message)
}

/// Encodes the command to connect (RFC 1928 §4 and §5).
fn command(host: &str, port: u16) -> Result<Vec<u8>, Socks5Error> {
    let host = Host::parse(host).map_err(|_| Socks5Error::InvalidHost)?;
    let mut command = vec![VERSION, CONNECT, 0];
    match host {
        Host::Ip(IpAddr::V4(address)) => {
            command.push(IPV4);
            command.extend(address.to_bits().to_be_bytes());
        }
        Host::Ip(IpAddr::V6(address)) => {
            command.push(IPV6);
            command.extend(address.to_bits().to_be_bytes());
        }
        Host::Name(name) => {
            let len = u8::try_from(name.len()).map_err(|_| Socks5Error::NameTooLong)?;
            command.extend([NAME, len]);
            command.extend_from_slice(name.as_bytes());
        }
    }
    command.extend(port.to_be_bytes());
    Ok(command)
}

impl fmt::Debug for Socks5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socks5")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
