//! `ResponseInfo`: what is known of an answer beside its value.

use pyo3::{prelude::*, types::PyDict};
use sentryagent_idp::bridge::Answer;

/// Status, headers and request id of an answer; see `CallOptions(on_response=...)`.
#[pyclass(frozen, module = "sentryagent_idp")]
pub struct ResponseInfo {
    /// HTTP status.
    #[pyo3(get)]
    status: u16,
    /// The request's id; quote it when you ask for help.
    #[pyo3(get)]
    request_id: Option<String>,
    /// How many tries came before this answer.
    #[pyo3(get)]
    retry_count: u32,
    headers: Vec<(String, String)>,
}

#[pymethods]
impl ResponseInfo {
    /// The answer's headers, names in lower case; a repeated one is joined with ", ".
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (name, value) in &self.headers {
            let name = name.to_ascii_lowercase();
            match dict.get_item(&name)? {
                Some(before) => {
                    dict.set_item(name, format!("{}, {value}", before.extract::<String>()?))?;
                }
                None => dict.set_item(name, value)?,
            }
        }
        Ok(dict)
    }

    fn __repr__(&self) -> String {
        let id = self.request_id.as_ref();
        format!(
            "ResponseInfo(status={}, request_id={}, retry_count={})",
            self.status,
            id.map_or_else(|| "None".to_owned(), |id| format!("'{id}'")),
            self.retry_count
        )
    }
}

impl ResponseInfo {
    /// What is known of that answer.
    pub fn new(answer: &Answer) -> Self {
        Self {
            status: answer.status,
            request_id: answer.request_id.clone(),
            retry_count: answer.retry_count,
            headers: answer.headers.clone(),
        }
    }
}
