//! A connection that disturbs the others while their latency is measured.

use anyhow::Result;
use clap::ValueEnum;
use mio::Interest;
use mio::event::Event;

use crate::check::check;
use crate::connection::Connection;
use crate::handshake::Target;
use crate::replies::ReplyForm;
use crate::sockets::Sockets;
use crate::traffic::{Kind, Traffic};
use ws_bench_programs::content::Content;

/// The most bytes that one turn reads or writes. A longer turn would delay the other connections
/// in the load generator itself.
const TURN: usize = 64 << 10;

/// The number of Pings between two texts.
const PINGS: usize = 1000;

/// The load of a connection that disturbs the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Disturbance {
    /// Binary messages of 16 MiB, one at a time
    Upload,
    /// Batches of 1,000 Pings and a text, two batches at a time
    Pings,
    /// Compressed JSON texts of 1 MiB, one at a time
    Compress,
}

/// A connection that keeps messages in flight, and moves few bytes at a time.
pub(crate) struct Disturber {
    connection: Connection,
    traffic: Traffic,
    /// The payload bytes or the Pings in each message of the traffic.
    amount: usize,
    buffer: Vec<u8>,
    /// `true` if the socket may have bytes to read.
    is_readable: bool,
}

impl Disturber {
    /// Checks the echoes of the server, and opens the connection. The events of the socket have the
    /// token `index`.
    pub(crate) fn open(
        target: &Target,
        disturbance: Disturbance,
        sockets: &Sockets,
        index: usize,
    ) -> Result<Self> {
        let target = Target {
            deflate: disturbance == Disturbance::Compress,
            ..target.clone()
        };
        let load = Load::of(&target, disturbance)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        let stream = sockets.add(target.open()?.stream, index, interest)?;
        let mut connection = Connection::new(stream, load.form);
        connection.allow(load.in_flight);
        Ok(Self {
            connection,
            traffic: load.traffic,
            amount: load.amount,
            buffer: vec![0; TURN],
            is_readable: false,
        })
    }

    /// Records an event of the socket.
    pub(crate) fn becomes_ready(&mut self, event: &Event) {
        self.is_readable |= event.is_readable();
        if event.is_writable() {
            self.connection.becomes_writable();
        }
    }

    /// Reads and writes once, if the socket is ready.
    pub(crate) fn turn(&mut self) -> Result<()> {
        if self.is_readable {
            let received = self.connection.read(&mut self.buffer)?;
            self.connection.allow(received.messages);
            self.is_readable = received.has_more;
        }
        self.connection.write_some(&self.traffic, TURN)
    }

    /// Returns the payload bytes or the Pings that have been sent.
    pub(crate) fn amount(&self) -> f64 {
        self.traffic.messages_in(self.connection.sent()) * self.amount as f64
    }
}

/// The prepared load of a disturber.
struct Load {
    traffic: Traffic,
    form: ReplyForm,
    in_flight: u64,
    amount: usize,
}

impl Load {
    fn of(target: &Target, disturbance: Disturbance) -> Result<Self> {
        match disturbance {
            Disturbance::Upload => Self::of_messages(target, Content::Binary, 16 << 20),
            Disturbance::Compress => Self::of_messages(target, Content::Json, 1 << 20),
            Disturbance::Pings => Ok(Self::of_pings(target.raw)),
        }
    }

    fn of_messages(target: &Target, content: Content, len: usize) -> Result<Self> {
        let checked = check(target, Kind { content, len }, 1)?;
        Ok(Self {
            traffic: checked.traffic,
            form: checked.form,
            in_flight: 1,
            amount: len,
        })
    }

    /// A server need not answer each Ping (RFC 6455 §5.5.3). The echo of a text shows that it has
    /// read the Pings before the text.
    fn of_pings(raw: bool) -> Self {
        let in_flight = 2;
        let traffic = Traffic::of_pings(PINGS, in_flight);
        let form = match raw {
            true => ReplyForm::Fixed(traffic.position_after(1)),
            false => ReplyForm::Framed,
        };
        Self {
            traffic,
            form,
            in_flight: in_flight as u64,
            amount: PINGS,
        }
    }
}
