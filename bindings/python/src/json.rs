//! JSON values to plain Python objects and back. Refuses what JSON does not have (sets, bytes,
//! non-string keys, NaN) with a `TypeError` or `ValueError` that says where it stood.

use std::hash::{DefaultHasher, Hash, Hasher};

use pyo3::{
    IntoPyObjectExt,
    exceptions::{PyRecursionError, PyTypeError, PyValueError},
    prelude::*,
    types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple},
};
use serde_json::{Map, Number, Value};

/// How deep a value may be nested; the same as `serde_json` allows when it reads.
const DEPTH_MAX: usize = 120;

/// The plain Python object for a JSON value: dict, list, str, int, float, bool or None.
pub fn to_py(py: Python<'_>, value: &Value) -> PyResult<Py<PyAny>> {
    match value {
        Value::Null => Ok(py.None()),
        Value::Bool(flag) => flag.into_py_any(py),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(n), _) => n.into_py_any(py),
            (None, Some(n)) => n.into_py_any(py),
            (None, None) => number.as_f64().into_py_any(py),
        },
        Value::String(text) => text.into_py_any(py),
        Value::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(to_py(py, item)?)?;
            }
            Ok(list.into_any().unbind())
        }
        Value::Object(fields) => {
            let dict = PyDict::new(py);
            for (key, item) in fields {
                dict.set_item(key, to_py(py, item)?)?;
            }
            Ok(dict.into_any().unbind())
        }
    }
}

/// The plain Python object for JSON text.
pub fn parse(py: Python<'_>, text: &[u8]) -> PyResult<Py<PyAny>> {
    let value = serde_json::from_slice(text)
        .map_err(|e| PyValueError::new_err(format!("not JSON: {e}")))?;
    to_py(py, &value)
}

/// The JSON value for a plain Python object. `place` names it in errors: `metadata`.
pub fn from_py(object: &Bound<'_, PyAny>, place: &str) -> PyResult<Value> {
    read(object, place, 0)
}

fn read(object: &Bound<'_, PyAny>, place: &str, depth: usize) -> PyResult<Value> {
    if depth > DEPTH_MAX {
        return Err(PyRecursionError::new_err(format!(
            "{place}: nested deeper than {DEPTH_MAX} levels"
        )));
    }
    if object.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(text) = object.cast::<PyString>() {
        return self::text(text, place).map(Value::String);
    }
    // bool is a subclass of int: it comes first.
    if let Ok(flag) = object.cast::<PyBool>() {
        return Ok(Value::Bool(flag.is_true()));
    }
    if object.cast::<PyInt>().is_ok() {
        return integer(object, place).map(Value::from);
    }
    if object.cast::<PyFloat>().is_ok() {
        return number(object, place).map(Value::Number);
    }
    if object.cast::<PyList>().is_ok() || object.cast::<PyTuple>().is_ok() {
        let mut items = Vec::new();
        for (index, item) in object.try_iter()?.enumerate() {
            items.push(read(&item?, &format!("{place}[{index}]"), depth + 1)?);
        }
        return Ok(Value::Array(items));
    }
    if let Ok(mapping) = object.cast::<PyMapping>() {
        let mut fields = Map::new();
        for pair in mapping.items()?.iter() {
            let (key, item) = pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
            let key = key.cast::<PyString>().map_err(|_| {
                PyTypeError::new_err(format!("{place}: keys must be str, not {}", kind(&key)))
            })?;
            let key = text(key, place)?;
            let item = read(&item, &format!("{place}.{key}"), depth + 1)?;
            fields.insert(key, item);
        }
        return Ok(Value::Object(fields));
    }
    Err(PyTypeError::new_err(format!(
        "{place}: {} is not a JSON value",
        kind(object)
    )))
}

/// A text. Half of a surrogate pair has no UTF-8; what stands around it is not repeated.
pub fn text(object: &Bound<'_, PyString>, place: &str) -> PyResult<String> {
    let text = object.to_cow().map_err(|_| {
        PyValueError::new_err(format!(
            "{place}: holds half of a surrogate pair, which is no text"
        ))
    })?;
    Ok(text.into_owned())
}

/// A 64-bit integer.
pub fn integer(object: &Bound<'_, PyAny>, place: &str) -> PyResult<i64> {
    object
        .extract::<i64>()
        .map_err(|_| PyValueError::new_err(format!("{place}: does not fit in 64 bits")))
}

/// A finite number; a whole one stays whole.
pub fn number(object: &Bound<'_, PyAny>, place: &str) -> PyResult<Number> {
    if object.cast::<PyInt>().is_ok() {
        return integer(object, place).map(Number::from);
    }
    Number::from_f64(object.extract::<f64>()?)
        .ok_or_else(|| PyValueError::new_err(format!("{place}: not a finite number")))
}

/// The name of the object's type, for messages. The object itself is never shown: it may be a
/// secret.
pub fn kind(object: &Bound<'_, PyAny>) -> String {
    object
        .get_type()
        .name()
        .map_or_else(|_| "object".to_owned(), |name| name.to_string())
}

/// A hash that does not depend on the order of an object's keys, as equality does not either.
pub fn hash(value: &Value) -> u64 {
    let mut state = DefaultHasher::new();
    match value {
        Value::Null => 0_u8.hash(&mut state),
        Value::Bool(flag) => (1_u8, flag).hash(&mut state),
        Value::Number(number) => (2_u8, number).hash(&mut state),
        Value::String(text) => (3_u8, text).hash(&mut state),
        Value::Array(items) => {
            4_u8.hash(&mut state);
            items.iter().for_each(|item| hash(item).hash(&mut state));
        }
        Value::Object(fields) => {
            5_u8.hash(&mut state);
            let sum = fields.iter().fold(0_u64, |sum, (key, item)| {
                let mut field = DefaultHasher::new();
                (key, hash(item)).hash(&mut field);
                sum.wrapping_add(field.finish())
            });
            sum.hash(&mut state);
        }
    }
    state.finish()
}
