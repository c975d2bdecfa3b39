//! Runs a case over a connection.

use std::time::{Duration, Instant};

use super::compressed_run::{CompressedRun, Traffic};
use super::{Connection, Handler, State};
use crate::channel::{FailureCause, differs};
use crate::script::{CompressedEchoes, Event, Pacing, Payload, Script, Side, Step, Task};
use crate::settings::Settings;
use crate::wire_log::Entry;

/// The most events that are stored. Every list of expected events is much shorter, so more events
/// change no verdict. They could fill the memory.
const MAX_EVENTS: usize = 1000;
/// The most bytes of stored events, without those of the event that exceeds the limit.
const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;

/// A running case.
#[derive(Debug)]
pub(crate) struct CaseRun<'a> {
    script: &'a Script,
    settings: &'a Settings,
    /// The next step of a script.
    next: usize,
    timer: Option<(Instant, Timer)>,
    /// The received events of a script.
    pub(crate) received: Vec<Event>,
    /// The bytes of their payloads.
    received_bytes: usize,
    /// The state of the echoes of another task.
    pub(crate) echoes: Echoes,
    /// The compressed messages, if the task sends any and compression was agreed.
    compressed: Option<CompressedRun<'a>>,
    /// The counts of such a task, after its success.
    pub(crate) traffic: Option<Traffic>,
}

/// The action at the end of the time.
#[derive(Clone, Copy, Debug)]
enum Timer {
    Continue(Option<&'static str>),
    /// After this time.
    Fail(Duration),
    Close,
}

/// The state of the echoes that a task measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Echoes {
    /// The number of correct echoes.
    Arrived(usize),
    /// All echoes arrived and are correct.
    Complete,
    /// An echo has another type or length, or other bytes if the task compares them. The sentence
    /// describes the difference.
    Wrong(String),
    /// No message was sent, because compression was not agreed.
    NotAgreed,
}

impl<'a> CaseRun<'a> {
    /// Creates the run of a case that has not begun.
    pub(crate) fn new(script: &'a Script, settings: &'a Settings) -> Self {
        Self {
            script,
            settings,
            next: 0,
            timer: None,
            received: Vec::new(),
            received_bytes: 0,
            echoes: Echoes::Arrived(0),
            compressed: None,
            traffic: None,
        }
    }

    /// Returns the number of messages that the run sends, and that of the case, if they differ.
    pub(crate) fn shortened(&self) -> Option<(usize, usize)> {
        let count = match &self.script.task {
            Task::Steps(_) | Task::BigEcho { .. } => 1,
            Task::EchoLoop { count, .. } => *count,
            Task::CompressedEchoes(echoes) => echoes.count,
        };
        let sent = count.min(self.settings.messages);
        (sent < count).then_some((sent, count))
    }

    /// Takes steps until a step waits.
    fn proceed(&mut self, steps: &[Step], connection: &mut Connection, now: Instant) {
        while let Some(step) = steps.get(self.next)
            && self.timer.is_none()
        {
            self.next += 1;
            self.take(step, connection, now);
        }
    }

    fn take(&mut self, step: &Step, connection: &mut Connection, now: Instant) {
        match step {
            Step::Frame(frame) => connection.send_frame(frame),
            Step::Message {
                binary,
                payload,
                fragment,
            } => connection.send_message(*binary, payload, *fragment, Pacing::Plain),
            Step::TextHeader { len } => connection.send_text_header(*len),
            Step::Streamed(payload) => connection.stream(payload),
            Step::Close { code, reason } => connection.close(Some(*code), reason, now),
            Step::RawClose { payload } => connection.raw_close(payload.clone(), now),
            Step::Wait { time, tag } => {
                connection.channel.log.push(Entry::WaitBegan {
                    time: *time,
                    tag: tag.map(str::to_owned),
                });
                self.set(Timer::Continue(*tag), *time, now);
            }
            Step::FailAfter(time) => {
                connection.channel.log.push(Entry::FailAfter(*time));
                let scaled = self.settings.scaled(*time);
                self.set(Timer::Fail(scaled), *time, now);
            }
            Step::CloseAfter(time) => {
                connection.channel.log.push(Entry::CloseAfter(*time));
                self.set(Timer::Close, *time, now);
            }
        }
    }

    fn set(&mut self, timer: Timer, time: Duration, now: Instant) {
        self.timer = Some((now + self.settings.scaled(time), timer));
    }

    fn wait_over(&mut self, tag: Option<&'static str>, connection: &mut Connection, now: Instant) {
        let name = tag.map(str::to_owned);
        connection.channel.log.push(Entry::WaitOver(name));
        if let Some(tag) = tag {
            if connection.state() != State::Open {
                return;
            }
            self.note(Event::WaitOver(tag));
        }
        if let Task::Steps(steps) = &self.script.task {
            self.proceed(steps, connection, now);
        }
    }

    fn note(&mut self, event: Event) {
        if self.received.len() < MAX_EVENTS && self.received_bytes <= MAX_EVENT_BYTES {
            self.received_bytes += event.payload_len();
            self.received.push(event);
        }
    }

    /// Closes the connection if all expected events have arrived.
    fn close_if_done(&self, connection: &mut Connection, now: Instant) {
        let close = &self.script.close;
        let mut expected = self.script.expected.iter();
        if close.automatic
            && close.by == Side::Suite
            && expected.all(|expected| expected.events == self.received)
        {
            connection.close(close.codes.first().copied(), &Payload::EMPTY, now);
        }
    }

