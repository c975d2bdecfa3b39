//! A fault of a testee: a name, and a change of the rules.

use std::fmt;
use std::str::FromStr;

use super::Role;
use super::faults::{self, LISTS, ORIGINAL};
use super::rules::Rules;

/// The fault of a testee.
#[derive(Clone, Copy)]
pub(crate) struct Fault {
    name: &'static str,
    place: Where,
    description: &'static str,
    /// The rules of the correct testee, where they are not the default.
    base: fn(&mut Rules),
    change: fn(&mut Rules),
    /// The long cases that the fault is about.
    long_cases: &'static [&'static str],
}

/// The testees to which a fault makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    Both,
    Server,
    Client,
}

impl Fault {
    /// The testee without a fault.
    pub(crate) const NONE: Self = Self::both("none", "correct", |_| {});

    /// A fault of servers and clients.
    pub(super) const fn both(
        name: &'static str,
        description: &'static str,
        change: fn(&mut Rules),
    ) -> Self {
        Self {
            name,
            place: Where::Both,
            description,
            base: |_| {},
            change,
            long_cases: &[],
        }
    }

    /// The same fault of a testee with these rules.
    pub(super) const fn on(self, base: fn(&mut Rules)) -> Self {
        Self { base, ..self }
    }

    /// The same fault, which these cases are about. They take long: testees without the fault are
    /// spared them.
    pub(super) const fn in_long(self, long_cases: &'static [&'static str]) -> Self {
        Self { long_cases, ..self }
    }

    /// A fault of servers only.
    pub(super) const fn server(
        name: &'static str,
        description: &'static str,
        change: fn(&mut Rules),
    ) -> Self {
        Self {
            place: Where::Server,
            ..Self::both(name, description, change)
        }
    }

    /// A fault of clients only.
    pub(super) const fn client(
        name: &'static str,
        description: &'static str,
        change: fn(&mut Rules),
    ) -> Self {
        Self {
            place: Where::Client,
            ..Self::both(name, description, change)
        }
    }

    /// Returns the faults that the original suite was asked about.
    pub(crate) fn original(role: Role) -> impl Iterator<Item = Self> {
        let faults = ORIGINAL.iter().copied();
        faults.filter(move |fault| fault.is_for(role))
    }

    /// Returns the faults that the extra cases of this group are about.
    pub(crate) fn of_group(group: u8, role: Role) -> impl Iterator<Item = Self> {
        let lists = LISTS.iter().filter(move |(of, _)| *of == group);
        let faults = lists.flat_map(|(_, faults)| faults.iter().copied());
        faults.filter(move |fault| fault.is_for(role))
    }

    /// Returns every fault.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let extra = LISTS.iter().flat_map(|(_, faults)| faults.iter());
        ORIGINAL.iter().chain(faults::CORRECT).chain(extra).copied()
    }

    /// Returns the fault with this name.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub(crate) fn named(name: &str) -> Self {
        name.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn name(self) -> &'static str {
        self.name
    }

    pub(crate) fn description(self) -> &'static str {
        self.description
    }

    /// Returns `true` if the fault makes a difference to a testee in this role.
    pub(crate) fn is_for(self, role: Role) -> bool {
        match self.place {
            Where::Both => true,
            Where::Server => role == Role::Server,
            Where::Client => role == Role::Client,
        }
    }

    /// Returns the long cases that the fault is about.
    pub(crate) fn long_cases(self) -> &'static [&'static str] {
        self.long_cases
    }

    /// Returns `true` if the testee agrees to compress.
    pub(crate) fn agrees_to_compress(self) -> bool {
        self.rules().deflate.agrees
    }

    /// Returns the rules of a testee with this fault.
    pub(crate) fn rules(self) -> Rules {
        let mut rules = Rules::default();
        (self.base)(&mut rules);
        (self.change)(&mut rules);
        rules
    }
}

impl PartialEq for Fault {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::all().find(|fault| fault.name == name);
        found.ok_or_else(|| format!("no fault has the name {name:?}; `testee list` prints them"))
    }
}
