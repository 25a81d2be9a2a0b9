//! What a scope lets be done: a set of the five letters `cruds`.

use core::fmt;

/// What is done with resources of a type (SMART App Launch 2.2, FHIR Resource Scope Syntax).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the standard's letters are these five"
)]
pub enum Interaction {
    /// `c`: create.
    Create,
    /// `r`: read, read a version, and the history of one resource.
    Read,
    /// `u`: update and patch.
    Update,
    /// `d`: delete.
    Delete,
    /// `s`: search, and the history of a type or of the whole server.
    Search,
}

impl Interaction {
    /// All of them, in the order in which scopes write them.
    pub const ALL: [Self; 5] = [
        Self::Create,
        Self::Read,
        Self::Update,
        Self::Delete,
        Self::Search,
    ];

    /// The letter.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Create => 'c',
            Self::Read => 'r',
            Self::Update => 'u',
            Self::Delete => 'd',
            Self::Search => 's',
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Create => 1,
            Self::Read => 2,
            Self::Update => 4,
            Self::Delete => 8,
            Self::Search => 16,
        }
    }
}

/// A set of [`Interaction`]s.
///
/// ```
/// use smart_oidc::scope::Permissions;
/// let (read, write) = (Permissions::V1_READ, Permissions::V1_WRITE);
/// assert_eq!(read.to_string(), "rs");
/// assert_eq!(write.to_string(), "cud");
/// assert_eq!(read.union(write), Permissions::ALL);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permissions(u8);

impl Permissions {
    /// None at all.
    pub const NONE: Self = Self(0);
    /// All five; `*` of version 1.
    pub const ALL: Self = Self(31);
    /// `read` of version 1: reading and searching.
    pub const V1_READ: Self = Self(2 | 16);
    /// `write` of version 1: creating, updating and deleting.
    pub const V1_WRITE: Self = Self(1 | 4 | 8);

    /// From the letters of version 2: some of `cruds`, in that order, each at most once.
    pub(super) fn from_letters(letters: &str) -> Option<Self> {
        let mut rest = Interaction::ALL.into_iter();
        let mut read = Self::NONE;
        for letter in letters.chars() {
            let interaction = rest.find(|it| it.letter() == letter)?;
            read = Self(read.0 | interaction.bit());
        }
        (!read.is_empty()).then_some(read)
    }

    /// Whether this is among them.
    #[must_use]
    pub const fn contains(self, interaction: Interaction) -> bool {
        self.0 & interaction.bit() != 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that are not among the others.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The interactions, in the order of their letters.
    pub fn iter(self) -> impl Iterator<Item = Interaction> {
        Interaction::ALL
            .into_iter()
            .filter(move |it| self.contains(*it))
    }
}

impl fmt::Display for Permissions {
    /// The letters of version 2.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|it| write!(f, "{}", it.letter()))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permissions({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: SMART-SCP-2
    #[test]
    fn letters_stand_in_order_and_once() {
        for (letters, count) in [("c", 1), ("rs", 2), ("cud", 3), ("cruds", 5)] {
            let read = Permissions::from_letters(letters).unwrap();
            assert_eq!(read.iter().count(), count);
            assert_eq!(read.to_string(), letters);
        }
        for letters in ["", "dus", "sr", "rr", "x", "rx", "R", "read", "cruds ", "é"] {
            assert_eq!(Permissions::from_letters(letters), None, "{letters}");
        }
    }

    #[test]
    fn sets_join_and_part() {
        let (read, write) = (Permissions::V1_READ, Permissions::V1_WRITE);
        assert_eq!(Permissions::ALL.without(read), write);
        assert_eq!(read.without(Permissions::ALL), Permissions::NONE);
        assert!(read.contains(Interaction::Search) && !write.contains(Interaction::Read));
        assert_eq!(format!("{read:?}"), "Permissions(rs)");
    }
}
