//! The settings that are measured.

use serde::Serialize;
use ws_proto::DeflateConfig;

/// The values that are combined.
#[derive(Debug, clap::Args)]
pub(crate) struct Grid {
    /// Windows as powers of two.
    #[arg(long, value_delimiter = ',')]
    windows: Vec<u8>,
    /// Memory levels.
    #[arg(long, value_delimiter = ',')]
    mem_levels: Vec<u8>,
}

/// Settings of a compressor.
#[derive(Debug, Serialize)]
pub(crate) struct Settings {
    kind: Kind,
    pub(crate) takeover: bool,
    #[serde(skip)]
    pub(crate) config: DeflateConfig,
}

/// The origin of the settings.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// A profile of the library.
    Profile(&'static str),
    Values {
        level: u8,
        window_bits: u8,
        mem_level: u8,
    },
}

impl Grid {
    /// Returns all combinations and the profiles, with context takeover and without.
    pub(crate) fn settings(&self) -> Vec<Settings> {
        let mut all = Vec::new();
        for takeover in [true, false] {
            all.extend(profiles(takeover));
            for &window_bits in &self.windows {
                for &mem_level in &self.mem_levels {
                    all.extend(
                        (1..=9).map(|level| values(level, window_bits, mem_level, takeover)),
                    );
                }
            }
        }
        all
    }
}

fn profiles(takeover: bool) -> impl Iterator<Item = Settings> {
    let profiles = [
        ("default", DeflateConfig::default()),
        ("small", DeflateConfig::small()),
        ("fast", DeflateConfig::fast()),
    ];
    profiles.into_iter().map(move |(name, config)| Settings {
        kind: Kind::Profile(name),
        takeover,
        config,
    })
}

fn values(level: u8, window_bits: u8, mem_level: u8, takeover: bool) -> Settings {
    Settings {
        kind: Kind::Values {
            level,
            window_bits,
            mem_level,
        },
        takeover,
        config: DeflateConfig::default()
            .level(level)
            .own_window_bits(window_bits)
            .mem_level(mem_level),
    }
}
