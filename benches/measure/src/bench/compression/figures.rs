//! The figures of all settings.

use serde::Deserialize;

/// The result of one measurement, as the program prints it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Measured {
    pub(super) payload: String,
    /// The length of a message in bytes, before compression.
    pub(super) len: usize,
    pub(super) kind: Kind,
    pub(super) takeover: bool,
    /// The mean length of a frame in bytes.
    pub(super) frame_len: f64,
    pub(super) compress_us: f64,
    pub(super) decompress_us: f64,
    /// The bytes that a connection keeps between two messages.
    pub(super) memory: u64,
}

/// The settings of a measurement.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// A profile of the library.
    Profile(String),
    Values {
        level: u8,
        window_bits: u8,
        mem_level: u8,
    },
}

/// The best figures of every setting with every payload, in the order of the program.
#[derive(Debug, Default)]
pub(super) struct Figures(Vec<Measured>);

impl Figures {
    /// Adds a measurement, or the better figures of a repeated one.
    pub(super) fn add(&mut self, new: Measured) {
        let is_same = |one: &&mut Measured| {
            (&one.payload, &one.kind, one.takeover) == (&new.payload, &new.kind, new.takeover)
        };
        match self.0.iter_mut().find(is_same) {
            Some(known) => {
                known.compress_us = known.compress_us.min(new.compress_us);
                known.decompress_us = known.decompress_us.min(new.decompress_us);
            }
            None => self.0.push(new),
        }
    }

    /// Returns the names of all payloads.
    pub(super) fn payloads(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for one in &self.0 {
            if !names.contains(&&*one.payload) {
                names.push(&one.payload);
            }
        }
        names
    }

    /// Returns the figures of a payload, with or without context takeover.
    pub(super) fn of(&self, payload: &str, takeover: bool) -> Vec<&Measured> {
        let all = self.0.iter();
        all.filter(|one| one.payload == payload && one.takeover == takeover)
            .collect()
    }
}

/// Returns `true` if no other setting makes shorter frames in no more time.
pub(super) fn is_best(one: &Measured, all: &[&Measured]) -> bool {
    !all.iter().any(|other| {
        other.frame_len < one.frame_len && other.compress_us <= one.compress_us
            || other.frame_len <= one.frame_len && other.compress_us < one.compress_us
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn measured(level: u8, frame_len: f64, compress_us: f64) -> Measured {
        Measured {
            payload: "json-1k".to_owned(),
            len: 1024,
            kind: Kind::Values {
                level,
                window_bits: 12,
                mem_level: 4,
            },
            takeover: true,
            frame_len,
            compress_us,
            decompress_us: 1.0,
            memory: 238_000,
        }
    }

    #[test]
    fn the_least_time_of_repeated_measurements_counts() {
        let mut figures = Figures::default();
        for time in [7.0, 5.0, 6.0] {
            figures.add(measured(1, 400.0, time));
        }
        figures.add(measured(2, 300.0, 9.0));
        let times: Vec<_> = figures
            .of("json-1k", true)
            .iter()
            .map(|one| one.compress_us)
            .collect();
        assert_eq!(times, [5.0, 9.0]);
        assert!(figures.of("json-1k", false).is_empty());
    }

    #[test]
    fn a_setting_is_best_unless_another_one_is_shorter_and_as_fast() {
        let all = [(1, 400.0, 5.0), (2, 410.0, 6.0), (3, 300.0, 6.0)];
        let all = all.map(|(level, len, time)| measured(level, len, time));
        let all: Vec<_> = all.iter().collect();
        let best: Vec<_> = all.iter().map(|one| is_best(one, &all)).collect();
        assert_eq!(best, [true, false, true]);
    }

    #[test]
    fn lines_of_the_program_are_read() {
        let line = r#"{"payload":"json-1k","len":1024,"kind":{"values":{"level":1,"window_bits":9,
            "mem_level":1}},"takeover":true,"frame_len":690.5,"compress_us":14.1,
            "decompress_us":5.2,"memory":217000}"#;
        let one: Measured = serde_json::from_str(line).unwrap();
        assert_eq!((one.frame_len, one.memory), (690.5, 217_000));
        let profile = line.replace(
            r#"{"values":{"level":1,"window_bits":9,
            "mem_level":1}}"#,
            r#"{"profile":"fast"}"#,
        );
        let one: Measured = serde_json::from_str(&profile).unwrap();
        assert_eq!(one.kind, Kind::Profile("fast".to_owned()));
    }
}
