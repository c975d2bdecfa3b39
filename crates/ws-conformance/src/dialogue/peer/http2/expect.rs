//! The expectations on HTTP/2.

use std::time::Duration;

use super::{Http2, REACTION, StreamEnd, status};
use crate::dialogue::{Miss, Outcome, passed};
use crate::http2::{Fields, Frame, code, flag};

/// The time in which a server ends a stream "immediately" (RFC 6455 §5.5.1).
const AT_ONCE: Duration = Duration::from_secs(1);

/// A reaction to something that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reaction {
    Status(u16),
    Ended(StreamEnd),
    GoneAway(u32),
    Over,
}

impl Http2<'_, '_> {
    /// Expects the parameters of the testee.
    pub(crate) fn expect_settings(&mut self) -> Result<(), Miss> {
        let limit = self.reply_time();
        match self.until(limit, |it| it.has_settings.then_some(()))? {
            Some(()) => Ok(()),
            None => Miss::must("The testee does not send SETTINGS."),
        }
    }

    /// Expects that the testee answers PING, and so that it has processed what came before.
    pub(crate) fn expect_pong(&mut self, payload: [u8; 8]) -> Result<(), Miss> {
        self.send(&Frame::ping(payload))?;
        let limit = self.reply_time();
        match self.until(limit, |it| it.pongs.pop())? {
            Some(pong) if pong == payload => Ok(()),
            Some(_) => Miss::must("The testee answered PING with another payload."),
            None => Miss::must("The testee did not answer PING."),
        }
    }

    /// Expects the head of the testee on this stream.
    pub(crate) fn expect_head(&mut self, stream: u32) -> Result<Fields, Miss> {
        let limit = self.reply_time();
        let head = self.until(limit, |it| {
            let state = it.stream(stream);
            match (&state.head, state.end) {
                (Some(head), _) => Some(Ok(head.clone())),
                (None, Some(end)) => Some(Err(end)),
                (None, None) => None,
            }
        })?;
        match head {
            Some(Ok(head)) => Ok(head),
            Some(Err(_)) => Miss::must("The testee reset the stream instead of an answer."),
            None if self.is_over => Miss::must("The testee ended TCP instead of an answer."),
            None => Miss::must("The testee does not answer the request."),
        }
    }

    /// Expects that the testee refuses a request: with an error status, or a stream or connection
    /// error.
    pub(crate) fn expect_refused(&mut self, stream: u32) -> Outcome {
        match self.reaction(stream)? {
            Some(Reaction::Status(status @ 400..=599)) => passed(format!(
                "The server refused the request with status {status}."
            )),
            Some(Reaction::Status(status @ 200..=299)) => Miss::must(format!(
                "The server had to refuse the request, but it answered with status {status}."
            )),
            Some(Reaction::Status(status)) => {
                Miss::should(format!("The status is {status}, which is no error status."))
            }
            other => self.judge_error(other, "The testee had to refuse the request"),
        }
    }

    /// Expects that the testee treats something as an error of the stream, or of the connection.
    pub(crate) fn expect_stream_error(&mut self, stream: u32) -> Outcome {
        let reaction = self.reaction_after_head(stream)?;
        self.judge_error(reaction, "The testee had to reset the stream")
    }

    /// Expects that the testee ends the connection because of an error.
    pub(crate) fn expect_connection_error(&mut self) -> Outcome {
        let limit = self.in_time(REACTION);
        let reaction = self.until(limit, |it| match it.gone {
            Some(code::NO_ERROR) | None => None,
            Some(code) => Some(Reaction::GoneAway(code)),
        })?;
        let over = self.is_over.then_some(Reaction::Over);
        self.judge_error(reaction.or(over), "The testee had to end the connection")
    }

    fn judge_error(&self, reaction: Option<Reaction>, wanted: &str) -> Outcome {
        match reaction {
            Some(Reaction::Ended(StreamEnd::Reset(code))) => {
                passed(format!("The testee reset the stream with code {code}."))
            }
            Some(Reaction::GoneAway(code)) => {
                passed(format!("The testee ended the connection with code {code}."))
            }
            Some(Reaction::Over) => passed("The testee ended TCP."),
            Some(Reaction::Ended(StreamEnd::Orderly)) => {
                Miss::should(format!("{wanted}, but it ended the stream in order."))
            }
            Some(Reaction::Status(status)) => {
                Miss::must(format!("{wanted}, but it answered with status {status}."))
            }
            None => Miss::must(format!("{wanted}, but it did nothing in time.")),
        }
    }

    /// Returns the first reaction to a request.
    fn reaction(&mut self, stream: u32) -> Result<Option<Reaction>, Miss> {
        let limit = self.in_time(REACTION);
        let status = self.until(limit, |it| {
            let head = it.stream(stream).head.as_ref();
            let status = head.map(|head| status(head).unwrap_or(0));
            let status = status.map(Reaction::Status);
            status.or_else(|| it.error(stream))
        })?;
        Ok(status.or(self.is_over.then_some(Reaction::Over)))
    }

    /// Returns the first reaction to a frame on an open stream.
    fn reaction_after_head(&mut self, stream: u32) -> Result<Option<Reaction>, Miss> {
        let limit = self.in_time(REACTION);
        let error = self.until(limit, |it| it.error(stream))?;
        Ok(error.or(self.is_over.then_some(Reaction::Over)))
    }

    fn error(&mut self, stream: u32) -> Option<Reaction> {
        let gone = self.gone.filter(|code| *code != code::NO_ERROR);
        let end = self.stream(stream).end.map(Reaction::Ended);
        end.or(gone.map(Reaction::GoneAway))
    }

    /// Expects that the testee ends its direction of the stream.
    pub(crate) fn expect_end(&mut self, stream: u32) -> Outcome {
        let limit = self.in_time(REACTION);
        match self.until(limit, |it| it.stream(stream).end)? {
            Some(StreamEnd::Orderly) => passed("The testee ended the stream."),
            Some(StreamEnd::Reset(code)) => {
                passed(format!("The testee reset the stream with code {code}."))
            }
            None if self.is_over => passed("The testee ended TCP."),
            None => Miss::must("The testee left the stream open."),
        }
    }

    /// Expects that a server ends its direction of the stream at once.
    pub(crate) fn expect_end_at_once(&mut self, stream: u32) -> Outcome {
        let limit = self.in_time(AT_ONCE);
        let is_ended = |it: &mut Self| it.stream(stream).end;
        let at_once = self.until(limit, is_ended)?.is_some() || self.is_over;
        let outcome = self.expect_end(stream)?;
        match at_once {
            true => passed(outcome),
            false => Miss::should("The server ended the stream, but not at once."),
        }
    }

    /// Returns the bytes of the testee that no expectation has taken.
    pub(crate) fn unread(&mut self, stream: u32) -> usize {
        self.stream(stream).input.len()
    }

    /// Returns the bytes that the testee may send on the stream.
    pub(crate) fn window(&mut self, stream: u32) -> i64 {
        self.stream(stream).window
    }

    /// Ends the suite's direction of the stream.
    pub(crate) fn end(&mut self, stream: u32) -> Result<(), Miss> {
        self.send(&Frame::data(stream, "").with(flag::END_STREAM))
    }
}
