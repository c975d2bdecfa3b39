//! The installation of the suite: with a Python 2.7 of this machine, or else with a container
//! engine.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::container::Container;
use super::python::{self, Environment};
use super::{Installation, VERSION};

/// The places of programs. It is an argument, so that tests can leave programs out.
pub(super) struct Surroundings {
    pub(super) path: Vec<PathBuf>,
    pub(super) pyenv_roots: Vec<PathBuf>,
}

impl Surroundings {
    /// Returns the places of this process.
    pub(super) fn from_environment() -> Self {
        let path: Vec<_> = env::var_os("PATH")
            .iter()
            .flat_map(env::split_paths)
            .collect();
        let asked = Command::new("pyenv").arg("root").output().ok();
        let asked = asked.map(|output| String::from_utf8_lossy(&output.stdout).trim().into());
        let home = env::home_dir().map(|home| home.join(".pyenv"));
        let named = env::var_os("PYENV_ROOT").map(PathBuf::from);
        let mut pyenv_roots = Vec::new();
        for root in [named, asked, home].into_iter().flatten() {
            if root.is_dir() && !pyenv_roots.contains(&root) {
                pyenv_roots.push(root);
            }
        }
        Self { path, pyenv_roots }
    }

    /// Returns every file of this name in the directories of the search path, in order.
    pub(super) fn programs<'a>(&'a self, name: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
        let file = format!("{name}{}", env::consts::EXE_SUFFIX);
        self.path
            .iter()
            .map(move |dir| dir.join(&file))
            .filter(|program| program.is_file())
    }
}

/// Finds the suite where an earlier call installed it, or installs it.
pub(super) fn prepare(surroundings: &Surroundings, home: &Path) -> Result<Installation> {
    let environment = Environment::below(home);
    if let Some(python) = environment.complete() {
        return Ok(Installation::Python(python));
    }
    let python = python::find(surroundings);
    let mut failure = None;
    if let Some(python) = &python {
        match environment.install(python, surroundings) {
            Ok(python) => return Ok(Installation::Python(python)),
            Err(error) => failure = Some(error),
        }
    }
    if let Some(container) = Container::find(surroundings) {
        if let Some(error) = failure {
            eprintln!("warning: {error:#}; using {container} instead");
        }
        container.pull()?;
        return Ok(Installation::Container(container));
    }
    match failure {
        Some(error) => Err(error),
        None => bail!("{}", nothing_found()),
    }
}

/// Returns the error for a machine with neither.
fn nothing_found() -> String {
    format!(
        "the original suite needs Python 2.7 or a container engine, and neither was found\n\
         \n\
         Looked for python2.7 and python2 on PATH, 2.7 among the versions of pyenv, and a docker\n\
         or podman with a working engine. Install one of these:\n\
         \n\
         \x20 pyenv (Linux, macOS)      pyenv install 2.7.18\n\
         \x20 Debian 11, Ubuntu 22.04   sudo apt-get install python2.7 python2.7-dev python3-pip gcc\n\
         \x20 Docker or Podman          start the engine; {image} is pulled at first use\n\
         \n\
         pyenv builds Python from source and needs a C compiler and the headers of zlib and\n\
         OpenSSL (Debian: sudo apt-get install build-essential zlib1g-dev libssl-dev libffi-dev).",
        image = Container::image(),
    )
}

/// Returns the requirement for pip.
pub(super) fn requirement() -> String {
    format!("autobahntestsuite=={VERSION}")
}
