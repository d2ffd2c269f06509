//! The control routes, below `/mock/`: the clock, faults, requests.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    response::Response,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::json;

use super::{Shared, faults::Fault, json_answer};
use crate::{
    clock::{Clock as _, Timestamp},
    generated::codes::Code,
};

/// A move of more than this is a mistake: a hundred years.
const ADVANCE_MS_MAX: f64 = 100.0 * 365.0 * 86_400_000.0;

/// Their router.
pub fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/mock/clock", post(clock))
        .route("/mock/faults", post(faults))
        .route("/mock/requests", get(requests))
        .route("/mock/reset", post(reset))
        .with_state(shared)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Move {
    /// May be negative: machines' clocks do go back.
    advance_ms: f64,
}

async fn clock(
    State(shared): State<Arc<Shared>>,
    order: Result<Json<Move>, JsonRejection>,
) -> Response {
    let by = match order {
        Ok(Json(order)) => order.advance_ms,
        Err(rejection) => return refusal(&rejection.body_text()),
    };
    if by.is_nan() || by.abs() > ADVANCE_MS_MAX {
        return refusal("advanceMs must be a number of milliseconds below a hundred years");
    }
    let distance = Duration::from_secs_f64(by.abs() / 1000.0);
    if by < 0.0 {
        shared.clock.set(shared.clock.now().minus(distance));
    } else {
        shared.clock.advance(distance);
    }
    let now: Timestamp = shared.clock.now();
    json_answer(200, &json!({"now": now}))
}

async fn faults(
    State(shared): State<Arc<Shared>>,
    order: Result<Json<Fault>, JsonRejection>,
) -> Response {
    let fault = match order {
        Ok(Json(fault)) => fault,
        Err(rejection) => return refusal(&rejection.body_text()),
    };
    if let Some(why) = fault.fault() {
        return refusal(why);
    }
    shared.faults.lock().push(fault);
    json_answer(200, &json!({}))
}

async fn requests(State(shared): State<Arc<Shared>>) -> Response {
    json_answer(200, &json!({"requests": shared.record.lock().all()}))
}

async fn reset(State(shared): State<Arc<Shared>>) -> Response {
    shared.faults.lock().clear();
    shared.record.lock().clear();
    json_answer(200, &json!({}))
}

fn refusal(why: &str) -> Response {
    let code = Code::ValidationError;
    json_answer(
        code.status(),
        &json!({"code": code.as_str(), "message": why}),
    )
}
