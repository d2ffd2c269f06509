//! Log records on their way to `System.Logger`.
//!
//! Owns: how many are wanted, and records as JSON.
//! Refuses: to log by itself; Java does, on a thread of its own.

use jni::{
    EnvUnowned,
    objects::{JByteArray, JClass},
    sys::jint,
};
use sentryagent_idp::bridge::logs::{self, Level};
use serde_json::json;

use crate::{
    SIGNAL,
    enter::{bytes, enter},
};

/// `void logLevel(int level)`: 1 error … 5 trace; anything else: none.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_logLevel<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    level: jint,
) {
    enter(env, |_| {
        let wanted = match level {
            1 => Some(Level::Error),
            2 => Some(Level::Warn),
            3 => Some(Level::Info),
            4 => Some(Level::Debug),
            5 => Some(Level::Trace),
            _ => None,
        };
        if wanted.is_some() {
            logs::on_record(Some(Box::new(|| SIGNAL.logs())));
        }
        logs::want(wanted);
        Ok(())
    });
}

/// `byte[] drainLogs(int maxRecords)`: `{"records": [{client, level, message, fields, timeMs}]}`; null when there are none.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_drainLogs<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    records_max: jint,
) -> JByteArray<'l> {
    enter(env, |env| {
        let records = logs::drain(usize::try_from(records_max).unwrap_or(1));
        if records.is_empty() {
            return Ok(JByteArray::default());
        }
        let records: Vec<_> = records
            .into_iter()
            .map(|record| {
                json!({
                    "client": record.client,
                    "level": record.level as u8,
                    "message": record.message,
                    "fields": record.fields,
                    "timeMs": record.time_ms,
                })
            })
            .collect();
        bytes(env, json!({ "records": records }).to_string().as_bytes())
    })
}
