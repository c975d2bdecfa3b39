//! The parts that all pairings share.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use ws_test_programs::interrupt;
use ws_test_programs::peers::Peers;

use crate::certificates::Certificates;
use crate::install::Installed;
use crate::pairing::Pairing;
use crate::report::{Finished, Report};
use crate::stage::Stage;
use crate::{checks, scripts};

/// The parts that all pairings share.
pub(crate) struct Bench {
    /// Our peers and the examples, if a pairing needs them.
    pub(crate) peers: Option<Peers>,
    pub(crate) examples: Option<Peers>,
    pub(crate) certificates: Certificates,
    pub(crate) installed: Installed,
    /// The directory for the output of programs and for other files.
    pub(crate) home: PathBuf,
}

impl Bench {
    pub(crate) fn peers(&self) -> Result<&Peers> {
        self.peers.as_ref().context("the peers were not built")
    }

    pub(crate) fn examples(&self) -> Result<&Peers> {
        self.examples
            .as_ref()
            .context("the examples were not built")
    }

    /// Runs all checks of a pairing.
    pub(crate) fn run(&self, pairing: &Pairing) -> Finished {
        let started = Instant::now();
        let mut report = Report::default();
        let mut error = None;
        if !scripts::checks_of(pairing).is_empty() {
            let run = scripts::run(&Stage::new(self, *pairing, "all"), &mut report);
            error = run.err().map(|error| format!("{error:#}"));
        }
        for check in checks::of(pairing) {
            if interrupt::requested() {
                break;
            }
            let result = (check.run)(&Stage::new(self, *pairing, check.name));
            report.add(check.name, result.map_err(|error| format!("{error:#}")));
        }
        Finished {
            pairing: *pairing,
            report,
            took: started.elapsed(),
            error,
        }
    }
}
