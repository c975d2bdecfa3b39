//! Cases of frames that a testee has to refuse.

use crate::case::{Case, Level, Roles, Rule};
use crate::dialogue::{Act, Miss, Outcome, Peer, Soften};
use crate::wire::{CLOSE, ClosePayload, Frame};

/// Creates a case of frames for which the testee has to fail the connection with one of these
/// codes.
///
/// A message and its echo come first, so that a testee that ignores everything does not pass.
pub(crate) fn fails(
    id: &str,
    roles: Roles,
    title: &'static str,
    rule: &'static Rule,
    codes: &'static [u16],
    frames: impl Fn() -> Vec<Frame> + Send + Sync + 'static,
) -> Case {
    let case = Case::new(id, roles, title, rule, move |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        let frames = frames();
        peer.send_together(&frames)?;
        expect_failure(peer, rule.level, &frames, codes)
    });
    case.wants(fails_with(codes))
}

/// Describes a failed connection.
pub(crate) fn fails_with(codes: &[u16]) -> String {
    let codes: Vec<_> = codes.iter().map(u16::to_string).collect();
    let codes = codes.join(" or ");
    format!(
        "The testee fails the connection: it sends a Close with code {codes}, or ends TCP, and \
         sends nothing else."
    )
}

/// Expects that the testee fails the connection because of these frames. `level` says how much it
/// counts if the testee does not. The rules about a Close and the time after it stay what they are.
pub(crate) fn expect_failure(
    peer: &mut Peer<'_>,
    level: Level,
    frames: &[Frame],
    codes: &[u16],
) -> Outcome {
    let limit = peer.reply_time();
    match peer.next(limit)? {
        Some(Act::Close(close)) if answers(&close, frames, codes) => at(
            level,
            Miss::must("The testee answered the Close as if nothing were wrong with it."),
        ),
        act @ Some(Act::Close(_)) => peer.judge_fail(act, codes),
        act => at(level, peer.judge_fail(act, codes)),
    }
}

/// Lowers a missed MUST to this level.
pub(crate) fn at(level: Level, outcome: Outcome) -> Outcome {
    match level {
        Level::Must => outcome,
        Level::Should => outcome.or_should(),
        Level::Informational => outcome.or_informs(),
    }
}

/// Returns `true` if a Close has the code of the Close among these frames. A right Close gets such
/// an answer.
fn answers(close: &ClosePayload, frames: &[Frame], codes: &[u16]) -> bool {
    let sent = frames.iter().filter(|frame| frame.opcode == CLOSE);
    let mut sent = sent.filter_map(|frame| ClosePayload::read(&frame.payload.as_bytes()).code);
    sent.any(|code| close.code == Some(code) && !codes.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_code_of_a_close_among_the_frames_is_an_answer() {
        let frames = [Frame::text(b"\x03\xe9"), Frame::close(5000, b"")];
        let answers = |code: u16, codes: &[u16]| {
            let close = ClosePayload::read(&code.to_be_bytes());
            answers(&close, &frames, codes)
        };
        assert!(answers(5000, &[1002]));
        assert!(!answers(5000, &[1002, 5000]), "the testee has to send it");
        assert!(!answers(1001, &[1002]), "it is in another frame");
        assert!(!answers(1002, &[1002]));
    }
}
