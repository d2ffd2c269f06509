//! Values of the core's models to Python objects, by type alone: whatever shape the contract
//! gives a field, its getter is `field.to_py(py)`.

use std::collections::BTreeMap;

use pyo3::{
    IntoPyObjectExt,
    exceptions::{PyTypeError, PyValueError},
    intern,
    prelude::*,
    types::{PyDateAccess, PyDateTime, PyDict, PyList, PyTimeAccess, PyTzInfo, PyTzInfoAccess},
};
use sentryagent_idp::Secret;
use serde_json::Value;
use time::{Date, Month, OffsetDateTime, Time, format_description::well_known::Rfc3339};

use crate::json;

/// A value that has a Python form.
pub trait ToPy {
    /// The Python object.
    fn to_py(&self, py: Python<'_>) -> PyResult<Py<PyAny>>;
}

impl ToPy for String {
    fn to_py(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.into_py_any(py)
    }
}

impl ToPy for bool {
    fn to_py(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.into_py_any(py)
    }
}

impl ToPy for i64 {
    fn to_py(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.into_py_any(py)
    }
}

impl ToPy for f64 {
    fn to_py(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.into_py_any(py)
    }
}

impl ToPy for Value {
    fn to_py(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        json::to_py(py, self)
    }
}

impl ToPy for Secret {
    fn to_py(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.expose_secret().into_py_any(py)
    }
}

impl ToPy for OffsetDateTime {
    fn to_py(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let utc = self
            .checked_to_offset(time::UtcOffset::UTC)
            .ok_or_else(|| PyValueError::new_err(format!("{self} is no time in UTC")))?;
        let zone = PyTzInfo::utc(py)?;
        let object = PyDateTime::new(
            py,
            utc.year(),
            utc.month().into(),
            utc.day(),
            utc.hour(),
            utc.minute(),
            utc.second(),
            utc.microsecond(),
            Some(&zone),
        )?;
        Ok(object.into_any().unbind())
    }
}

impl<T: ToPy> ToPy for Option<T> {
    fn to_py(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self {
            Some(value) => value.to_py(py),
            None => Ok(py.None()),
        }
    }
}

impl<T: ToPy> ToPy for Box<T> {
    fn to_py(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        T::to_py(self, py)
    }
}

impl<T: ToPy> ToPy for Vec<T> {
    fn to_py(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let list = PyList::empty(py);
        for item in self {
            list.append(item.to_py(py)?)?;
        }
        Ok(list.into_any().unbind())
    }
}

impl<T: ToPy> ToPy for BTreeMap<String, T> {
    fn to_py(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let dict = PyDict::new(py);
        for (key, value) in self {
            dict.set_item(key, value.to_py(py)?)?;
        }
        Ok(dict.into_any().unbind())
    }
}

/// RFC 3339 text to a `datetime` in UTC.
pub fn datetime_from_text(py: Python<'_>, text: &str) -> PyResult<Py<PyAny>> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|e| PyValueError::new_err(format!("{text:?} is not an RFC 3339 date-time: {e}")))?
        .to_py(py)
}

/// A `datetime` with a time zone to RFC 3339 text in UTC; milliseconds, as the contract has
/// them. A naive one is refused: nobody can know which instant it means.
pub fn datetime_to_text(object: &Bound<'_, PyDateTime>, place: &str) -> PyResult<String> {
    let py = object.py();
    if object.get_tzinfo().is_none() {
        return Err(PyValueError::new_err(format!(
            "{place}: the datetime has no time zone; use datetime.now(timezone.utc), for example"
        )));
    }
    let zone = PyTzInfo::utc(py)?;
    let utc = object
        .call_method1(intern!(py, "astimezone"), (zone,))?
        .cast_into::<PyDateTime>()
        .map_err(|_| PyTypeError::new_err(format!("{place}: not a datetime")))?;
    let bad = |e: time::error::ComponentRange| PyValueError::new_err(format!("{place}: {e}"));
    let month = Month::try_from(utc.get_month()).map_err(bad)?;
    let date = Date::from_calendar_date(utc.get_year(), month, utc.get_day()).map_err(bad)?;
    let time = Time::from_hms_milli(
        utc.get_hour(),
        utc.get_minute(),
        utc.get_second(),
        u16::try_from(utc.get_microsecond() / 1000).unwrap_or(0),
    )
    .map_err(bad)?;
    let (hour, minute, second, milli) = time.as_hms_milli();
    Ok(format!(
        "{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
    ))
}
