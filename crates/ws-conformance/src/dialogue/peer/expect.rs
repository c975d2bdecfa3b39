//! The expectations on an open connection, with the rules of RFC 6455 about them.

use std::time::Duration;

use super::{Act, Peer, REPLY, Tcp};
use crate::channel::differs;
use crate::dialogue::{Miss, Outcome, passed};
use crate::wire::{BINARY, Frame};
use crate::wire::{ClosePayload, Violation};

impl Peer<'_> {
    /// Returns the next act of the testee; `None` if there is none within this time.
    pub(crate) fn next_within(&mut self, time: Duration) -> Result<Option<Act>, Miss> {
        self.next(self.in_time(time))
    }

    /// Expects that the testee sends this message back.
    pub(crate) fn expect_echo(&mut self, message: &Frame) -> Result<(), Miss> {
        self.expect_message(message.opcode == BINARY, &message.payload.as_bytes())
    }

    /// Expects that the testee sends this message. Other frames that the rules allow may precede
    /// it.
    pub(crate) fn expect_message(&mut self, binary: bool, expected: &[u8]) -> Result<(), Miss> {
        let limit = self.reply_time_for(expected.len());
        loop {
            match self.next(limit)? {
                Some(Act::Message {
                    binary: kind,
                    payload,
                }) => {
                    return match (kind, &*payload) == (binary, expected) {
                        true => Ok(()),
                        false => {
                            let (sent, received) = ((binary, expected), (kind, &*payload));
                            Miss::must(differs("The echo", sent, received))
                        }
                    };
                }
                Some(Act::Pong(_)) => {}
                other => return self.instead("The testee had to send an echo", other),
            }
        }
    }

    /// Expects that the testee answers Pings, at least the last of them (§5.5.3), and then sends
    /// this message back.
    pub(crate) fn expect_pongs_and_echo(
        &mut self,
        pings: &[Vec<u8>],
        message: &Frame,
    ) -> Result<(), Miss> {
        self.expect_pongs(pings, REPLY)?;
        self.expect_echo(message)
    }

    /// Expects that the testee answers Pings within this time: in order, and at least the last of
    /// them (§5.5.3). Unsolicited Pongs do not count.
    pub(crate) fn expect_pongs(&mut self, pings: &[Vec<u8>], time: Duration) -> Result<(), Miss> {
        let limit = self.in_time(time);
        let mut waiting = pings;
        while !waiting.is_empty() {
            match self.next(limit)? {
                Some(Act::Pong(payload)) => {
                    if let Some(place) = waiting.iter().position(|ping| *ping == payload) {
                        waiting = &waiting[place + 1..];
                    } else if pings.contains(&payload) {
                        return Miss::must("The Pongs do not have the order of the Pings.");
                    }
                }
                other => return self.instead("The testee had to send a Pong", other),
            }
        }
        Ok(())
    }

    /// Sends a message and expects its echo. Later reactions then belong to later frames.
    pub(crate) fn expect_to_be_alive(&mut self) -> Result<(), Miss> {
        let message = Frame::text("Are you there?");
        self.send(message.clone())?;
        self.expect_echo(&message)
    }

    /// Expects that the testee fails the connection (§7.1.7): with a Close that has one of these
    /// codes, or only with the end of TCP. Nothing may follow.
    ///
    /// TCP is reset if the testee leaves bytes unread, and a Close may then be lost. The absence of
    /// a Close is therefore no miss.
    pub(crate) fn expect_fail(&mut self, codes: &[u16]) -> Outcome {
        let limit = self.reply_time();
        let act = self.next(limit)?;
        self.judge_fail(act, codes)
    }

    /// Judges an act as a failure of the connection, and expects that nothing follows.
    pub(crate) fn judge_fail(&mut self, act: Option<Act>, codes: &[u16]) -> Outcome {
        let has_closed = matches!(act, Some(Act::Close(_)));
        let what = self.judge_fail_only(act, codes)?;
        if has_closed {
            self.see_off()?;
        }
        passed(what)
    }

    fn judge_fail_only(&self, act: Option<Act>, codes: &[u16]) -> Outcome {
        match act {
            Some(Act::Close(close)) => judge_code(&close, codes),
            Some(Act::End) => passed("The testee failed the connection by ending TCP."),
            Some(Act::Message { .. }) => {
                Miss::must("The testee sent a message where it had to fail the connection.")
            }
            Some(Act::Pong(_)) => {
                Miss::must("The testee sent a Pong where it had to fail the connection.")
            }
            other => self.instead("The testee had to fail the connection", other),
        }
    }

    /// Expects that the testee sends a Close with one of these codes, and nothing after it.
    pub(crate) fn expect_close(&mut self, codes: &[u16]) -> Outcome {
        let what = self.expect_close_only(codes)?;
        self.see_off()?;
        passed(what)
    }

    /// Expects that the testee sends a Close with one of these codes.
    pub(crate) fn expect_close_only(&mut self, codes: &[u16]) -> Outcome {
        let limit = self.reply_time();
        loop {
            match self.next(limit)? {
                Some(Act::Close(close)) => return judge_code(&close, codes),
                Some(Act::Pong(_)) => {}
                other => return self.instead("The testee had to send a Close", other),
            }
        }
    }

    /// Returns the miss of an expectation, with the act of the testee.
    fn instead<T>(&self, wanted: &str, act: Option<Act>) -> Result<T, Miss> {
        Miss::must(match act {
            None => format!("{wanted}, but it did nothing in time."),
            Some(Act::Message { .. }) => format!("{wanted}, but it sent a message."),
            Some(Act::Pong(_)) => format!("{wanted}, but it sent a Pong."),
            Some(Act::Close(close)) => format!("{wanted}, but it sent a Close, {}.", shown(&close)),
            Some(Act::Violation(what)) => format!("{wanted}; {what}."),
            Some(Act::End) if self.tcp == Tcp::Reset => format!("{wanted}, but it reset TCP."),
            Some(Act::End) => format!("{wanted}, but it ended TCP."),
        })
    }
}

