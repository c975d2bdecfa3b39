//! Getting the suite: a Python 2.7 of this machine first, a container engine second.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::container::Container;
use super::python::{self, Environment};
use super::{Installation, VERSION};

/// Where programs are looked for; given, so that tests can leave things out.
pub(super) struct Surroundings {
    pub(super) path: Vec<PathBuf>,
    pub(super) pyenv_roots: Vec<PathBuf>,
}

impl Surroundings {
    /// This process's own.
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

    /// Every file of that name in the directories of the search path, in order.
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

/// What to do about a machine with neither.
fn nothing_found() -> String {
    format!(
        "the original suite needs Python 2.7 or a container engine, and neither was found\n\
         \n\
         Looked for python2.7 and python2 on PATH, 2.7 among the versions of pyenv, and a docker\n\
         or podman whose engine answers. Any one of these will do:\n\
         \n\
         \x20 pyenv (Linux, macOS)      pyenv install 2.7.18\n\
         \x20 Debian 11, Ubuntu 22.04   sudo apt-get install python2.7 python2.7-dev python3-pip gcc\n\
         \x20 Docker or Podman          start the engine; {image} is pulled at first use\n\
         \n\
         pyenv builds Python from source and wants a C compiler and the headers of zlib and\n\
         OpenSSL (Debian: sudo apt-get install build-essential zlib1g-dev libssl-dev libffi-dev).",
        image = Container::image(),
    )
}

/// The requirement for pip.
pub(super) fn requirement() -> String {
    format!("autobahntestsuite=={VERSION}")
}
