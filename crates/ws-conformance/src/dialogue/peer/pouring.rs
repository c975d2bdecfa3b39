//! Sending large amounts, at once or in parts.

use std::io;
use std::time::Duration;

use super::{Peer, Tcp};
use crate::dialogue::Miss;
use crate::wire::Frame;

impl Peer<'_> {
    /// Stops the record of single frames, of which there are too many.
    pub(crate) fn be_quiet(&mut self) {
        self.said.channel.log.turn(false);
    }

    /// Returns `true` if frames still reach the testee.
    pub(crate) fn is_listening(&self) -> bool {
        !self.deaf && self.tcp == Tcp::Open
    }

    /// Sends a frame in segments of these lengths. The last segment has the remaining bytes.
    pub(crate) fn send_in_segments(
        &mut self,
        frame: &Frame,
        lengths: impl IntoIterator<Item = usize>,
        pause: Duration,
    ) -> Result<(), Miss> {
        let bytes = self.encoded(frame);
        let mut rest = &bytes[..];
        for len in lengths {
            let (segment, behind) = rest.split_at(len.min(rest.len()));
            self.send_bytes(segment)?;
            rest = behind;
            if !pause.is_zero() {
                self.pause(pause)?;
            }
        }
        self.send_bytes(rest)
    }

    /// Sends bytes without reading, until all are sent or the testee takes none for `patience`.
    /// Returns the number of sent bytes.
    pub(crate) fn pour(&mut self, bytes: &[u8], patience: Duration) -> Result<usize, Miss> {
        let mut sent = 0;
        let mut limit = self.in_time(patience);
        while sent < bytes.len() && !self.deaf {
            match self.link.write(&bytes[sent..]) {
                Ok(count) => {
                    sent += count;
                    limit = self.in_time(patience);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !self.wait(limit)? {
                        break;
                    }
                }
                Err(_) => self.deaf = true,
            }
        }
        Ok(sent)
    }

    /// Resets TCP and opens a new connection to the same server.
    pub(crate) fn break_off(&mut self) -> Result<(), Miss> {
        self.link.reset_at_end();
        self.connect_again()
    }
}
