//! Checks, each of which a broken testee leaves out.

/// A check of something that was received.
pub(crate) struct Check<T: 'static> {
    /// The testee without it is called this, with "-unchecked" after it.
    pub(crate) name: &'static str,
    /// The fact that it requires: the end of a sentence that begins with "It does not check that".
    pub(crate) requires: &'static str,
    pub(crate) passes: fn(&T) -> bool,
}

impl<T> Clone for Check<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Check<T> {}

/// The checks of an endpoint.
pub(crate) struct Checks<T: 'static>(Vec<Check<T>>);

impl<T> Checks<T> {
    pub(crate) fn new(checks: &[Check<T>]) -> Self {
        Self(checks.to_vec())
    }

    /// Leaves a check out.
    ///
    /// # Panics
    ///
    /// If there is no check of this name.
    pub(crate) fn drop(&mut self, name: &str) {
        let count = self.0.len();
        self.0.retain(|check| check.name != name);
        assert_eq!(self.0.len() + 1, count, "{name} is the name of one check");
    }

    /// Leaves all checks out.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds a check before the others.
    pub(crate) fn set_first(&mut self, name: &'static str, passes: fn(&T) -> bool) {
        self.set(name, passes);
        self.0.rotate_right(1);
    }

    /// Adds a check after the others, or instead of the one of this name.
    pub(crate) fn set(&mut self, name: &'static str, passes: fn(&T) -> bool) {
        self.0.retain(|check| check.name != name);
        self.0.push(Check {
            name,
            requires: "",
            passes,
        });
    }

    /// The name of the first check that this does not pass.
    pub(crate) fn failed(&self, subject: &T) -> Option<&'static str> {
        let failed = self.0.iter().find(|check| !(check.passes)(subject));
        failed.map(|check| check.name)
    }
}
