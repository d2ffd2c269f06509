//! The caller's trace, as headers of the request that it makes.
//!
//! Asked for on the caller's thread and, with asyncio, inside the caller's task, so that context
//! variables are those of the caller. A client's own hook comes first; without one OpenTelemetry is
//! asked, if the program uses it: the package itself never imports it.

use pyo3::{intern, prelude::*, sync::PyOnceLock, types::PyDict};

use crate::process;

/// A header: its name and value.
pub type Header = (String, String);

/// `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`
const TRACEPARENT_LENGTH: usize = 55;
const DASHES: [usize; 3] = [2, 35, 52];
const NAME: &str = "traceparent";

/// The trace headers for a call that starts now; none where there is no trace.
pub fn headers(py: Python<'_>, hook: Option<&Py<PyAny>>) -> PyResult<Vec<Header>> {
    if let Some(hook) = hook {
        let found: Option<String> = hook.call0(py)?.extract(py)?;
        // What is no trace context is not passed on, as W3C's text wants it.
        let valid = found.filter(|value| is_traceparent(value));
        return Ok(valid
            .map(|value| (NAME.to_owned(), value))
            .into_iter()
            .collect());
    }
    if !process::modules(py)?.contains(intern!(py, "opentelemetry.trace"))? {
        return Ok(Vec::new());
    }
    static CURRENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let current = CURRENT.get_or_try_init(py, || {
        let module = py.import(intern!(py, "sentryagent_idp._trace"))?;
        PyResult::Ok(module.getattr(intern!(py, "current_headers"))?.unbind())
    })?;
    match current.bind(py).call0()?.cast_into::<PyDict>() {
        Ok(found) => found.iter().map(|pair| pair_of(&pair)).collect(),
        Err(_) => Ok(Vec::new()),
    }
}

fn pair_of((name, value): &(Bound<'_, PyAny>, Bound<'_, PyAny>)) -> PyResult<Header> {
    Ok((name.extract()?, value.extract()?))
}

fn is_traceparent(value: &str) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    value.len() == TRACEPARENT_LENGTH
        && value.bytes().enumerate().all(|(place, byte)| {
            if DASHES.contains(&place) {
                byte == b'-'
            } else {
                hex(byte)
            }
        })
}
