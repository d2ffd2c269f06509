//! The client against servers on loopback, with a clock that the tests own. One binary, so that
//! there is one link step.

mod support;

mod audit_chain;
#[cfg(feature = "bridge")]
mod bridge;
#[cfg(feature = "bridge")]
mod bridge_clock;
mod changes;
mod deadline;
mod ending;
mod errors;
#[cfg(all(feature = "bridge", target_os = "linux"))]
mod fork;
mod logs;
mod models;
mod pages;
mod proxy;
mod proxy_server;
mod redaction;
mod request;
mod retry;
mod secrets;
#[cfg(target_os = "linux")]
mod threads;
mod tls;
mod tls_authority;
mod token;
mod token_renewal;
mod token_shared;
mod trace;
mod transport;
mod transport_http;
mod transport_server;
mod transport_shared;
mod verify;
mod webhook;
