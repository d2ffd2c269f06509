//! Checks that need no client: webhooks' signatures and the chain of audit events.

use std::time::{Duration, SystemTime};

use jni::{
    EnvUnowned,
    objects::{JByteArray, JClass},
};
use sentryagent_idp::bridge::{verify_audit_events, verify_webhook};
use serde::Deserialize;

use crate::enter::{Fault, enter, outcome};

/// How a webhook is checked, beside its payload.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Webhook {
    headers: Vec<(String, String)>,
    secrets: Vec<String>,
    tolerance_ms: u64,
    now_ms: Option<u64>,
}

/// `byte[] verifyWebhook(byte[] payload, byte[] how)`: an outcome, empty.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_verifyWebhook<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    payload: JByteArray<'l>,
    how: JByteArray<'l>,
) -> JByteArray<'l> {
    enter(env, |env| {
        let payload = env.convert_byte_array(&payload)?;
        let how = env.convert_byte_array(&how)?;
        let how: Webhook = serde_json::from_slice(&how).map_err(|_| Fault::Arguments)?;
        let now = how
            .now_ms
            .map(|ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms));
        let tolerance = Duration::from_millis(how.tolerance_ms);
        let checked = verify_webhook(&payload, &how.headers, &how.secrets, tolerance, now);
        outcome(env, checked.map(|()| Vec::new()))
    })
}

/// `byte[] verifyAuditEvents(byte[] events)`: an outcome, JSON.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_verifyAuditEvents<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    events: JByteArray<'l>,
) -> JByteArray<'l> {
    enter(env, |env| {
        let events = env.convert_byte_array(&events)?;
        outcome(env, verify_audit_events(&events))
    })
}
