//! The processors of server and load, and their speed.

use std::hint::black_box;
use std::str::FromStr;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use core_affinity::CoreId;

/// The processors of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cores {
    pub(super) server: usize,
    pub(super) load: usize,
}

impl Default for Cores {
    fn default() -> Self {
        Self { server: 0, load: 1 }
    }
}

/// Parses `SERVER,LOAD`.
impl FromStr for Cores {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (server, load) = text.split_once(',').context("two processors, like 0,1")?;
        let cores = Self {
            server: server.parse()?,
            load: load.parse()?,
        };
        ensure!(
            cores.server != cores.load,
            "server and load need a processor each"
        );
        Ok(cores)
    }
}

/// Calls `work` in a thread that stays on one processor. All processes that it starts stay there,
/// too.
pub(super) fn on_core<T: Send>(core: usize, work: impl FnOnce() -> T + Send) -> Result<T> {
    let pinned = move || pin(core).map(|()| work());
    thread::scope(|scope| {
        scope
            .spawn(pinned)
            .join()
            .expect("pinned work does not panic")
    })
}

fn pin(core: usize) -> Result<()> {
    let is_pinned = core_affinity::set_for_current(CoreId { id: core });
    ensure!(is_pinned, "there is no processor {core} to run on");
    Ok(())
}

/// Returns the time of a fixed piece of work on the slower processor, in seconds.
pub(super) fn calibrate(cores: Cores) -> Result<f64> {
    thread::scope(|scope| {
        let load = scope.spawn(|| on_core(cores.load, spin));
        let server = on_core(cores.server, spin)?;
        let load = load.join().expect("the work does not panic")?;
        Ok(server.max(load))
    })
}

/// Works for about ten milliseconds, with registers only.
fn spin() -> f64 {
    let started = Instant::now();
    let mut state = black_box(1_u64);
    for _ in 0..10_000_000 {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
    }
    black_box(state);
    started.elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_two() {
        assert_eq!(
            "2,5".parse::<Cores>().unwrap(),
            Cores { server: 2, load: 5 }
        );
        for wrong in ["2", "2,2", "a,b", ""] {
            assert!(wrong.parse::<Cores>().is_err(), "{wrong}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pinned_thread_knows_only_its_processor() {
        let seen = on_core(0, || thread::available_parallelism().unwrap().get()).unwrap();
        assert_eq!(seen, 1);
        assert!(on_core(1023, || ()).is_err());
    }
}
