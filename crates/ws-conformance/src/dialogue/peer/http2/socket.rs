//! A WebSocket on a stream.

use super::{Http2, status};
use crate::channel::{Channel, differs};
use crate::dialogue::{Miss, Outcome, passed};
use crate::http::ReadRequest;
use crate::http2::{Fields, Frame};
use crate::role::Role;
use crate::wire::{self, BINARY, ClosePayload, Received};

/// An open WebSocket.
#[derive(Debug)]
pub(crate) struct Socket {
    /// The number of the stream.
    pub(crate) id: u32,
    channel: Channel,
}

impl Socket {
    fn new(id: u32, testee: Role) -> Self {
        Self {
            id,
            channel: Channel::new(testee, id.into()),
        }
    }

    /// Returns the bytes of a frame.
    pub(crate) fn encoded(&mut self, frame: &wire::Frame) -> Vec<u8> {
        self.channel.encode(frame)
    }
}

impl Http2<'_, '_> {
    /// Returns a correct request, as it is sent.
    pub(crate) fn request(&mut self) -> Fields {
        self.peer.request().head.fields()
    }

    /// Sends a request on a new stream. Returns the number of the stream.
    pub(crate) fn ask(&mut self, fields: &Fields) -> Result<u32, Miss> {
        let id = self.new_stream(fields);
        self.send(&Frame::headers(id, fields))?;
        Ok(id)
    }

    /// Returns the number of a new stream for this request, and notes the request.
    pub(crate) fn new_stream(&mut self, fields: &Fields) -> u32 {
        let id = self.next_stream;
        self.next_stream += 2;
        let lines = fields
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        let text: String = lines.collect();
        let said = &mut self.peer.said.handshake;
        said.request.get_or_insert(text);
        id
    }

    /// Opens a WebSocket: on a new stream of a server, or on the stream of the client's request.
    pub(crate) fn open(&mut self) -> Result<Socket, Miss> {
        match self.peer.testee {
            Role::Server => {
                self.expect_settings()?;
                let request = self.request();
                let id = self.ask(&request)?;
                self.expect_opened(id)
            }
            Role::Client => self.answer(&answer("200")),
        }
    }

    /// Answers the request of a client. Returns the WebSocket that this answer opens.
    pub(crate) fn answer(&mut self, fields: &Fields) -> Result<Socket, Miss> {
        self.send(&Frame::headers(self.next_stream, fields))?;
        Ok(self.opened())
    }

    /// Returns the WebSocket on the stream of the client's request, after the answer.
    pub(crate) fn opened(&self) -> Socket {
        Socket::new(self.next_stream, self.peer.testee)
    }

    /// Returns the stream of the client's request.
    pub(crate) fn request_stream(&self) -> u32 {
        self.next_stream
    }

    /// Returns the request of a client.
    pub(crate) fn client_request(&self) -> Option<ReadRequest> {
        ReadRequest::read(self.peer.client_head())
    }

    /// Expects that the server opens this stream.
    pub(crate) fn expect_opened(&mut self, id: u32) -> Result<Socket, Miss> {
        let head = self.expect_head(id)?;
        match status(&head) {
            Some(200..=299) => Ok(Socket::new(id, self.peer.testee)),
            Some(status) => Miss::must(format!(
                "The server had to open the stream, but the status is {status}."
            )),
            None => Miss::must("The server's answer has no :status."),
        }
    }

    /// Sends a frame of a WebSocket.
    pub(crate) fn say(&mut self, socket: &mut Socket, frame: &wire::Frame) -> Result<(), Miss> {
        let bytes = socket.encoded(frame);
        self.send_data(socket.id, &bytes)
    }

    /// Expects that the testee sends this message back.
    pub(crate) fn expect_echo(
        &mut self,
        socket: &mut Socket,
        message: &wire::Frame,
    ) -> Result<(), Miss> {
        let expected = message.payload.as_bytes();
        match self.next(socket)? {
            Some(Received::Message { binary, payload }) => {
                let wanted = (message.opcode == BINARY, &*expected);
                match (binary, &*payload) == wanted {
                    true => Ok(()),
                    false => Miss::must(differs("The echo", wanted, (binary, &payload))),
                }
            }
            other => self.instead("an echo", socket.id, other),
        }
    }

    /// Sends a message and expects its echo.
    pub(crate) fn expect_to_be_alive(&mut self, socket: &mut Socket) -> Result<(), Miss> {
        let message = wire::Frame::text("Are you there?");
        self.say(socket, &message)?;
        self.expect_echo(socket, &message)
    }

    /// Expects a Close with this code, or without a code.
    pub(crate) fn expect_close(&mut self, socket: &mut Socket, code: u16) -> Outcome {
        match self.next(socket)? {
            Some(Received::Close(payload)) => match ClosePayload::read(&payload).code {
                Some(other) if other != code => {
                    Miss::should(format!("The testee closed with code {other}, not {code}."))
                }
                _ => passed("The testee sent a Close."),
            },
            other => self.instead("a Close", socket.id, other),
        }
    }

    /// Returns the next message, Pong, Close or violation on a WebSocket.
    fn next(&mut self, socket: &mut Socket) -> Result<Option<Received>, Miss> {
        let limit = self.reply_time();
        self.until(limit, |it| {
            let state = it.stream(socket.id);
            let input = std::mem::take(&mut state.input);
            let mut rest = &input[..];
            let received = loop {
                match socket.channel.receive(&mut rest) {
                    Some(Received::Frame { .. }) => {}
                    other => break other,
                }
            };
            state.input = rest.to_vec();
            received.map(Some).or_else(|| state.end.map(|_| None))
        })
        .map(Option::flatten)
    }

    fn instead<T>(
        &mut self,
        wanted: &str,
        stream: u32,
        received: Option<Received>,
    ) -> Result<T, Miss> {
        let wanted = format!("The testee had to send {wanted}");
        if let (None, Some(code)) = (&received, self.gone) {
            return Miss::must(format!("{wanted}, but it sent GOAWAY with code {code}."));
        }
        Miss::must(match received {
            Some(Received::Violation(what)) => format!("{wanted}; {what}."),
            Some(Received::Close(_)) => format!("{wanted}, but it sent a Close."),
            Some(Received::Message { .. }) => format!("{wanted}, but it sent a message."),
            Some(_) => format!("{wanted}, but it sent another frame."),
            None if self.is_over => format!("{wanted}, but it ended TCP."),
            None if self.stream(stream).end.is_some() => {
                format!("{wanted}, but it ended the stream.")
            }
            None => format!("{wanted}, but it did nothing in time."),
        })
    }
}

/// Returns an answer to a client with this status.
pub(crate) fn answer(status: &str) -> Fields {
    vec![
        (":status".to_owned(), status.to_owned()),
        ("server".to_owned(), crate::http::PRODUCT.to_owned()),
    ]
}
