//! A mock for users' tests: the real server with a way to move its clock, to make it fail and to
//! see what it was asked.
//!
//! ```text
//! request -> /mock/…  control (this port, this process only)
//!         -> record -> faults -> the app, unchanged
//! ```
//!
//! What it answers is what the product answers; nothing here knows an operation. It listens on
//! loopback alone, has no rate limits, reads no environment, and its store lives in a temporary
//! folder that is removed when it stops.

mod control;
mod faults;
mod record;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use parking_lot::Mutex;
use tempfile::TempDir;

use crate::{
    app::{App, StartError},
    bootstrap::BootstrapFile,
    clock::{Clock as _, ManualClock, SystemClock},
    config::{Config, Source},
    http::{Envelope, Facts},
    serve::Server,
};

use faults::Fault;
use record::Record;

/// How long requests in flight get at the end: nobody waits for a test's leftovers.
const STOP_TIME_MAX: Duration = Duration::from_secs(2);

/// What can be chosen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// Port to listen on; 0 takes any free one.
    pub port: u16,
}

/// A running mock.
pub struct Mock {
    server: Server,
    admin: BootstrapFile,
    // Removed when dropped, whatever happened before.
    _folder: TempDir,
}

/// What control and the layers in front of the app share.
struct Shared {
    clock: Arc<ManualClock>,
    faults: Mutex<Vec<Fault>>,
    record: Mutex<Record>,
    operations: Vec<&'static Facts>,
}

impl Mock {
    /// Starts it on an empty store, its clock at the present moment.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let folder = tempfile::Builder::new()
            .prefix("agentidp-mock-")
            .tempdir()
            .map_err(StartError::failed)?;
        let config = Config::load(&Source::of(&[
            ("PORT", &settings.port.to_string()),
            (
                "AGENTIDP_DATA_DIR",
                &folder.path().join("data").display().to_string(),
            ),
            ("RATE_LIMIT_MAX_REQUESTS", "0"),
        ]))?;
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let server =
            Server::start_behind(config, clock.clone(), |app| front(app, clock.clone())).await?;
        let admin =
            server.app().bootstrap().cloned().ok_or_else(|| {
                StartError::Failed("an empty store was bootstrapped already".into())
            })?;
        Ok(Self {
            server,
            admin,
            _folder: folder,
        })
    }

    /// Where it listens, without a trailing slash.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The first admin, who may do everything.
    pub fn admin(&self) -> &BootstrapFile {
        &self.admin
    }

    /// Stops and removes its store.
    pub async fn stop(self) {
        if tokio::time::timeout(STOP_TIME_MAX, self.server.stop())
            .await
            .is_err()
        {
            tracing::debug!("requests in flight were cut off");
        }
    }
}

fn front(app: &App, clock: Arc<ManualClock>) -> Router {
    let shared = Arc::new(Shared {
        clock,
        faults: Mutex::default(),
        record: Mutex::default(),
        operations: app.operations().to_vec(),
    });
    app.router()
        .layer(middleware::from_fn_with_state(shared.clone(), intercept))
        .merge(control::routes(shared))
}

async fn intercept(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (request, seen) = match record::read(request).await {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    shared.record.lock().add(seen);
    let path = request.uri().path().to_owned();
    // Found in a statement of its own: the lock must not be held while waiting.
    let fault = faults::take(&mut shared.faults.lock(), &path);
    match fault {
        None => next.run(request).await,
        Some(fault) => {
            tokio::time::sleep(fault.delay()).await;
            match fault.answer(shared.envelope(&path)) {
                Some(answer) => answer,
                None => next.run(request).await,
            }
        }
    }
}

impl Shared {
    /// How the operation of that path writes its errors.
    fn envelope(&self, path: &str) -> Envelope {
        self.operations
            .iter()
            .find(|facts| facts.path == path || facts.aliases.contains(&path))
            .map_or(Envelope::Standard, |facts| facts.envelope)
    }
}

/// An answer with that status and JSON body.
fn json_answer(status: u16, body: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() =
        axum::http::StatusCode::from_u16(status).unwrap_or(axum::http::StatusCode::BAD_REQUEST);
    response.headers_mut().insert(
        axum::http::header::CONTENT_TYPE,
        axum::http::HeaderValue::from_static("application/json"),
    );
    response
}
