//! What the language shows of values, errors and settings: kept as it would be printed.

use std::{cell::RefCell, collections::BTreeMap, fmt::Debug};

use sentryagent_idp::Error;

thread_local! {
    /// The last of each kind.
    static SHOWN: RefCell<BTreeMap<&'static str, String>> = const { RefCell::new(BTreeMap::new()) };
}

/// Models that hold a secret.
const SECRETIVE: [&str; 2] = ["CredentialWithSecret", "TokenResponse"];

/// Remembers how an answer shows itself, if it holds a secret.
pub fn answer<T: Debug>(value: &T) {
    let name = std::any::type_name::<T>();
    if SECRETIVE.iter().any(|model| name.ends_with(model)) {
        put(name, format!("{value:?} {value:#?}"));
    }
}

/// Remembers how an error shows itself, with everything beneath it.
pub fn error(error: &Error) {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    put("error", text);
}

/// Remembers how anything else shows itself.
pub fn thing(name: &'static str, thing: &impl Debug) {
    put(name, format!("{thing:?} {thing:#?}"));
}

/// Everything that is remembered.
pub fn all() -> Vec<String> {
    SHOWN.with_borrow(|shown| shown.values().cloned().collect())
}

fn put(name: &'static str, text: String) {
    SHOWN.with_borrow_mut(|shown| shown.insert(name, text));
}
