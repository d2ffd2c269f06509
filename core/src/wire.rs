//! How values are read from JSON and written to it, for the generated models.
//!
//! Owns: the wire form of each type of the contract (RFC 3339 with milliseconds, open enums,
//! secrets) and what the generated `Deserialize` code leans on.
//! Refuses: any knowledge of a single model.

use std::{any::Any, borrow::Cow, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeOwned},
};
use serde_json::Value;
use time::{
    OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339, macros::format_description,
};

use crate::{Secret, operation::Typed};

/// Fields of an answer that this version of the SDK does not know, as they came.
pub type Extra = serde_json::Map<String, Value>;

/// What an answer's body becomes.
pub trait FromBody: DeserializeOwned + Send + 'static {
    /// The value of an answer without a body; `None` where a body must come.
    fn from_nothing() -> Option<Self> {
        None
    }
}

impl FromBody for () {
    fn from_nothing() -> Option<Self> {
        Some(())
    }
}

/// Decodes a body into a model behind `Any`: the operation table's entry.
pub(crate) fn typed<T: FromBody>(body: &[u8]) -> Typed {
    serde_json::from_slice::<T>(body).map(|value| Box::new(value) as Box<dyn Any + Send>)
}

/// The error of a field that must be there.
pub(crate) fn missing<E: de::Error>(field: &'static str) -> E {
    E::missing_field(field)
}

/// The wire form of one type.
pub trait Wire: Sized {
    /// Reads it.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
    /// Writes it.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

/// Reads a `T` by its wire form.
#[repr(transparent)]
pub struct As<T>(pub T);

impl<'de, T: Wire> Deserialize<'de> for As<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(As)
    }
}

/// Writes a `T` by its wire form.
pub struct Ref<'a, T>(pub &'a T);

impl<T: Wire> Serialize for Ref<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

/// Types whose `serde` form is the wire form: plain ones, and generated ones below.
macro_rules! plain {
    ($($ty:ty),*) => {$(
        impl $crate::wire::Wire for $ty {
            fn read<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <Self as serde::Deserialize>::deserialize(deserializer)
            }
            fn write<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                <Self as serde::Serialize>::serialize(self, serializer)
            }
        }
    )*};
}
pub(crate) use plain;
plain!(String, i64, f64, bool, Value, Secret);

impl<T: Wire> Wire for Option<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<As<T>>::deserialize(deserializer)?.map(|value| value.0))
    }
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().map(Ref).serialize(serializer)
    }
}

impl<T: Wire> Wire for Box<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Self::new)
    }
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        T::write(self, serializer)
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Same layout, collected in place.
        Ok(Vec::<As<T>>::deserialize(deserializer)?
            .into_iter()
            .map(|item| item.0)
            .collect())
    }
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Ref))
    }
}

impl<T: Wire> Wire for BTreeMap<String, T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(BTreeMap::<String, As<T>>::deserialize(deserializer)?
            .into_iter()
            .map(|(key, item)| (key, item.0))
            .collect())
    }
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(key, item)| (key, Ref(item))))
    }
}

/// What the API writes: `2026-03-28T09:00:00.000Z`.
const MILLISECONDS: &[time::format_description::BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// Reads any RFC 3339 time that is one in every language: from year 1 to 9999, in UTC too.
pub(crate) fn parse_time(text: &str) -> Option<OffsetDateTime> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let year = time.checked_to_offset(UtcOffset::UTC)?.year();
    (1..=9999).contains(&year).then_some(time)
}

impl Wire for OffsetDateTime {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Key::deserialize(deserializer)?;
        parse_time(text.as_str()).ok_or_else(|| {
            de::Error::invalid_value(de::Unexpected::Str(text.as_str()), &"an RFC 3339 date-time")
        })
    }
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self
            .checked_to_offset(UtcOffset::UTC)
            .ok_or_else(|| serde::ser::Error::custom("a time that UTC does not have"))?
            .format(MILLISECONDS)
            .map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose_secret())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// A text that is borrowed from the input where that is possible: no allocation for a known key.
pub struct Key<'de>(Cow<'de, str>);

impl Key<'_> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    pub fn into_string(self) -> String {
        self.0.into_owned()
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> de::Visitor<'de> for Text {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// Writes an open enum: a variant for each known value, `Unknown` for what came instead.
macro_rules! open_enum {
    (
        $(#[$doc:meta])*
        pub enum $name:ident {
            $($(#[$variant_doc:meta])* $variant:ident = $value:literal,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
            /// A value that this version of the SDK does not know, as it came.
            Unknown(String),
        }

        impl $name {
            /// Every value that this version of the SDK knows.
            pub const KNOWN: &'static [&'static str] = &[$($value),*];

            /// The value on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $value,)*
                    Self::Unknown(value) => value,
                }
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                match value {
                    $($value => Self::$variant,)*
                    other => Self::Unknown(other.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(value: String) -> Self {
                match value.as_str() {
                    $($value => Self::$variant,)*
                    _ => Self::Unknown(value),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <$crate::wire::Key<'de> as serde::Deserialize<'de>>::deserialize(deserializer)?;
                Ok(Self::from(text.as_str()))
            }
        }

        $crate::wire::plain!($name);
    };
}
pub(crate) use open_enum;
