//! A case of either set.

use clap::ValueEnum;
use serde::Serialize;

use crate::case_id::CaseId;
use crate::cases;
use crate::extra;
use crate::role::Role;

/// A case of the original suite, or of the extra set.
#[derive(Clone, Copy, Debug)]
pub enum AnyCase {
    /// Of the original suite.
    Original(&'static cases::Case),
    /// Of the extra set.
    Extra(&'static extra::Case),
}

/// A set of cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Set {
    /// The cases of the original suite.
    Original,
    /// More cases.
    Extra,
}

/// Sets of cases to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// The cases of the original suite: groups 1 to 13
    Original,
    /// Cases beyond those: groups 20 and up, each with the rule that it checks
    Extra,
    /// Both
    All,
}

impl Choice {
    /// The cases of these sets, in order of their ids.
    pub fn cases(self) -> impl Iterator<Item = AnyCase> {
        all().filter(move |case| match self {
            Self::Original => case.set() == Set::Original,
            Self::Extra => case.set() == Set::Extra,
            Self::All => true,
        })
    }
}

/// Every case of both sets, in order of its id.
pub fn all() -> impl Iterator<Item = AnyCase> {
    let original = cases::all().iter().map(AnyCase::Original);
    original.chain(extra::all().iter().map(AnyCase::Extra))
}

/// The case of this id.
pub fn find(id: CaseId) -> Option<AnyCase> {
    let original = cases::find(id).map(AnyCase::Original);
    original.or_else(|| extra::find(id).map(AnyCase::Extra))
}

impl AnyCase {
    /// Its name.
    pub fn id(self) -> CaseId {
        match self {
            Self::Original(case) => case.id(),
            Self::Extra(case) => case.id(),
        }
    }

    /// Which set it is from.
    pub fn set(self) -> Set {
        match self {
            Self::Original(_) => Set::Original,
            Self::Extra(_) => Set::Extra,
        }
    }

    /// Its position, from 1, in its set.
    pub fn number(self) -> usize {
        match self {
            Self::Original(case) => case.number(),
            Self::Extra(case) => case.number(),
        }
    }

    /// What its family is about, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Original(case) => case.title(),
            Self::Extra(case) => case.title(),
        }
    }

    /// What it does.
    pub fn description(self) -> &'static str {
        match self {
            Self::Original(case) => case.description(),
            Self::Extra(case) => case.description(),
        }
    }

    /// What it expects.
    pub fn expectation(self) -> &'static str {
        match self {
            Self::Original(case) => case.expectation(),
            Self::Extra(case) => case.expectation(),
        }
    }

    /// Whether a testee with this role gets the case.
    pub fn is_for(self, role: Role) -> bool {
        match self {
            Self::Original(_) => true,
            Self::Extra(case) => case.roles().include(role),
        }
    }

    /// Whether it keeps a core busy.
    pub(crate) fn is_heavy(self) -> bool {
        matches!(self.id().group(), 9 | 12 | 13 | 27)
    }
}

impl From<&'static cases::Case> for AnyCase {
    fn from(case: &'static cases::Case) -> Self {
        Self::Original(case)
    }
}

impl From<&'static extra::Case> for AnyCase {
    fn from(case: &'static extra::Case) -> Self {
        Self::Extra(case)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_share_no_case_and_together_are_in_order() {
        let ids: Vec<_> = all().map(AnyCase::id).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        for case in all() {
            assert_eq!(find(case.id()).map(AnyCase::set), Some(case.set()));
        }
    }
}
