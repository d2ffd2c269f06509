//! Values of a label that grow with the number of clients: the first ones are named, all later ones are `other`.
//!
//! Refuses: judging a value. Only what the server knows to exist may be given, or a stranger would use up the places.

use std::collections::HashSet;

use parking_lot::RwLock;

/// How many values are named. Each is a time series of its own in whatever scrapes the server.
const NAMED_MAX: usize = 500;
const OTHER: &str = "other";

/// The values that are named.
#[derive(Default)]
pub(super) struct Bounded(RwLock<HashSet<String>>);

impl Bounded {
    /// The value itself while there is room, `other` afterwards.
    pub fn value(&self, value: &str) -> String {
        if self.0.read().contains(value) {
            return value.to_owned();
        }
        let mut named = self.0.write();
        if named.len() >= NAMED_MAX && !named.contains(value) {
            return OTHER.to_owned();
        }
        named.insert(value.to_owned());
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_names_ends_in_one_series() {
        let bounded = Bounded::default();
        for number in 0..NAMED_MAX {
            assert_eq!(bounded.value(&number.to_string()), number.to_string());
        }
        assert_eq!(bounded.value("late"), OTHER);
        assert_eq!(bounded.value("0"), "0");
    }
}
