//! The programs under test: the echo peers of the package `ws-peers`.

use std::collections::BTreeMap;
use std::env::consts::EXE_EXTENSION;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;

use crate::project;

const PACKAGE: &str = "ws-peers";

/// Executables that can be tested, by name.
pub struct Peers {
    executables: BTreeMap<String, PathBuf>,
    origin: String,
}

impl Peers {
    /// Takes the executables in `dir` without building them. Without a `dir`, builds `ws-peers`.
    ///
    /// # Errors
    ///
    /// If `dir` cannot be listed, or the package does not build.
    pub fn built_or_in(dir: Option<&Path>) -> Result<Self> {
        let build = || Self::build(PACKAGE, &["--package", PACKAGE, "--bins"]);
        dir.map_or_else(build, Self::in_dir)
    }

    /// Builds the optimized executables of `package` by `cargo build` with these options.
    ///
    /// # Errors
    ///
    /// If the package does not build.
    pub fn build(package: &str, options: &[&str]) -> Result<Self> {
        Self::build_all(package, &[&["--release"], options].concat())
    }

    /// Builds the executables of these packages with a profile of the workspace.
    ///
    /// # Errors
    ///
    /// If a package does not build.
    pub fn build_with_profile(profile: &str, packages: &[&str]) -> Result<Self> {
        let mut options = vec!["--profile", profile, "--bins"];
        options.extend(packages.iter().flat_map(|package| ["--package", package]));
        Self::build_all(&packages.join(", "), &options)
    }

    /// Builds the examples of these packages with these features, without optimization.
    ///
    /// # Errors
    ///
    /// If a package does not build.
    pub fn build_examples(packages: &[&str], features: &[&str]) -> Result<Self> {
        let features = features.join(",");
        let mut options = vec!["--examples", "--features", &features];
        options.extend(packages.iter().flat_map(|package| ["--package", package]));
        Self::build_all(&packages.join(", "), &options)
    }

    fn build_all(packages: &str, options: &[&str]) -> Result<Self> {
        println!("building {packages}");
        let mut cargo = project::cargo();
        cargo.arg("build").args(options);
        cargo.arg("--message-format=json-render-diagnostics");
        let mut child = cargo
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start cargo")?;
        let output = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let mut executables = BTreeMap::new();
        for message in Message::parse_stream(output) {
            if let Message::CompilerArtifact(artifact) = message?
                && let Some(executable) = artifact.executable
            {
                executables.insert(artifact.target.name, executable.into());
            }
        }
        if !child.wait()?.success() {
            bail!("{packages} does not build");
        }
        Ok(Self {
            executables,
            origin: format!("package {packages}"),
        })
    }

    /// Takes the executables in `dir`.
    ///
    /// # Errors
    ///
    /// If `dir` cannot be listed.
    pub fn in_dir(dir: &Path) -> Result<Self> {
        let context = || format!("cannot list {}", dir.display());
        let mut executables = BTreeMap::new();
        let dir = dir.canonicalize().with_context(context)?;
        for entry in dir.read_dir().with_context(context)? {
            let path = entry?.path();
            let is_program = path.extension().unwrap_or_default() == EXE_EXTENSION;
            if let (true, Some(name)) = (is_program && path.is_file(), path.file_stem()) {
                executables.insert(name.to_string_lossy().into_owned(), path);
            }
        }
        Ok(Self {
            executables,
            origin: dir.display().to_string(),
        })
    }

    /// Returns the executable of that name.
    ///
    /// # Errors
    ///
    /// If it does not exist.
    pub fn find(&self, name: &str) -> Result<&Path> {
        match self.executables.get(name) {
            Some(path) => Ok(path),
            None => bail!("{} has no executable `{name}`", self.origin),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::env::consts::EXE_SUFFIX;

    use super::*;

    #[test]
    fn executables_of_a_directory_are_found_by_name() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(format!("echo-tokio{EXE_SUFFIX}")), "").unwrap();
        std::fs::write(dir.path().join("echo-tokio.d"), "").unwrap();
        let peers = Peers::in_dir(dir.path()).unwrap();
        let found = peers.find("echo-tokio").unwrap();
        assert!(found.is_absolute() && found.extension().unwrap_or_default() == EXE_EXTENSION);
        let error = peers.find("echo-client-tokio").unwrap_err().to_string();
        assert!(
            error.ends_with("has no executable `echo-client-tokio`"),
            "{error}"
        );
        assert!(Peers::in_dir(&dir.path().join("none")).is_err());
    }
}
