//! `sentryagent_idp._native`: what the Python package cannot do itself.
//!
//! Owns the way from a Python call to the core and back: writing a call's arguments, waiting for
//! its answer (with the GIL released, or through an event loop), and turning answers into Python
//! objects. It refuses everything else: no HTTP, no retry, no token logic, no operation by name -
//! those are the core's and the generator's.

use pyo3::prelude::*;

mod aio;
mod call;
mod client;
mod clock;
mod convert;
mod enums;
mod errors;
mod generated;
mod hidden;
mod json;
mod logs;
mod model;
mod options;
mod process;
mod response;
mod shape;
mod sync;
mod trace;
mod verifier;
mod wake;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    process::require_main_interpreter(module.py())?;
    process::watch_forks();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<client::NativeClient>()?;
    module.add_class::<aio::LoopBridge>()?;
    module.add_class::<options::CallOptions>()?;
    module.add_class::<response::ResponseInfo>()?;
    module.add_class::<model::Model>()?;
    module.add_class::<clock::NativeClock>()?;
    module.add_class::<hidden::Hidden>()?;
    module.add_class::<verifier::NativeVerifier>()?;
    module.add_function(wrap_pyfunction!(process::_forks, module)?)?;
    module.add_function(wrap_pyfunction!(hidden::_reveal, module)?)?;
    module.add_function(wrap_pyfunction!(verifier::_verify_webhook, module)?)?;
    module.add_function(wrap_pyfunction!(verifier::_verify_audit_events, module)?)?;
    module.add_function(wrap_pyfunction!(model::_restore, module)?)?;
    module.add_function(wrap_pyfunction!(process::shutdown, module)?)?;
    generated::models::register(module)
}
