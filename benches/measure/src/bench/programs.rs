//! The build of the programs of a comparison.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use ws_test_programs::peers::Peers;
use ws_test_programs::project;

use super::contestant::{Contestant, Package, Program, Task};

/// The executables of the required packages.
pub(crate) struct Executables {
    packages: BTreeMap<Package, Peers>,
}

impl Executables {
    /// Builds the load generator and the packages of the contestants, or uses the executables in
    /// `dir`.
    pub(crate) fn built_or_in(dir: Option<&Path>, contestants: &[Contestant]) -> Result<Self> {
        Self::of(dir, |package| {
            match package {
                Package::Benches => true,
                // Clients need an echo server.
                Package::Ours if contestants.iter().any(|one| one.task == Task::Client) => true,
                package => is_needed(contestants, package),
            }
        })
    }

    /// Builds or finds executables like [`built_or_in`](Self::built_or_in), without the load
    /// generator.
    pub(crate) fn of_servers(dir: Option<&Path>, contestants: &[Contestant]) -> Result<Self> {
        Self::of(dir, |package| is_needed(contestants, package))
    }

    fn of(dir: Option<&Path>, is_needed: impl Fn(Package) -> bool) -> Result<Self> {
        let mut packages = BTreeMap::new();
        for package in [
            Package::Benches,
            Package::Ours,
            Package::Axum,
            Package::Peers,
        ] {
            if is_needed(package) {
                let executables = match (dir, package) {
                    (Some(dir), Package::Axum) => Peers::in_dir(&dir.join("examples"))?,
                    (Some(dir), _) => Peers::in_dir(dir)?,
                    (None, package) => build(package)?,
                };
                packages.insert(package, executables);
            }
        }
        Ok(Self { packages })
    }

    pub(crate) fn find(&self, package: Package, name: &str) -> Result<&Path> {
        let built = self
            .packages
            .get(&package)
            .context("the package was not built")?;
        built.find(name)
    }

    /// Returns the load generator.
    pub(crate) fn load(&self) -> Result<&Path> {
        self.find(Package::Benches, "ws-load")
    }
}

fn is_needed(contestants: &[Contestant], wanted: Package) -> bool {
    contestants.iter().any(|one| match one.program {
        Program::Built { package, .. } => package == wanted,
        Program::CommandLine(_) => false,
    })
}

fn build(package: Package) -> Result<Peers> {
    match package {
        Package::Benches => Peers::build(
            "ws-bench-programs",
            &["--package", "ws-bench-programs", "--bins"],
        ),
        Package::Ours => Peers::built_or_in(None),
        Package::Axum => Peers::build(
            "ws-axum",
            &["--package", "ws-axum", "--example", "echo-axum"],
        ),
        Package::Peers => {
            let target = project::scratch_dir("bench-peers")?;
            let target = target
                .to_str()
                .context("the target directory is not UTF-8")?;
            let manifest = project::root().join("benches/peers/Cargo.toml");
            let manifest = manifest
                .to_str()
                .context("the workspace's path is not UTF-8")?;
            let options = [
                "--locked",
                "--manifest-path",
                manifest,
                "--target-dir",
                target,
                "--bins",
            ];
            Peers::build("benches/peers", &options)
        }
    }
}
