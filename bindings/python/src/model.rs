//! The base class of every model and what all of them do alike: equality, hash, repr, wire JSON,
//! pickling, copying. The generated classes add a constructor and one getter per field.
//!
//! Inside a `Model` is either a model of the core (what an answer was decoded to) or the wire
//! JSON of a request. Neither changes after construction.

use std::any::Any;

use pyo3::{
    PyClass,
    exceptions::{PyTypeError, PyValueError},
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyDict, PyList, PyString, PyTuple, PyType},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    convert::ToPy,
    json,
    shape::{Kind, Shape},
};

/// What a `Model` holds.
pub trait Object: Send + Sync {
    /// The generated description.
    fn shape(&self) -> &'static Shape;
    /// As on the wire, secrets included.
    fn wire(&self) -> serde_json::Result<Value>;
    /// As on the wire, secrets included.
    fn text(&self) -> serde_json::Result<String>;
    /// Same type and same content.
    fn same(&self, other: &dyn Object) -> bool;
    /// Fields of an answer that this version does not know.
    fn extra(&self) -> Option<&Map<String, Value>>;
    /// For the typed getters.
    fn as_any(&self) -> &dyn Any;
}

/// A model of the core that has a Python class. Generated.
pub trait CoreModel: Serialize + DeserializeOwned + PartialEq + Send + Sync + 'static {
    /// The generated description.
    const SHAPE: &'static Shape;
    /// Fields of an answer that this version does not know.
    fn extra(&self) -> &Map<String, Value>;
}

