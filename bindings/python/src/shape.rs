//! What the generated code says of a model's fields, and what follows from it alone: reading
//! keyword arguments into wire JSON, checking wire JSON, and reading single values back.

use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyBool, PyDateTime, PyDict, PyFloat, PyInt, PyMapping, PyString},
};
use serde_json::{Map, Value};

use crate::{convert, enums::EnumClass, json, model::Model};

/// A model as the contract describes it.
pub struct Shape {
    /// The class's name.
    pub name: &'static str,
    /// In the order of the contract.
    pub fields: &'static [Field],
}

/// One field.
pub struct Field {
    /// As in Python: `agent_id`.
    pub name: &'static str,
    /// As on the wire: `agentId`.
    pub wire: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Must be given.
    pub required: bool,
    /// May be JSON null.
    pub nullable: bool,
    /// Masked in the repr.
    pub secret: bool,
}

/// What a field holds.
pub enum Kind {
    /// str
    Text,
    /// datetime in Python, RFC 3339 text on the wire
    DateTime,
    /// int
    Integer,
    /// float
    Number,
    /// bool
    Boolean,
    /// An open enum; any str is taken.
    Enum(&'static EnumClass),
    /// Another model.
    Model(&'static ModelClass),
    /// list
    List(&'static Kind),
    /// dict with str keys
    Map(&'static Kind),
    /// Any JSON.
    Any,
}

/// The class of a nested model.
pub struct ModelClass {
    /// Its shape.
    pub shape: &'static Shape,
    /// Makes an instance of wire JSON.
    pub from_wire: fn(Python<'_>, Value) -> PyResult<Py<PyAny>>,
}

impl Shape {
    /// Reads keyword arguments. A field that is left out, or None where the contract has no
    /// null, is absent.
    pub fn read(&self, given: Option<&Bound<'_, PyDict>>) -> PyResult<Map<String, Value>> {
        let mut fields = self.changes(given)?;
        let missing: Vec<&str> = self
            .fields
            .iter()
            .filter(|f| f.required && !fields.contains_key(f.wire))
            .map(|f| f.name)
            .collect();
        if !missing.is_empty() {
            return Err(PyTypeError::new_err(format!(
                "{}() missing required keyword argument{}: {}",
                self.name,
                if missing.len() == 1 { "" } else { "s" },
                quoted(&missing)
            )));
        }
        // The contract's order, whatever order the arguments came in.
        let ordered = self.fields.iter();
        Ok(ordered
            .filter_map(|f| Some((f.wire.to_owned(), fields.remove(f.wire)?)))
            .collect())
    }

    /// Reads some keyword arguments; none is required.
    pub fn changes(&self, given: Option<&Bound<'_, PyDict>>) -> PyResult<Map<String, Value>> {
        let mut out = Map::new();
        for (key, value) in given.iter().flat_map(|g| g.iter()) {
            let key = key.cast_into::<PyString>()?;
            let key = key.to_cow()?;
            let Some(field) = self.fields.iter().find(|f| f.name == key) else {
                return Err(PyTypeError::new_err(format!(
                    "{}() got an unexpected keyword argument '{key}'",
                    self.name
                )));
            };
            if !value.is_none() {
                out.insert(field.wire.to_owned(), field.kind.read(&value, field.name)?);
            } else if field.nullable {
                out.insert(field.wire.to_owned(), Value::Null);
            }
        }
        Ok(out)
    }

    /// Checks wire JSON as this class would send it: known fields of the right type.
    pub fn check(&self, fields: &Map<String, Value>) -> Result<(), String> {
        for (wire, value) in fields {
            let field = self.fields.iter().find(|f| f.wire == wire);
            let field = field.ok_or_else(|| format!("{}: unknown field {wire:?}", self.name))?;
            if !(value.is_null() && field.nullable) {
                field.kind.check(value, wire)?;
            }
        }
        match self
            .fields
            .iter()
            .find(|f| f.required && !fields.contains_key(f.wire))
        {
            Some(missing) => Err(format!("{}: missing field {:?}", self.name, missing.wire)),
            None => Ok(()),
        }
    }
}

impl Kind {
    /// A Python argument to wire JSON.
    fn read(&self, object: &Bound<'_, PyAny>, place: &str) -> PyResult<Value> {
        match self {
            Self::Text | Self::Enum(_) => match object.cast::<PyString>() {
                Ok(text) => json::text(text, place).map(Value::String),
                Err(_) => Err(wrong(object, place, "str")),
            },
            Self::DateTime => match object.cast::<PyDateTime>() {
                Ok(time) => convert::datetime_to_text(time, place).map(Value::String),
                Err(_) => Err(wrong(object, place, "datetime")),
            },
            Self::Boolean => match object.cast::<PyBool>() {
                Ok(flag) => Ok(Value::Bool(flag.is_true())),
                Err(_) => Err(wrong(object, place, "bool")),
            },
            Self::Integer if is_integer(object) => json::integer(object, place).map(Value::from),
            Self::Integer => Err(wrong(object, place, "int")),
            Self::Number if is_integer(object) || object.cast::<PyFloat>().is_ok() => {
                json::number(object, place).map(Value::Number)
            }
            Self::Number => Err(wrong(object, place, "float")),
            Self::Model(class) => read_model(class, object, place),
            Self::List(item) => read_list(item, object, place),
            Self::Map(item) => read_map(item, object, place),
            Self::Any => json::from_py(object, place),
        }
    }

    /// Wire JSON to its Python object.
    pub fn to_py(&self, py: Python<'_>, value: &Value) -> PyResult<Py<PyAny>> {
        match (self, value) {
            (_, Value::Null) => Ok(py.None()),
            (Self::DateTime, Value::String(text)) => convert::datetime_from_text(py, text),
            (Self::Enum(class), Value::String(text)) => class.instance(py, text),
            (Self::Model(class), Value::Object(_)) => (class.from_wire)(py, value.clone()),
            (Self::List(item), Value::Array(items)) => {
                let items: PyResult<Vec<_>> = items.iter().map(|v| item.to_py(py, v)).collect();
                Ok(pyo3::types::PyList::new(py, items?)?.into_any().unbind())
            }
            (Self::Map(item), Value::Object(fields)) => {
                let dict = PyDict::new(py);
                for (key, value) in fields {
                    dict.set_item(key, item.to_py(py, value)?)?;
                }
                Ok(dict.into_any().unbind())
            }
            _ => json::to_py(py, value),
        }
    }

    fn check(&self, value: &Value, place: &str) -> Result<(), String> {
        let right = match (self, value) {
            (Self::Text | Self::Enum(_) | Self::DateTime, value) => value.is_string(),
            (Self::Integer, value) => value.is_i64(),
            (Self::Number, value) => value.is_number(),
            (Self::Boolean, value) => value.is_boolean(),
            (Self::Any, _) => true,
            (Self::Model(class), Value::Object(fields)) => return class.shape.check(fields),
            (Self::List(item), Value::Array(items)) => {
                return items.iter().try_for_each(|v| item.check(v, place));
            }
            (Self::Map(item), Value::Object(fields)) => {
                return fields.values().try_for_each(|v| item.check(v, place));
            }
            _ => false,
        };
        if right {
            Ok(())
        } else {
            Err(format!("{place}: not of the right type"))
        }
    }
}

fn is_integer(object: &Bound<'_, PyAny>) -> bool {
    object.cast::<PyInt>().is_ok() && object.cast::<PyBool>().is_err()
}

/// An instance of the class, or a plain dict with wire names.
fn read_model(class: &ModelClass, object: &Bound<'_, PyAny>, place: &str) -> PyResult<Value> {
    if let Ok(model) = object.cast::<Model>() {
        let model = model.get();
        if model.shape().name == class.shape.name {
            return model.to_wire();
        }
    } else if object.cast::<PyMapping>().is_ok() {
        let value = json::from_py(object, place)?;
        if let Value::Object(fields) = &value {
            class
                .shape
                .check(fields)
                .map_err(|e| PyValueError::new_err(format!("{place}: {e}")))?;
        }
        return Ok(value);
    }
    Err(wrong(object, place, class.shape.name))
}

fn read_list(item: &Kind, object: &Bound<'_, PyAny>, place: &str) -> PyResult<Value> {
    // A str is a sequence of str, but never meant as one.
    if object.cast::<PyString>().is_ok() || object.cast::<PyMapping>().is_ok() {
        return Err(wrong(object, place, "list"));
    }
    let items = object
        .try_iter()
        .map_err(|_| wrong(object, place, "list"))?;
    items
        .enumerate()
        .map(|(index, value)| item.read(&value?, &format!("{place}[{index}]")))
        .collect::<PyResult<Vec<_>>>()
        .map(Value::Array)
}

fn read_map(item: &Kind, object: &Bound<'_, PyAny>, place: &str) -> PyResult<Value> {
    let mapping = object
        .cast::<PyMapping>()
        .map_err(|_| wrong(object, place, "dict"))?;
    let mut fields = Map::new();
    for pair in mapping.items()?.iter() {
        let (key, value) = pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
        let key: String = key
            .extract()
            .map_err(|_| wrong(&key, &format!("{place}: a key"), "str"))?;
        let value = item.read(&value, &format!("{place}.{key}"))?;
        fields.insert(key, value);
    }
    Ok(Value::Object(fields))
}

fn wrong(object: &Bound<'_, PyAny>, place: &str, expected: &str) -> PyErr {
    PyTypeError::new_err(format!(
        "{place} must be {expected}, not {}",
        json::kind(object)
    ))
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|n| format!("'{n}'")).collect();
    names.join(", ")
}
