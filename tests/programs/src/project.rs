//! The place of the workspace, and calls of its Cargo.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};

/// Returns the workspace root. The alias in `.cargo/config.toml` works in every directory below it,
/// so the current directory is not the root.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this package is two directories below the workspace root")
}

/// Returns a call of the Cargo that runs this program, in the workspace root.
#[must_use]
pub fn cargo() -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root());
    command
}

/// Returns a directory of this name in the target directory. Creates it if it does not exist.
///
/// # Errors
///
/// If the workspace cannot be read, or the directory cannot be created.
pub fn scratch_dir(name: &str) -> Result<PathBuf> {
    let dir = metadata()?.target_directory.join(name).into_std_path_buf();
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}

/// Returns the packages of the workspace, without the registry packages that they depend on.
///
/// # Errors
///
/// If the workspace cannot be read.
pub fn metadata() -> Result<Metadata> {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cannot read the workspace by `cargo metadata`")
}
