//! The comparison of the engines, case by case.

use anyhow::{Result, bail};
use ws_conformance::case::CaseId;
use ws_conformance::compare;

use super::engine::Engine;
use super::summary::Finished;

/// Returns the selected cases that every engine has. Prints a note if some are missing.
pub(super) fn common(engines: &[Box<dyn Engine>], selected: Vec<CaseId>) -> Result<Vec<CaseId>> {
    let mut common = selected;
    for engine in engines {
        let before = common.len();
        common.retain(|case| engine.has(*case));
        let (name, left) = (engine.name(), common.len());
        if left == 0 {
            bail!("the engine {name} has none of these cases");
        }
        if left < before {
            println!("{left} of {before} cases: the engine {name} does not have the others");
        }
    }
    Ok(common)
}

/// Lists each case on which two engines disagree, for each run. Returns `true` if there is none.
pub(super) fn tell(engines: &[Box<dyn Engine>], finished: &[Vec<Finished>]) -> bool {
    let ([first, second], [ours, theirs]) = (engines, finished) else {
        return true;
    };
    println!("\n{} compared with {}", first.name(), second.name());
    let mut agreed = true;
    for (one, other) in ours.iter().zip(theirs) {
        let comparison = compare::results(&one.run.agent, &one.results, &other.results);
        let (compared, different) = (comparison.compared, comparison.differences.len());
        println!("{}: {compared} cases, {different} different", one.run.agent);
        for difference in &comparison.differences {
            println!("    {difference}");
        }
        agreed &= different == 0;
    }
    agreed
}
