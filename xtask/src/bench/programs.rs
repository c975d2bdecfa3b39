//! Building what is compared.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

use super::contestant::{Contestant, Package, Program};
use crate::programs::peers::Peers;
use crate::project;

/// The executables of the packages that are needed.
pub(super) struct Executables {
    packages: BTreeMap<Package, Peers>,
}

impl Executables {
    /// Builds the load generator and what the contestants need, or takes all of it from `dir`.
    pub(super) fn built_or_in(dir: Option<&Path>, contestants: &[Contestant]) -> Result<Self> {
        let mut packages = BTreeMap::new();
        for package in [Package::Benches, Package::Ours, Package::Peers] {
            let is_needed = contestants
                .iter()
                .any(|contestant| is_from(contestant, package));
            if is_needed || package == Package::Benches {
                let executables = match dir {
                    Some(dir) => Peers::built_or_in(Some(dir))?,
                    None => build(package)?,
                };
                packages.insert(package, executables);
            }
        }
        Ok(Self { packages })
    }

    pub(super) fn find(&self, package: Package, name: &str) -> Result<&Path> {
        let built = self
            .packages
            .get(&package)
            .context("the package was not built")?;
        built.find(name)
    }

    /// The load generator.
    pub(super) fn load(&self) -> Result<&Path> {
        self.find(Package::Benches, "ws-load")
    }
}

fn is_from(contestant: &Contestant, wanted: Package) -> bool {
    match contestant.program {
        Program::Built { package, .. } => package == wanted,
        Program::CommandLine(_) => false,
    }
}

fn build(package: Package) -> Result<Peers> {
    match package {
        Package::Benches => Peers::build("ws-benches", &["--package", "ws-benches", "--bins"]),
        Package::Ours => Peers::built_or_in(None),
        Package::Peers => {
            let target = project::scratch_dir("bench-peers")?;
            let target = target.to_str().context("the target directory is no text")?;
            let manifest = project::root().join("benches/peers/Cargo.toml");
            let manifest = manifest
                .to_str()
                .context("the workspace's path is no text")?;
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
