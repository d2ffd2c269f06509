//! Faults of an input, collected instead of thrown, so that the caller hears of all at once.

use std::fmt::Write as _;

/// The most faults that are reported; a body of a megabyte can hold a hundred thousand.
const FAULTS_MAX: usize = 100;

/// One invalid field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: `email`, `capabilities[3]`; `body` for the body as a whole.
    pub field: String,
    /// What is wrong, to follow the field's name: `is required`.
    pub reason: String,
}

/// Every fault of an input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Adds one, unless there are already a hundred.
    pub fn add(&mut self, field: impl Into<String>, reason: impl Into<String>) {
        if self.0.len() < FAULTS_MAX {
            self.0.push(Fault {
                field: field.into(),
                reason: reason.into(),
            });
        }
    }

    /// Nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// A place in the input, and where its faults go.
pub struct At<'a> {
    faults: &'a mut Faults,
    path: String,
}

impl<'a> At<'a> {
    /// The place of that name, at the top.
    pub fn new(faults: &'a mut Faults, path: impl Into<String>) -> Self {
        Self {
            faults,
            path: path.into(),
        }
    }

    /// Reports a fault of this place; always `None`, to end a reader with it.
    pub fn fault<T>(&mut self, reason: impl Into<String>) -> Option<T> {
        self.faults.add(self.path.clone(), reason);
        None
    }

    /// The same place, to read an object there.
    pub fn here(&mut self) -> At<'_> {
        At {
            faults: self.faults,
            path: self.path.clone(),
        }
    }

    /// The item of that index.
    pub fn item(&mut self, index: usize) -> At<'_> {
        let mut path = self.path.clone();
        let _ = write!(path, "[{index}]");
        At::new(self.faults, path)
    }

    /// The member of that name.
    pub fn member(&mut self, name: &str) -> At<'_> {
        let path = if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        };
        At::new(self.faults, path)
    }
}
