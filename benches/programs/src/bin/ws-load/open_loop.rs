//! The open loop: it sends messages at their intended times, even while echoes are missing.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use mio::Events;

use crate::connection::Connection;
use crate::disturber::{Disturbance, Disturber};
use crate::handshake::Target;
use crate::pace::{Pace, Schedule};
use crate::replies::ReplyForm;
use crate::sockets::{READ_LEN, Sockets};
use crate::stream::Stream;
use crate::traffic::Traffic;

/// The longest wait for an echo after the last message was due.
const PATIENCE: Duration = Duration::from_secs(10);

/// All connections to an echo server, and possibly one that disturbs them.
pub(crate) struct OpenLoop<'a> {
    traffic: &'a Traffic,
    sockets: Sockets,
    events: Events,
    connections: Vec<Connection>,
    disturber: Option<Disturber>,
    buffer: Vec<u8>,
}

impl<'a> OpenLoop<'a> {
    /// Makes a loop from open connections, on which no message is in flight.
    pub(crate) fn new(
        streams: Vec<Stream<std::net::TcpStream>>,
        traffic: &'a Traffic,
        form: ReplyForm,
    ) -> Result<Self> {
        let sockets = Sockets::new()?;
        let connections = Connection::all(streams, form, &sockets)?;
        Ok(Self {
            traffic,
            sockets,
            // Room for one event of each socket. See `run`.
            events: Events::with_capacity(connections.len() + 1),
            connections,
            disturber: None,
            buffer: vec![0; READ_LEN],
        })
    }

    /// Opens a connection that disturbs the others in each run.
    pub(crate) fn disturb(&mut self, target: &Target, disturbance: Disturbance) -> Result<()> {
        let index = self.connections.len();
        let disturber = Disturber::open(target, disturbance, &self.sockets, index)?;
        self.disturber = Some(disturber);
        Ok(())
    }

    /// Returns the payload bytes or the Pings that the disturbing connection has sent.
    pub(crate) fn disturbing_amount(&self) -> Option<f64> {
        self.disturber.as_ref().map(Disturber::amount)
    }

    /// Sends the messages of `schedule`, and waits for all echoes.
    ///
    /// A turn reads all echoes that have arrived, and then sends all messages that are due. So an
    /// echo waits no longer in the load generator than a message does, and the lateness of the
    /// messages shows both waits. The loop never sleeps, because a processor that wakes up is late.
    pub(crate) fn run(&mut self, schedule: Schedule) -> Result<Pace> {
        let mut pace = Pace::new(schedule, self.connections.len());
        let started = Instant::now();
        let until = schedule.intended(schedule.messages()) + PATIENCE;
        while pace.missing() > 0 {
            self.read_echoes(&mut pace, started)?;
            self.send_due(&mut pace, started)?;
            if let Some(disturber) = &mut self.disturber
                && pace.is_sending()
            {
                disturber.turn()?;
            }
            ensure!(
                started.elapsed() < until,
                "{} of {} messages were not echoed within {} s after the last one",
                pace.missing(),
                schedule.messages(),
                PATIENCE.as_secs()
            );
        }
        for connection in &self.connections {
            connection.ensure_between_messages()?;
        }
        Ok(pace)
    }

    /// Reads all echoes that have arrived, and continues writes that found the socket full.
    fn read_echoes(&mut self, pace: &mut Pace, started: Instant) -> Result<()> {
        self.sockets.poll(&mut self.events, Duration::ZERO)?;
        for event in &self.events {
            let index = event.token().0;
            let Some(connection) = self.connections.get_mut(index) else {
                if let Some(disturber) = &mut self.disturber {
                    disturber.becomes_ready(event);
                }
                continue;
            };
            let mut is_readable = event.is_readable();
            while is_readable {
                let received = connection.read(&mut self.buffer)?;
                pace.echoed(index, received.messages, started.elapsed())?;
                is_readable = received.has_more;
            }
            if event.is_writable() {
                connection.becomes_writable();
                connection.write(self.traffic)?;
            }
        }
        Ok(())
    }

    /// Sends the messages that were due when this call began.
    fn send_due(&mut self, pace: &mut Pace, started: Instant) -> Result<()> {
        for _ in 0..pace.due(started.elapsed()) {
            let connection = &mut self.connections[pace.send(started.elapsed())];
            connection.allow(1);
            connection.write(self.traffic)?;
        }
        Ok(())
    }
}
