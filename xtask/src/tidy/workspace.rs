//! The input of the rules: packages, their dependencies, and the text of their files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata};
use walkdir::{DirEntry, WalkDir};

use super::Finding;

/// All packages and documents of the workspace.
pub(super) struct Workspace {
    pub(super) root: PathBuf,
    pub(super) packages: Vec<Package>,
    pub(super) documents: Vec<Document>,
}

/// One package.
pub(super) struct Package {
    pub(super) name: String,
    /// The path, relative to the workspace root, with `/`.
    pub(super) dir: String,
    /// The text of its `Cargo.toml`.
    pub(super) manifest: String,
    pub(super) dependencies: Vec<Dependency>,
    /// The names that each feature enables, by the name of the feature.
    pub(super) features: BTreeMap<String, Vec<String>>,
    pub(super) sources: Vec<Source>,
}

/// One Markdown file.
pub(super) struct Document {
    /// The path, relative to the workspace root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

/// One line of a package's dependency tables.
#[derive(Clone, Debug)]
pub(super) struct Dependency {
    /// The name in the registry, even if the package renames it.
    pub(super) name: String,
    pub(super) kind: DependencyKind,
    /// Present only with a feature.
    pub(super) optional: bool,
}

/// One Rust file.
pub(super) struct Source {
    /// The path, relative to its package, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// The root file of a library, binary, test, benchmark or example.
    pub(super) is_root: bool,
}

impl Workspace {
    /// Reads every package that `metadata` names.
    pub(super) fn load(root: &Path, metadata: &Metadata) -> Result<Self> {
        let packages = metadata
            .workspace_packages()
            .into_iter()
            .map(|package| Package::load(root, package))
            .collect::<Result<_>>()?;
        let documents = files_below(root, "md")?
            .into_iter()
            .map(|file| {
                Ok(Document {
                    path: slashes(root, &file),
                    text: read(&file)?,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            root: root.to_owned(),
            packages,
            documents,
        })
    }

    /// Returns the package of this name, if it exists.
    pub(super) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }
}

impl Package {
    fn load(root: &Path, package: &cargo_metadata::Package) -> Result<Self> {
        let manifest_path = package.manifest_path.as_std_path();
        let dir = manifest_path
            .parent()
            .context("a manifest lies in a directory")?;
        let roots: BTreeSet<PathBuf> = package
            .targets
            .iter()
            .map(|target| target.src_path.clone().into())
            .collect();
        let sources = files_below(dir, "rs")?
            .into_iter()
            .map(|file| {
                Ok(Source {
                    path: slashes(dir, &file),
                    text: read(&file)?,
                    is_root: roots.contains(&file),
                })
            })
            .collect::<Result<_>>()?;
        let dependencies = package.dependencies.iter().map(|dependency| Dependency {
            name: dependency.name.clone(),
            kind: dependency.kind,
            optional: dependency.optional,
        });
        Ok(Self {
            name: package.name.to_string(),
            dir: slashes(root, dir),
            manifest: read(manifest_path)?,
            dependencies: dependencies.collect(),
            features: package.features.clone().into_iter().collect(),
            sources,
        })
    }

    /// Creates a finding in one of this package's files.
    pub(super) fn finding(&self, file: &str, line: usize, what: String, remedy: &str) -> Finding {
        let file = format!("{}/{file}", self.dir);
        Finding {
            file,
            line,
            what,
            remedy: remedy.to_owned(),
        }
    }
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Returns `file` relative to `base`, the same on every platform.
fn slashes(base: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(base).unwrap_or(file);
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// Returns the files below `dir` with this extension, sorted. Leaves out build output and hidden
/// directories.
fn files_below(dir: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let is_ours = |entry: &DirEntry| {
        let name = entry.file_name().to_string_lossy();
        !matches!(&*name, "target" | "node_modules") && !name.starts_with('.')
    };
    let entries = WalkDir::new(dir).min_depth(1).sort_by_file_name();
    let paths = entries.into_iter().filter_entry(is_ours);
    let paths = paths.map(|entry| Ok(entry?.into_path()));
    let is_wanted = |path: &PathBuf| path.extension().is_some_and(|found| found == extension);
    paths
        .filter(|path| path.as_ref().map_or(true, is_wanted))
        .collect()
}

#[cfg(test)]
impl Document {
    pub(super) fn new((path, text): (&str, &str)) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }
}

#[cfg(test)]
pub(super) mod testing {
    //! Small workspaces for the tests of the rules.

    use super::*;

    /// Returns a package with these files and a clean library root, without dependencies.
    pub(in crate::tidy) fn package(name: &str, files: &[(&str, &str)]) -> Package {
        let sources = files.iter().map(|(path, text)| Source {
            path: (*path).into(),
            text: (*text).into(),
            is_root: path.ends_with("lib.rs"),
        });
        Package {
            name: name.into(),
            dir: format!("crates/{name}"),
            manifest: format!("[package]\nname = \"{name}\"\n"),
            dependencies: Vec::new(),
            features: BTreeMap::new(),
            sources: sources.collect(),
        }
    }

    /// Returns a workspace of one such package.
    pub(in crate::tidy) fn workspace(name: &str, files: &[(&str, &str)]) -> Workspace {
        Workspace {
            root: PathBuf::new(),
            packages: vec![package(name, files)],
            documents: Vec::new(),
        }
    }

    /// Returns the places of the findings, `file:line`.
    pub(in crate::tidy) fn places(findings: &[Finding]) -> Vec<String> {
        findings
            .iter()
            .map(|finding| format!("{}:{}", finding.file, finding.line))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project;

    #[test]
    fn this_workspace_loads_with_its_roots() {
        let workspace = Workspace::load(project::root(), &project::metadata().unwrap()).unwrap();
        let xtask = workspace.package("xtask").unwrap();
        assert_eq!(xtask.dir, "xtask");
        let main = xtask
            .sources
            .iter()
            .find(|source| source.path == "src/main.rs")
            .unwrap();
        assert!(main.is_root);
        assert_eq!(
            xtask.sources.iter().filter(|source| source.is_root).count(),
            1
        );
    }
}
