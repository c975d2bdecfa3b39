//! The choice of packages of the workspace.

use cargo_metadata::{Metadata, Package};

/// Returns `true` if `name` is among these packages. No choice means all.
pub(crate) fn is_chosen(packages: &[String], name: &str) -> bool {
    packages.is_empty() || packages.iter().any(|chosen| chosen == name)
}

/// Returns the packages with users outside of this workspace.
pub(crate) fn published(metadata: &Metadata) -> Vec<&Package> {
    let packages = metadata.workspace_packages().into_iter();
    packages
        .filter(|package| package.publish.as_deref() != Some(&[]))
        .collect()
}

/// Returns the arguments of cargo that choose these packages.
pub(crate) fn arguments<N: ToString>(names: impl IntoIterator<Item = N>) -> Vec<String> {
    let names = names.into_iter();
    names
        .flat_map(|name| ["--package".into(), name.to_string()])
        .collect()
}
