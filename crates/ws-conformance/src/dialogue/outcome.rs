//! The end of a dialogue: a reaction, or a miss.

/// The reaction of the testee in a sentence, or the reason why a dialogue ended early.
pub(crate) type Outcome = Result<String, Miss>;

/// The reason why a dialogue ended before its end.
///
/// A level belongs to the check that was missed: a case about a SHOULD still fails where no echo
/// comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    /// The testee violated a MUST.
    Must(String),
    /// The testee violated a SHOULD.
    Should(String),
    /// The testee reacted in an unusual way that no rule forbids.
    Informs(String),
    /// The case does not apply to this testee, which is not a fault.
    NotApplicable(String),
    /// The testee does not agree to the compression that the case needs.
    Unsupported(String),
    /// The run was interrupted.
    CutOff,
}

impl Miss {
    pub(crate) fn must<T>(sentence: impl Into<String>) -> Result<T, Self> {
        Err(Self::Must(sentence.into()))
    }

    pub(crate) fn should<T>(sentence: impl Into<String>) -> Result<T, Self> {
        Err(Self::Should(sentence.into()))
    }

    pub(crate) fn informs<T>(sentence: impl Into<String>) -> Result<T, Self> {
        Err(Self::Informs(sentence.into()))
    }

    pub(crate) fn not_applicable<T>(sentence: impl Into<String>) -> Result<T, Self> {
        Err(Self::NotApplicable(sentence.into()))
    }

    pub(crate) fn unsupported<T>(sentence: impl Into<String>) -> Result<T, Self> {
        Err(Self::Unsupported(sentence.into()))
    }

    /// Adds the part of the case in which the miss happened.
    pub(crate) fn with(self, part: &str) -> Self {
        match self {
            Self::Must(sentence) => Self::Must(format!("{part}: {sentence}")),
            Self::Should(sentence) => Self::Should(format!("{part}: {sentence}")),
            Self::Informs(sentence) => Self::Informs(format!("{part}: {sentence}")),
            other => other,
        }
    }
}

/// Lowers the level of one check.
pub(crate) trait Soften {
    /// Turns the miss of a MUST into that of a SHOULD.
    fn or_should(self) -> Self;

    /// Turns a miss into an informational result.
    fn or_informs(self) -> Self;
}

impl<T> Soften for Result<T, Miss> {
    fn or_should(self) -> Self {
        self.map_err(|miss| match miss {
            Miss::Must(sentence) => Miss::Should(sentence),
            other => other,
        })
    }

    fn or_informs(self) -> Self {
        self.map_err(|miss| match miss {
            Miss::Must(sentence) | Miss::Should(sentence) => Miss::Informs(sentence),
            other => other,
        })
    }
}

/// Ends a dialogue with a correct reaction of the testee.
pub(crate) fn passed(sentence: impl Into<String>) -> Outcome {
    Ok(sentence.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_softened_without_touching_what_is_not_about_the_testee() {
        let must = || Miss::must::<()>("x");
        assert_eq!(must().or_should(), Miss::should("x"));
        assert_eq!(must().or_informs(), Miss::informs("x"));
        assert_eq!(must().or_should().or_informs(), Miss::informs("x"));
        assert_eq!(Err::<(), _>(Miss::CutOff).or_should(), Err(Miss::CutOff));
        let unsupported = || Miss::unsupported::<()>("x");
        assert_eq!(unsupported().or_informs(), unsupported());
    }
}
