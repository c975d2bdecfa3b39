//! The sets of cases that a run selects from.

use super::{all, of_set};
use crate::case::{Case, Set};

/// The sets of cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Sets {
    /// The cases of the original suite: groups 1 to 13
    Original,
    /// The cases beyond those: groups 20 and up, each with the rule that it checks
    Extra,
    /// Both
    All,
}

impl Sets {
    /// Returns the cases of these sets, in order of their ids.
    pub fn cases(self) -> Box<dyn Iterator<Item = &'static Case>> {
        match self {
            Self::Original => Box::new(of_set(Set::Original)),
            Self::Extra => Box::new(of_set(Set::Extra)),
            Self::All => Box::new(all().iter()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_cases_are_those_of_both_sets() {
        let count = |sets: Sets| sets.cases().count();
        assert_eq!(count(Sets::Original), 517);
        assert_eq!(count(Sets::All), 517 + count(Sets::Extra));
        assert!(Sets::Extra.cases().all(|case| case.id().group() >= 20));
    }
}
