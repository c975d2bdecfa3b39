//! Where the workspace is, and how its Cargo is called.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};

/// The workspace root. The alias in `.cargo/config.toml` works from any directory below it, so
/// the current directory says nothing.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies inside the workspace root")
}

/// A call of the Cargo that runs this program, in the workspace root.
pub(crate) fn cargo() -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root());
    command
}

/// A directory of this name in the target directory, made if there is none.
pub(crate) fn scratch_dir(name: &str) -> Result<PathBuf> {
    let dir = metadata()?.target_directory.join(name).into_std_path_buf();
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}

/// The packages of the workspace, without the registry packages that they depend on.
pub(crate) fn metadata() -> Result<Metadata> {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cannot read the workspace by `cargo metadata`")
}