impl<T: CoreModel> Object for T {
    fn shape(&self) -> &'static Shape {
        T::SHAPE
    }
    fn wire(&self) -> serde_json::Result<Value> {
        serde_json::to_value(self)
    }
    fn text(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
    fn same(&self, other: &dyn Object) -> bool {
        other
            .as_any()
            .downcast_ref::<T>()
            .is_some_and(|o| o == self)
    }
    fn extra(&self) -> Option<&Map<String, Value>> {
        Some(CoreModel::extra(self))
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A model that only requests hold: its wire JSON, checked against the shape.
pub struct Request {
    shape: &'static Shape,
    fields: Map<String, Value>,
}

impl Object for Request {
    fn shape(&self) -> &'static Shape {
        self.shape
    }
    fn wire(&self) -> serde_json::Result<Value> {
        Ok(Value::Object(self.fields.clone()))
    }
    fn text(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.fields)
    }
    fn same(&self, other: &dyn Object) -> bool {
        let other = other.as_any().downcast_ref::<Self>();
        other.is_some_and(|o| std::ptr::eq(o.shape, self.shape) && o.fields == self.fields)
    }
    fn extra(&self) -> Option<&Map<String, Value>> {
        None
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Base class of all models: immutable values with equality, a readable repr (secrets masked),
/// and conversion from and to dicts and JSON with the wire's names.
#[pyclass(frozen, subclass, module = "sentryagent_idp.models")]
pub struct Model {
    object: Box<dyn Object>,
}

/// A generated class.
pub trait ModelType:
    PyClass<BaseType = Model, Frozen = pyo3::pyclass::boolean_struct::True>
{
    /// The generated description.
    const SHAPE: &'static Shape;
    /// The class's own state: caches, empty.
    fn empty() -> Self;
    /// What is inside, of wire JSON.
    fn object(fields: Map<String, Value>) -> Result<Box<dyn Object>, String>;
}

/// What is inside a class over a core model, of wire JSON.
pub fn core_object<T: CoreModel>(fields: Map<String, Value>) -> Result<Box<dyn Object>, String> {
    serde_json::from_value::<T>(Value::Object(fields))
        .map(|model| Box::new(model) as Box<dyn Object>)
        .map_err(|e| format!("{}: {e}", T::SHAPE.name))
}

/// What is inside a request's class, of wire JSON.
pub fn request_object(
    shape: &'static Shape,
    fields: Map<String, Value>,
) -> Result<Box<dyn Object>, String> {
    shape.check(&fields)?;
    Ok(Box::new(Request { shape, fields }))
}

/// The constructor of every generated class.
pub fn construct<T: ModelType>(
    given: Option<&Bound<'_, PyDict>>,
) -> PyResult<PyClassInitializer<T>> {
    let object = T::object(T::SHAPE.read(given)?).map_err(PyValueError::new_err)?;
    Ok(PyClassInitializer::from(Model { object }).add_subclass(T::empty()))
}

/// An instance over that object.
pub fn instance<T: ModelType>(py: Python<'_>, object: Box<dyn Object>) -> PyResult<Py<PyAny>> {
    let initializer = PyClassInitializer::from(Model { object }).add_subclass(T::empty());
    Ok(Py::new(py, initializer)?.into_any())
}

/// An instance of wire JSON.
pub fn from_wire<T: ModelType>(py: Python<'_>, value: Value) -> PyResult<Py<PyAny>> {
    let Value::Object(fields) = value else {
        let message = format!("{}: not a JSON object", T::SHAPE.name);
        return Err(PyValueError::new_err(message));
    };
    instance::<T>(py, T::object(fields).map_err(PyValueError::new_err)?)
}

/// An instance of JSON text.
pub fn from_text<T: ModelType>(py: Python<'_>, text: &str) -> PyResult<Py<PyAny>> {
    let value = serde_json::from_str(text)
        .map_err(|e| PyValueError::new_err(format!("{}: {e}", T::SHAPE.name)))?;
    from_wire::<T>(py, value)
}

/// The getter of a field of a core model.
pub fn get<C: CoreModel, T: ModelType, F: ToPy>(
    this: &Bound<'_, T>,
    field: impl FnOnce(&C) -> &F,
) -> PyResult<Py<PyAny>> {
    field(core::<C, T>(this)?).to_py(this.py())
}

/// The getter of a field that holds models: they are made once. Lists and dicts are answered as
/// copies, so that nobody can change the value.
#[allow(dead_code)] // a contract may have no model in another
pub fn get_cached<C: CoreModel, T: ModelType, F: ToPy>(
    this: &Bound<'_, T>,
    cache: &PyOnceLock<Py<PyAny>>,
    field: impl FnOnce(&C) -> &F,
) -> PyResult<Py<PyAny>> {
    let py = this.py();
    let found = cache.get_or_try_init(py, || field(core::<C, T>(this)?).to_py(py))?;
    let found = found.bind(py);
    if let Ok(list) = found.cast::<PyList>() {
        return Ok(list.get_slice(0, list.len()).into_any().unbind());
    }
    if let Ok(dict) = found.cast::<PyDict>() {
        return Ok(dict.copy()?.into_any().unbind());
    }
    Ok(found.clone().unbind())
}

/// The getter of a request's field.
pub fn get_request<T: ModelType>(this: &Bound<'_, T>, index: usize) -> PyResult<Py<PyAny>> {
    let field = &T::SHAPE.fields[index];
    let fields = this.as_super().get().object.as_any();
    match fields
        .downcast_ref::<Request>()
        .and_then(|r| r.fields.get(field.wire))
    {
        Some(value) => Kind::to_py(&field.kind, this.py(), value),
        None => Ok(this.py().None()),
    }
}

fn core<'a, C: CoreModel, T: ModelType>(this: &'a Bound<'_, T>) -> PyResult<&'a C> {
    let object = this.as_super().get().object.as_any();
    object
        .downcast_ref()
        .ok_or_else(|| PyTypeError::new_err(format!("not a {}", C::SHAPE.name)))
}

impl Model {
    /// The generated description.
    pub fn shape(&self) -> &'static Shape {
        self.object.shape()
    }

    /// As on the wire, secrets included.
    pub fn to_wire(&self) -> PyResult<Value> {
        self.object.wire().map_err(unwritable)
    }

    /// As on the wire, secrets included.
    pub fn to_text(&self) -> PyResult<String> {
        self.object.text().map_err(unwritable)
    }
}

fn unwritable(e: serde_json::Error) -> PyErr {
    PyValueError::new_err(format!("cannot be written as JSON: {e}"))
}

#[pymethods]
impl Model {
    /// Fields of the answer that this version of the SDK does not know, as they came.
    #[getter]
    fn extra(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let dict = PyDict::new(py);
        for (name, value) in self.object.extra().into_iter().flatten() {
            dict.set_item(name, json::to_py(py, value)?)?;
        }
        Ok(dict.into_any().unbind())
    }

    /// The wire's JSON as a dict: camelCase names, timestamps as text, secrets included.
    fn to_dict(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        json::to_py(py, &self.to_wire()?)
    }

    /// The wire's JSON as text, secrets included.
    fn to_json(&self) -> PyResult<String> {
        self.to_text()
    }

    /// An instance of what `to_dict` gives. Raises ValueError when it does not fit.
    #[classmethod]
    fn from_dict(cls: &Bound<'_, PyType>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let value = json::from_py(value, "value")?;
        _restore(cls, &value.to_string())
    }

    /// An instance of what `to_json` gives. Raises ValueError when it does not fit.
    #[classmethod]
    fn from_json(cls: &Bound<'_, PyType>, text: &str) -> PyResult<Py<PyAny>> {
        _restore(cls, text)
    }

    /// The same value with these fields changed.
    #[pyo3(signature = (**changes))]
    fn replace(slf: &Bound<'_, Self>, changes: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        let this = slf.get();
        let Value::Object(mut fields) = this.to_wire()? else {
            return Ok(slf.clone().into_any().unbind());
        };
        fields.extend(this.shape().changes(changes)?);
        // None takes a field away where the contract has no null.
        for (key, value) in changes.iter().flat_map(|c| c.iter()) {
            let key: String = key.extract()?;
            let field = this.shape().fields.iter().find(|f| f.name == key);
            if let Some(field) = field.filter(|f| value.is_none() && !f.nullable) {
                fields.remove(field.wire);
            }
        }
        _restore(&slf.get_type(), &Value::Object(fields).to_string())
    }

    #[pyo3(signature = (**changes))]
    fn __replace__(
        slf: &Bound<'_, Self>,
        changes: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        Self::replace(slf, changes)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = other.py();
        match other.cast::<Self>() {
            Ok(other) => {
                let same = self.object.same(other.get().object.as_ref());
                Ok(same.into_pyobject(py)?.to_owned().into_any().unbind())
            }
            Err(_) => Ok(py.NotImplemented()),
        }
    }

    fn __hash__(&self) -> PyResult<u64> {
        Ok(json::hash(&self.to_wire()?))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let shape = slf.get().shape();
        let mut parts = Vec::with_capacity(shape.fields.len());
        for field in shape.fields {
            let value = slf.getattr(field.name)?;
            if value.is_none() && !field.required {
                continue;
            }
            let shown = if field.secret && !value.is_none() {
                "'***'".to_owned()
            } else {
                value.repr()?.to_string()
            };
            parts.push(format!("{}={shown}", field.name));
        }
        Ok(format!("{}({})", shape.name, parts.join(", ")))
    }

    fn __copy__(slf: &Bound<'_, Self>) -> Py<Self> {
        slf.clone().unbind()
    }

    fn __deepcopy__(slf: &Bound<'_, Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf.clone().unbind()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let restore = py
            .import(intern!(py, "sentryagent_idp._native"))?
            .getattr(intern!(py, "_restore"))?;
        let text = PyString::new(py, &slf.get().to_json()?);
        let arguments = PyTuple::new(py, [slf.get_type().into_any(), text.into_any()])?;
        PyTuple::new(py, [restore, arguments.into_any()])
    }
}

/// Makes a model of its class and its JSON: what pickle stores.
#[pyfunction]
pub fn _restore(class: &Bound<'_, PyType>, text: &str) -> PyResult<Py<PyAny>> {
    let py = class.py();
    Ok(class
        .call_method1(intern!(py, "_from_json"), (text,))?
        .unbind())
}