/// Judges the code of a Close. The code may always be absent. A valid code that does not fit is
/// only a missed SHOULD: "the endpoint SHOULD send a Close frame with an appropriate status code"
/// (§7.1.7), and an answer only "typically echos the status code" (§5.5.1).
fn judge_code(close: &ClosePayload, codes: &[u16]) -> Outcome {
    let is_wanted = |code: &u16| codes.contains(code);
    let excused = |it: &Violation| matches!(it, Violation::CloseCode(code) if is_wanted(code));
    let mut violations = close.violations.iter();
    if let Some(violation) = violations.find(|violation| !excused(violation)) {
        return Miss::must(format!("The testee's Close is wrong: {violation}."));
    }
    let shown = shown(close);
    if close.code.as_ref().is_none_or(is_wanted) {
        return passed(format!("The testee closed {shown}."));
    }
    let wanted: Vec<_> = codes.iter().map(u16::to_string).collect();
    let wanted = wanted.join(" or ");
    Miss::should(format!("The testee closed {shown}, not {wanted}."))
}

fn shown(close: &ClosePayload) -> String {
    match close.code {
        Some(code) => format!("with code {code}"),
        None => "without a code".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_of_a_close_is_judged() {
        let judge = |payload: &[u8], codes: &[u16]| judge_code(&ClosePayload::read(payload), codes);
        let level = |outcome| match outcome {
            Ok(_) => "passed",
            Err(Miss::Must(_)) => "MUST",
            Err(Miss::Should(_)) => "SHOULD",
            Err(other) => panic!("{other:?}"),
        };
        for (payload, codes, expected) in [
            (&b"\x03\xe8"[..], &[1000][..], "passed"),
            (b"", &[1000], "passed"),
            (b"\x03\xe8", &[1002, 1000], "passed"),
            (b"\x03\xe9", &[1000], "SHOULD"),
            // A code that the case asks for is right, whatever the list of codes says.
            (b"\x03\xf4", &[1012], "passed"),
            (b"\x03\xf4", &[1000], "MUST"),
            (b"\x03\xe8\xff", &[1000], "MUST"),
        ] {
            let outcome = judge(payload, codes);
            assert_eq!(level(outcome), expected, "{payload:?}");
        }
    }
}
