//! Verifiers of tokens: the functions `verif…` of `Native`.

use jni::{
    Env, EnvUnowned,
    objects::{JByteArray, JClass},
    sys::jlong,
};
use sentryagent_idp::bridge::BridgeVerifier;

use crate::{
    channel, client, clocks,
    enter::{Fault, enter, outcome},
    handles::Handles,
};

static VERIFIERS: Handles<BridgeVerifier> = Handles::new();

fn verifier(handle: jlong) -> Result<BridgeVerifier, Fault> {
    VERIFIERS.get(handle.cast_unsigned()).ok_or(Fault::Freed)
}

fn text(env: &Env<'_>, bytes: &JByteArray<'_>) -> Result<String, Fault> {
    // What is not UTF-8 is no token; the verifier says so.
    Ok(String::from_utf8_lossy(&env.convert_byte_array(bytes)?).into_owned())
}

/// The token, and the scopes that are asked for, one a line.
fn asked(
    env: &Env<'_>,
    token: &JByteArray<'_>,
    scopes: &JByteArray<'_>,
) -> Result<(String, Vec<String>), Fault> {
    let scopes = text(env, scopes)?;
    let scopes = scopes
        .lines()
        .filter(|s| !s.is_empty())
        .map(str::to_owned)
        .collect();
    Ok((text(env, token)?, scopes))
}

/// `byte[] verifierNew(byte[] config, long clock, long client)`: an outcome, the verifier's number.
/// Clock 0 is the system's; with client 0 revocation is not asked for.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_verifierNew<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    config: JByteArray<'l>,
    clock: jlong,
    client_handle: jlong,
) -> JByteArray<'l> {
    enter(env, |env| {
        let config = env.convert_byte_array(&config)?;
        let clock = clocks::optional(clock)?;
        let client = match client_handle {
            0 => None,
            handle => Some(client(handle)?),
        };
        let made = BridgeVerifier::from_json(&config, clock.as_ref(), client.as_ref())
            .map(|verifier| VERIFIERS.insert(verifier).to_be_bytes().to_vec());
        outcome(env, made)
    })
}

/// `void verifierFree(long verifier)`: verifications that are out go on.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_verifierFree<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    handle: jlong,
) {
    enter(env, |_| {
        VERIFIERS.remove(handle.cast_unsigned());
        Ok(())
    });
}

/// `byte[] verifyNow(long verifier, byte[] token, byte[] scopes)`: an outcome, or null when it
/// needs the network.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_verifyNow<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    handle: jlong,
    token: JByteArray<'l>,
    scopes: JByteArray<'l>,
) -> JByteArray<'l> {
    enter(env, |env| {
        let (token, scopes) = asked(env, &token, &scopes)?;
        match verifier(handle)?.verify_now(&token, &scopes) {
            Some(result) => outcome(env, result),
            None => Ok(JByteArray::default()),
        }
    })
}

/// `void startVerify(long verifier, long id, byte[] token, byte[] scopes)`.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_startVerify<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    handle: jlong,
    id: jlong,
    token: JByteArray<'l>,
    scopes: JByteArray<'l>,
) {
    enter(env, |env| {
        let (token, scopes) = asked(env, &token, &scopes)?;
        channel().start_verify(&verifier(handle)?, id.cast_unsigned(), &token, &scopes);
        Ok(())
    });
}
