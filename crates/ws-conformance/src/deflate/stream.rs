//! The compressed messages of a case that sends a data set.

use super::Coding;
use super::encoder::Encoder;
use crate::data_sets::DataSet;

/// The messages of a case in order, compressed when they are requested.
///
/// The messages of a data set repeat after a round. From the second round on, the same bytes are
/// before a message each time, so the compressed messages repeat too. That is possible because a
/// round is longer than any window.
#[derive(Debug)]
pub(crate) struct Stream {
    data: DataSet,
    /// The units of a message.
    len: usize,
    encoder: Encoder,
    /// The messages of the first two rounds.
    messages: Vec<Vec<u8>>,
}

impl Stream {
    /// Creates the stream of messages of `len` units.
    pub(crate) fn new(data: DataSet, len: usize, coding: Coding) -> Self {
        Self {
            data,
            len,
            encoder: Encoder::new(coding),
            messages: Vec::new(),
        }
    }

    /// Returns message number `number`, from 0.
    pub(crate) fn message(&mut self, number: usize) -> &[u8] {
        let round = self.data.round(self.len);
        let place = match number < round {
            true => number,
            false => round + number % round,
        };
        while self.messages.len() <= place {
            let plain = self.data.message(self.messages.len(), self.len);
            self.messages.push(self.encoder.compress(&plain.to_vec()));
        }
        &self.messages[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deflate::Inflater;

    /// Inflates messages of more than two rounds.
    fn inflates(data: DataSet, len: usize, coding: Coding) {
        let mut stream = Stream::new(data, len, coding);
        let mut inflater = Inflater::new(coding);
        for number in 0..=3 * data.round(len) {
            let mut out = Vec::new();
            inflater.begin();
            inflater
                .push(stream.message(number), &mut out, usize::MAX)
                .unwrap();
            inflater.end(&mut out, usize::MAX).unwrap();
            let sent = data.message(number, len);
            assert!(sent.is(&out), "{data:?}, {len}, {coding:?}: {number}");
        }
        assert_eq!(stream.messages.len(), 2 * data.round(len));
    }

    #[test]
    fn messages_of_all_rounds_can_be_inflated() {
        for data in DataSet::ALL {
            for len in [8192, 131_072] {
                for (window_bits, context_takeover) in [(9, true), (15, true), (15, false)] {
                    inflates(
                        data,
                        len,
                        Coding {
                            window_bits,
                            context_takeover,
                        },
                    );
                }
            }
        }
    }

    #[test]
    fn the_first_message_does_not_refer_to_messages_before_it() {
        let coding = Coding {
            window_bits: 15,
            context_takeover: true,
        };
        let mut stream = Stream::new(DataSet::Json, 65_536, coding);
        let round = DataSet::Json.round(65_536);
        let first = stream.message(0).to_vec();
        assert_ne!(stream.message(round), first);
        let second = stream.message(round).to_vec();
        assert_eq!(stream.message(2 * round), second);
    }
}
