//! The payload of a Close (RFC 6455 §5.5.1, §7.4).

use super::Violation;

/// Code and reason of a Close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClosePayload {
    pub(crate) code: Option<u16>,
    /// Invalid UTF-8 is replaced.
    pub(crate) reason: Option<String>,
    /// The violations in the payload, except a payload of one byte, which the frame header shows
    /// already.
    pub(crate) violations: Vec<Violation>,
}

impl ClosePayload {
    /// Reads a payload.
    pub(crate) fn read(payload: &[u8]) -> Self {
        let (code, reason) = match payload.split_first_chunk() {
            Some((code, reason)) => (Some(u16::from_be_bytes(*code)), reason),
            None => (None, &[][..]),
        };
        let mut violations = Vec::new();
        violations.extend(
            code.filter(|&code| !may_be_sent(code))
                .map(Violation::CloseCode),
        );
        if std::str::from_utf8(reason).is_err() {
            violations.push(Violation::InvalidReason);
        }
        Self {
            code,
            reason: (!reason.is_empty()).then(|| String::from_utf8_lossy(reason).into_owned()),
            violations,
        }
    }
}

/// Returns `true` for the codes that the original suite allows. It allows neither 1012 to 1014,
/// which are registered but not in RFC 6455, nor the codes that stand for a missing Close.
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1011 | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(code: u16, reason: &[u8]) -> ClosePayload {
        ClosePayload::read(&[&code.to_be_bytes()[..], reason].concat())
    }

    #[test]
    fn code_and_reason_are_optional() {
        let empty = ClosePayload::read(b"");
        assert_eq!((empty.code, empty.reason), (None, None));
        assert_eq!(close(1000, b"").reason, None);
        assert_eq!(close(1000, b"bye").reason.as_deref(), Some("bye"));
        assert_eq!(close(1000, b"bye").violations, []);
    }

    #[test]
    fn reserved_codes_are_violations() {
        for code in [0, 999, 1004, 1005, 1006, 1012, 1015, 2999, 5000] {
            assert_eq!(close(code, b"").violations, [Violation::CloseCode(code)]);
        }
        for code in [1000, 1003, 1007, 1011, 3000, 4999] {
            assert_eq!(close(code, b"").violations, []);
        }
    }

    #[test]
    fn a_reason_is_utf8() {
        assert_eq!(close(1000, b"\xff").violations, [Violation::InvalidReason]);
    }
}
