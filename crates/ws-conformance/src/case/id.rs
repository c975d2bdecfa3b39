//! The names of cases.

use std::fmt;
use std::str::FromStr;

use super::Set;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of a case: two or three numbers, such as `2.10` or `6.22.34`. Ids sort by number, so
/// `2.9` comes before `2.10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaseId {
    group: u8,
    second: u8,
    /// Absent in ids of two numbers; no case has the number 0.
    third: Option<u8>,
}

impl CaseId {
    /// Returns the id `group.second`, as in `2.10`.
    pub const fn two(group: u8, second: u8) -> Self {
        Self {
            group,
            second,
            third: None,
        }
    }

    /// Returns the id `group.second.third`, as in `6.22.34`.
    pub const fn three(group: u8, second: u8, third: u8) -> Self {
        Self {
            group,
            second,
            third: Some(third),
        }
    }

    /// Returns the first number, the subject of the case. The 7 of `7.9.3` stands for closing.
    pub const fn group(self) -> u8 {
        self.group
    }

    /// Returns the set that has the case: the groups of the original suite end before 20.
    pub const fn set(self) -> Set {
        match self.group {
            0..20 => Set::Original,
            20.. => Set::Extra,
        }
    }

    /// Returns the last number, the place in the family, such as the 3 of `7.9.3`.
    pub const fn number(self) -> u8 {
        match self.third {
            Some(third) => third,
            None => self.second,
        }
    }

    /// Returns the family: the id without its last number if it has three numbers, else the group.
    /// The family of `7.9.3` is `7.9`, and that of `2.10` is `2`.
    pub fn family(self) -> String {
        match self.third {
            Some(_) => format!("{}.{}", self.group, self.second),
            None => self.group.to_string(),
        }
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.group, self.second)?;
        match self.third {
            Some(third) => write!(f, ".{third}"),
            None => Ok(()),
        }
    }
}

/// A text that is not two or three numbers between dots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotACaseId;

impl fmt::Display for NotACaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a case id: ids are numbers between dots, such as 2.10 or 6.22.34")
    }
}

impl std::error::Error for NotACaseId {}

impl FromStr for CaseId {
    type Err = NotACaseId;

    fn from_str(text: &str) -> Result<Self, NotACaseId> {
        let number = |part: &str| {
            let canonical = !part.starts_with(['0', '+']);
            part.parse().ok().filter(|_| canonical).ok_or(NotACaseId)
        };
        let mut parts = text.split('.').map(number);
        let (group, second) = (parts.next(), parts.next());
        let third = parts.next().transpose()?;
        if parts.next().is_some() {
            return Err(NotACaseId);
        }
        Ok(Self {
            group: group.unwrap_or(Err(NotACaseId))?,
            second: second.unwrap_or(Err(NotACaseId))?,
            third,
        })
    }
}

impl Serialize for CaseId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CaseId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_they_are_read() {
        for text in ["2.10", "6.22.34", "10.1.1"] {
            assert_eq!(text.parse::<CaseId>().unwrap().to_string(), text);
        }
        assert_eq!("2.10".parse(), Ok(CaseId::two(2, 10)));
        assert_eq!("6.22.34".parse(), Ok(CaseId::three(6, 22, 34)));
    }

    #[test]
    fn other_texts_are_no_ids() {
        for text in [
            "", "1", "1.", "1.a", "1.2.3.4", "1.02", "+1.2", "1.256", "1..2",
        ] {
            assert_eq!(text.parse::<CaseId>(), Err(NotACaseId), "{text}");
        }
    }

    #[test]
    fn ids_sort_by_number() {
        let sorted = ["2.9", "2.10", "9.1.1", "10.1.1"].map(|id| id.parse::<CaseId>().unwrap());
        assert!(sorted.is_sorted());
    }

    #[test]
    fn a_case_has_a_number_within_its_family() {
        assert_eq!(CaseId::three(7, 9, 3).number(), 3);
        assert_eq!(CaseId::two(2, 10).number(), 10);
    }

    #[test]
    fn a_family_is_what_stands_before_the_last_of_three_numbers() {
        assert_eq!(CaseId::two(2, 10).family(), "2");
        assert_eq!(CaseId::three(7, 9, 3).family(), "7.9");
    }
}
