//! The parameters that one side has sent in SETTINGS (RFC 9113 §6.5.2, RFC 8441 §3).

use super::frame::{Frame, MAX_PAYLOAD};

/// The identifiers of parameters.
pub(crate) mod setting {
    pub(crate) const ENABLE_PUSH: u16 = 2;
    pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 3;
    pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;
    pub(crate) const MAX_FRAME_SIZE: u16 = 5;
    pub(crate) const ENABLE_CONNECT_PROTOCOL: u16 = 8;
}

/// The window of a connection, and that of a stream without a parameter (RFC 9113 §6.9.2).
pub(crate) const DEFAULT_WINDOW: u32 = 65_535;

/// The dynamic table that the suite allows the other side, which is the default.
pub(super) const HEADER_TABLE: usize = 4096;

/// The parameters with an effect on the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) enable_connect: bool,
    pub(crate) window: u32,
    pub(crate) max_frame: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enable_connect: false,
            window: DEFAULT_WINDOW,
            max_frame: MAX_PAYLOAD,
        }
    }
}

impl Settings {
    /// Applies the parameters of a SETTINGS frame.
    pub(crate) fn apply(&mut self, frame: &Frame) {
        for (id, value) in frame.parameters() {
            match id {
                setting::ENABLE_CONNECT_PROTOCOL => self.enable_connect = value == 1,
                setting::INITIAL_WINDOW_SIZE => self.window = value,
                setting::MAX_FRAME_SIZE => self.max_frame = value as usize,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_parameters_replace_earlier_ones() {
        let mut settings = Settings::default();
        let parameters = [
            (setting::ENABLE_CONNECT_PROTOCOL, 1),
            (setting::INITIAL_WINDOW_SIZE, 5),
            (setting::INITIAL_WINDOW_SIZE, 7),
            (99, 1),
        ];
        settings.apply(&Frame::settings(&parameters));
        let expected = Settings {
            enable_connect: true,
            window: 7,
            ..Settings::default()
        };
        assert_eq!(settings, expected);
    }
}
