//! One call: its arguments as the core wants them, and its outcome as Python wants it.

use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyString, PyTuple},
};
use sentryagent_idp::bridge::{Answer, Completion};
use serde_json::{Map, Value};

use crate::{
    errors,
    generated::operations::OPERATIONS,
    json,
    model::{CoreModel, Model, ModelType, instance},
    options::CallOptions,
    response::ResponseInfo,
    shape::Shape,
    trace,
};

/// What the generated code says of an operation.
pub struct Operation {
    /// As in Python: `get_agent`.
    pub name: &'static str,
    /// Wire names of the path's ids, in the order of the arguments.
    pub path: &'static [&'static str],
    /// The query's class.
    pub query: Option<&'static Shape>,
    /// The body's class.
    pub body: Option<&'static Shape>,
    /// What its answers may hold; the first that fits makes the value.
    pub results: &'static [Reader],
}

/// The value of an answer, when it holds what this reader is for.
pub type Reader = fn(Python<'_>, &mut Answer) -> PyResult<Option<Py<PyAny>>>;

/// What a caller gave.
pub struct Call<'a, 'py> {
    /// Index of the operation.
    pub operation: u32,
    /// The path's ids.
    pub path: &'a Bound<'py, PyTuple>,
    /// Query parameters.
    pub query: Option<&'a Bound<'py, PyAny>>,
    /// The body.
    pub body: Option<&'a Bound<'py, PyAny>>,
    /// Settings of this call.
    pub options: Option<&'a Bound<'py, CallOptions>>,
}

impl Call<'_, '_> {
    /// The arguments' envelope: `{"path": {…}, "query": {…}, "body": {…}, "options": {…}}`. The
    /// caller's trace becomes headers; `traceparent` is the client's hook for it.
    pub fn envelope(&self, py: Python<'_>, traceparent: Option<&Py<PyAny>>) -> PyResult<Vec<u8>> {
        let operation = operation(self.operation)?;
        let parts = [
            ("path", path(operation, self.path)?),
            ("query", payload(operation, operation.query, self.query)?),
            ("body", payload(operation, operation.body, self.body)?),
            ("options", self.options(trace::headers(py, traceparent)?)),
        ];
        let mut out = String::from("{");
        for (name, part) in parts {
            if let Some(part) = part {
                let comma = if out.len() > 1 { "," } else { "" };
                out.push_str(&format!("{comma}\"{name}\":{part}"));
            }
        }
        out.push('}');
        Ok(out.into_bytes())
    }

    fn options(&self, trace: Vec<trace::Header>) -> Option<String> {
        let given = self.options.map(Bound::get);
        if trace.is_empty() {
            return given.map(|options| options.wire().to_owned());
        }
        Some(CallOptions::wire_with(given, trace))
    }

    /// Whom to tell of the answer.
    pub fn on_response(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.options.and_then(|o| o.get().on_response(py))
    }
}

/// What a call's outcome becomes.
pub enum Wanted {
    /// The operation's result.
    Result(u32),
    /// The access token's text.
    Token,
    /// The body's JSON, which has no model.
    Body,
}

/// The value of a completion, or its error as an exception.
pub fn outcome(
    py: Python<'_>,
    completion: Completion,
    wanted: &Wanted,
    on_response: Option<&Py<PyAny>>,
) -> PyResult<Py<PyAny>> {
    let mut answer = match completion.result {
        Ok(answer) => answer,
        Err(error) => return Err(errors::exception(py, &error)),
    };
    if let Some(tell) = on_response {
        tell.call1(py, (ResponseInfo::new(&answer),))?;
    }
    match wanted {
        Wanted::Result(index) => {
            for read in operation(*index)?.results {
                if let Some(value) = read(py, &mut answer)? {
                    return Ok(value);
                }
            }
            Err(mismatch())
        }
        Wanted::Token => token(py, &answer),
        Wanted::Body => json::parse(py, &answer.body),
    }
}

/// Reads an answer that was decoded to `C` as an instance of `T`.
pub fn model<C: CoreModel, T: ModelType>(
    py: Python<'_>,
    answer: &mut Answer,
) -> PyResult<Option<Py<PyAny>>> {
    let Some(typed) = answer.typed.take() else {
        return Ok(None);
    };
    match typed.downcast::<C>() {
        Ok(found) => instance::<T>(py, found).map(Some),
        Err(other) => {
            answer.typed = Some(other);
            Ok(None)
        }
    }
}

/// Reads an answer without a body.
#[allow(dead_code)] // a contract may have none
pub fn empty(py: Python<'_>, answer: &mut Answer) -> PyResult<Option<Py<PyAny>>> {
    let nothing = answer.typed.as_ref().is_none_or(|typed| typed.is::<()>());
    Ok(nothing.then(|| py.None()))
}

/// Core and module disagree on what an answer is: they were built from different contracts.
fn mismatch() -> PyErr {
    PyTypeError::new_err("the answer is not what the operation says: the package is damaged")
}

fn token(py: Python<'_>, answer: &Answer) -> PyResult<Py<PyAny>> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match body.get("access_token").and_then(Value::as_str) {
        Some(token) => Ok(PyString::new(py, token).into_any().unbind()),
        None => Err(mismatch()),
    }
}

fn operation(index: u32) -> PyResult<&'static Operation> {
    usize::try_from(index)
        .ok()
        .and_then(|i| OPERATIONS.get(i))
        .ok_or_else(|| PyTypeError::new_err("no such operation"))
}

/// The path's ids as a JSON object.
fn path(operation: &Operation, given: &Bound<'_, PyTuple>) -> PyResult<Option<String>> {
    let mut ids = Map::new();
    for (name, value) in operation.path.iter().zip(given.iter()) {
        let Ok(text) = value.cast::<PyString>() else {
            return Err(PyTypeError::new_err(format!(
                "{}() takes {name} as str, not {}",
                operation.name,
                json::kind(&value)
            )));
        };
        ids.insert((*name).to_owned(), json::text(text, name)?.into());
    }
    Ok((!ids.is_empty()).then(|| Value::Object(ids).to_string()))
}

/// A request or its parameters as a JSON object.
fn payload(
    operation: &Operation,
    expected: Option<&'static Shape>,
    given: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<String>> {
    let (Some(expected), Some(given)) = (expected, given) else {
        return Ok(None);
    };
    if let Ok(model) = given.cast::<Model>()
        && model.get().shape().name == expected.name
    {
        return model.get().to_text().map(Some);
    }
    Err(PyTypeError::new_err(format!(
        "{}() takes a {}, not {}",
        operation.name,
        expected.name,
        json::kind(given)
    )))
}
