//! Clocks that tests move: the functions `clock…` of `Native`.

use std::time::Duration;

use jni::{
    EnvUnowned,
    objects::JClass,
    sys::{jdouble, jlong},
};
use sentryagent_idp::bridge::BridgeClock;

use crate::{
    enter::{Fault, enter},
    handles::Handles,
};

static CLOCKS: Handles<BridgeClock> = Handles::new();

fn clock(handle: jlong) -> Result<BridgeClock, Fault> {
    CLOCKS.get(handle.cast_unsigned()).ok_or(Fault::Freed)
}

/// The clock of that number; none for 0, the system's.
pub fn optional(handle: jlong) -> Result<Option<BridgeClock>, Fault> {
    if handle == 0 {
        return Ok(None);
    }
    clock(handle).map(Some)
}

/// `long clockNew()`: a clock that stands still.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_clockNew<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
) -> jlong {
    enter(env, |_| {
        Ok(CLOCKS.insert(BridgeClock::manual()).cast_signed())
    })
}

/// `void clockFree(long clock)`: clients that have it keep it.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_clockFree<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    handle: jlong,
) {
    enter(env, |_| {
        CLOCKS.remove(handle.cast_unsigned());
        Ok(())
    });
}

/// `void clockAdvance(long clock, double ms)`: time passes.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_clockAdvance<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    handle: jlong,
    ms: jdouble,
) {
    enter(env, |_| {
        clock(handle)?.advance(ms);
        Ok(())
    });
}

/// `void clockJumpWall(long clock, double ms)`: somebody sets the wall clock; no time passes.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_clockJumpWall<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    handle: jlong,
    ms: jdouble,
) {
    enter(env, |_| {
        clock(handle)?.jump_wall(ms);
        Ok(())
    });
}

/// `void clockRandom(long clock, double value)`: what chance gives from now on.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_clockRandom<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    handle: jlong,
    value: jdouble,
) {
    enter(env, |_| {
        clock(handle)?.set_random(value);
        Ok(())
    });
}

/// `double clockWall(long clock)`: milliseconds since 1970 UTC.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_clockWall<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    handle: jlong,
) -> jdouble {
    enter(env, |_| Ok(clock(handle)?.wall_ms()))
}

/// `double clockSleeping(long clock, double atMostMs, long patienceMs)`: blocks until somebody
/// sleeps at most that long, and says how long; NaN when patience ends.
#[unsafe(no_mangle)]
pub extern "system" fn Java_ai_sentryagent_idp_internal_Native_clockSleeping<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    handle: jlong,
    at_most_ms: jdouble,
    patience_ms: jlong,
) -> jdouble {
    enter(env, |_| {
        let patience = Duration::from_millis(u64::try_from(patience_ms).unwrap_or_default());
        Ok(clock(handle)?
            .sleeping(at_most_ms, patience)
            .unwrap_or(f64::NAN))
    })
}