    /// Judges an echo of a task that measures echoes. As in the original, type and length decide. A
    /// different content is only noted.
    fn echoed(&mut self, binary: bool, bytes: &Payload, connection: &mut Connection, now: Instant) {
        let Some((sent_binary, sent, count)) = self.measured() else {
            return;
        };
        let Some(before) = self.echoes.judged_before(count) else {
            return;
        };
        let arrived = before + 1;
        let compared = |what: &str| {
            let (sent, bytes) = (
                (sent_binary, &*sent.as_bytes()),
                (binary, &*bytes.as_bytes()),
            );
            differs(what, sent, bytes)
        };
        if binary != sent_binary || bytes.len() != sent.len() {
            self.echoes = Echoes::Wrong(compared(&format!("Echo {arrived}")));
            return close_measured(connection, now);
        }
        if sent != bytes {
            let sentence = compared(&format!("echo {arrived}"));
            let text = sentence.strip_suffix('.').unwrap_or(&sentence);
            connection.channel.note_violation(text.to_owned());
        }
        if arrived < count {
            self.echoes = Echoes::Arrived(arrived);
            connection.send_message(binary, sent, None, Pacing::Plain);
        } else {
            self.echoes = Echoes::Complete;
            close_measured(connection, now);
        }
    }

    /// Returns the message whose echoes are measured, and the number of times that it is sent.
    fn measured(&self) -> Option<(bool, &'a Payload, usize)> {
        match &self.script.task {
            Task::Steps(_) | Task::CompressedEchoes(_) => None,
            Task::BigEcho {
                binary, payload, ..
            } => Some((*binary, payload, 1)),
            Task::EchoLoop {
                binary,
                payload,
                count,
                ..
            } => Some((*binary, payload, (*count).min(self.settings.messages))),
        }
    }

    /// Sends the first compressed message, if compression was agreed.
    fn begin_compressed(
        &mut self,
        echoes: &'a CompressedEchoes,
        connection: &mut Connection,
        now: Instant,
    ) {
        connection.channel.log.turn(false);
        let Some(coding) = connection.outgoing_coding() else {
            self.echoes = Echoes::NotAgreed;
            return connection.close(Some(1000), &Payload::EMPTY, now);
        };
        self.take(&Step::CloseAfter(echoes.limit), connection, now);
        let mut run = CompressedRun::new(echoes, coding);
        run.send(0, connection);
        self.compressed = Some(run);
    }

    /// Judges the echo of a compressed message.
    fn compressed_echoed(
        &mut self,
        binary: bool,
        bytes: &[u8],
        connection: &mut Connection,
        now: Instant,
    ) {
        let Some(run) = &mut self.compressed else {
            return;
        };
        let count = run.echoes.count.min(self.settings.messages);
        let Some(before) = self.echoes.judged_before(count) else {
            return;
        };
        self.echoes = run.judge(before, count, binary, bytes);
        match self.echoes {
            Echoes::Arrived(arrived) => return run.send(arrived, connection),
            Echoes::Complete if self.traffic.is_none() => {
                self.traffic = Some(run.traffic(count, &connection.channel.log));
            }
            _ => {}
        }
        close_measured(connection, now);
    }
}

impl Echoes {
    /// Returns the number of correct echoes before the one to judge, of `count`. Returns `None` if
    /// the verdict is final. As in the original, the last of many echoes counts. Of a single echo,
    /// the first correct one counts, and a greeting before it is ignored.
    fn judged_before(&self, count: usize) -> Option<usize> {
        match self {
            Self::Arrived(before) => Some(*before),
            Self::Complete => (count > 1).then(|| count - 1),
            Self::Wrong(_) => (count == 1).then_some(0),
            Self::NotAgreed => None,
        }
    }
}

fn close_measured(connection: &mut Connection, now: Instant) {
    connection.channel.log.turn(true);
    connection.close(Some(1000), &Payload::EMPTY, now);
}

impl Handler for CaseRun<'_> {
    fn opened(&mut self, connection: &mut Connection, now: Instant) {
        match &self.script.task {
            Task::Steps(steps) => self.proceed(steps, connection, now),
            Task::BigEcho {
                binary,
                payload,
                fragment,
                pacing,
                limit,
            } => {
                connection.channel.log.turn(false);
                connection.send_message(*binary, payload, *fragment, *pacing);
                self.take(&Step::CloseAfter(*limit), connection, now);
            }
            Task::EchoLoop {
                binary,
                payload,
                limit,
                ..
            } => {
                connection.channel.log.turn(false);
                self.take(&Step::CloseAfter(*limit), connection, now);
                connection.send_message(*binary, payload, None, Pacing::Plain);
            }
            Task::CompressedEchoes(echoes) => self.begin_compressed(echoes, connection, now),
        }
    }

    fn received(&mut self, event: Event, connection: &mut Connection, now: Instant) {
        match (&self.script.task, event) {
            (Task::Steps(_), event) => {
                self.note(event);
                self.close_if_done(connection, now);
            }
            (Task::CompressedEchoes(_), Event::Message { binary, payload }) => {
                self.compressed_echoed(binary, &payload.as_bytes(), connection, now);
            }
            (_, Event::Message { binary, payload }) => {
                self.echoed(binary, &payload, connection, now);
            }
            (_, event) => self.note(event),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.timer.map(|(due, _)| due)
    }

    fn time_passed(&mut self, connection: &mut Connection, now: Instant) {
        let Some((_, timer)) = self.timer.take() else {
            return;
        };
        if connection.state() == State::Closed {
            return;
        }
        match timer {
            Timer::Continue(tag) => self.wait_over(tag, connection, now),
            Timer::Fail(time) => {
                connection.channel.log.push(Entry::Failing);
                connection.fail(FailureCause::TimeOver(time), now);
            }
            Timer::Close => {
                connection.channel.log.push(Entry::Closing);
                connection.close(None, &Payload::EMPTY, now);
            }
        }
    }
}
