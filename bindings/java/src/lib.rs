//! The native half of the Java SDK: the functions of `ai.sentryagent.idp.internal.Native`.
//!
//! Owns: the numbers that Java holds of clients, and the one channel of this copy of the library
//! (each class loader loads a copy of its own). Only numbers and byte arrays cross.
//! Refuses: to touch the virtual machine from any thread that Java did not bring, to look up a
//! class, and to let a panic out - it becomes a `RuntimeException`.

mod checks;
mod clocks;
mod enter;
mod frame;
mod handles;
mod logs;
mod signal;
mod verifiers;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use enter::{Fault, bytes, enter, outcome};
use handles::Handles;
use jni::{
    EnvUnowned,
    objects::{JByteArray, JClass},
    sys::{jboolean, jint, jlong},
};
use sentryagent_idp::bridge::{BridgeClient, Channel, Decode, operations};
use signal::Signal;

static CLIENTS: Handles<BridgeClient> = Handles::new();
static CHANNEL: OnceLock<Arc<Channel>> = OnceLock::new();
static SIGNAL: Signal = Signal::new();

fn channel() -> &'static Arc<Channel> {
    CHANNEL.get_or_init(|| Channel::new(Decode::Check, || SIGNAL.completions()))
}

fn client(handle: jlong) -> Result<BridgeClient, Fault> {
    CLIENTS.get(handle.cast_unsigned()).ok_or(Fault::Freed)
}

/// `byte[] operations()`: the operations' names, one a line, in the order of their indices.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_operations<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
) -> JByteArray<'l> {
    enter(env, |env| {
        let ids: Vec<&str> = operations().iter().map(|o| o.id).collect();
        bytes(env, ids.join("\n").as_bytes())
    })
}

/// `byte[] clientNew(byte[] config, long clock)`: byte 0 and the client's number, or byte 1 and the error record.
/// Clock 0 is the system's.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_clientNew<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    config: JByteArray<'l>,
    clock: jlong,
) -> JByteArray<'l> {
    enter(env, |env| {
        let config = env.convert_byte_array(&config)?;
        let clock = clocks::optional(clock)?;
        let made = BridgeClient::from_json_with(&config, clock.as_ref())
            .map(|client| CLIENTS.insert(client).to_be_bytes().to_vec());
        outcome(env, made)
    })
}

/// `void clientFree(long client)`: calls that are out go on.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_clientFree<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    handle: jlong,
) {
    enter(env, |_| {
        CLIENTS.remove(handle.cast_unsigned());
        Ok(())
    });
}

/// `void clientClose(long client)`: later calls fail.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_clientClose<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    handle: jlong,
) {
    enter(env, |_| {
        client(handle)?.close();
        Ok(())
    });
}

/// `byte[] cachedToken(long client)`: null when there is none that may be handed out.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_cachedToken<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    handle: jlong,
) -> JByteArray<'l> {
    enter(env, |env| match client(handle)?.cached_token() {
        Some(token) => bytes(env, token.as_bytes()),
        None => Ok(JByteArray::default()),
    })
}

/// `void clearTokenCache(long client)`.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_clearTokenCache<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    handle: jlong,
) {
    enter(env, |_| {
        client(handle)?.clear_token_cache();
        Ok(())
    });
}

/// `byte[] explainConfiguration(long client)`: JSON.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_explainConfiguration<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    handle: jlong,
) -> JByteArray<'l> {
    enter(env, |env| {
        let text = client(handle)?.explain_configuration().to_string();
        bytes(env, text.as_bytes())
    })
}

/// `void start(long client, long id, int operation, byte[] args)`.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_start<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    handle: jlong,
    id: jlong,
    operation: jint,
    args: JByteArray<'l>,
) {
    enter(env, |env| {
        let args = env.convert_byte_array(&args)?;
        channel().start(
            &client(handle)?,
            id.cast_unsigned(),
            operation.cast_unsigned(),
            &args,
        );
        Ok(())
    });
}

/// `void startToken(long client, long id)`.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_startToken<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    handle: jlong,
    id: jlong,
) {
    enter(env, |_| {
        channel().start_token(&client(handle)?, id.cast_unsigned());
        Ok(())
    });
}

/// `boolean cancel(long id)`: true when no completion will follow.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_cancel<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    id: jlong,
) -> jboolean {
    enter(env, |_| Ok(channel().cancel(id.cast_unsigned())))
}

/// `byte[] drain(int maxItems, int maxBytes, int timeoutMs)`: blocks until there is something, or
/// a log record; null when there is no completion.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_drain<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    items_max: jint,
    bytes_max: jint,
    timeout_ms: jint,
) -> JByteArray<'l> {
    enter(env, |env| {
        let channel = channel();
        let items_max = usize::try_from(items_max).unwrap_or(1);
        let bytes_max = usize::try_from(bytes_max).unwrap_or(1);
        let mut batch = channel.drain(items_max, bytes_max);
        if batch.is_empty() {
            SIGNAL.wait(Duration::from_millis(u64::from(timeout_ms.cast_unsigned())));
            batch = channel.drain(items_max, bytes_max);
        }
        if batch.is_empty() {
            return Ok(JByteArray::default());
        }
        bytes(env, &frame::encode(&batch))
    })
}

/// The class loader went away: what is out is aborted. The code itself stays mapped (build.rs).
#[unsafe(no_mangle)]
pub extern "system" fn JNI_OnUnload(_vm: *mut std::ffi::c_void, _reserved: *mut std::ffi::c_void) {
    // Nobody is left to tell about a panic, and it must not leave this function.
    let _ = std::panic::catch_unwind(|| {
        if let Some(channel) = CHANNEL.get() {
            channel.close();
        }
    });
}
