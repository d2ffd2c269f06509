//! Wakes one Node environment from the runtime's thread.
//!
//! Owns the thread-safe function: weak, so that it does not keep the process alive by itself, and
//! referenced only while calls are out, so that the process does not end under them either.
//! After [`Bell::silence`] - the environment ends - it does nothing.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use napi::{
    Env, Status,
    bindgen_prelude::Function,
    sys,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};

/// Without arguments, its errors not passed to JavaScript, weak, with an unbounded queue (which holds
/// one entry at most: it rings once for a batch).
type Ringer = ThreadsafeFunction<(), (), (), Status, false, true, 0>;

/// One environment's bell.
pub struct Bell {
    /// Read by both threads at once: who is woken before the bell is let go must not wait for it.
    ringer: RwLock<Option<Ringer>>,
}

impl Bell {
    /// A bell that calls `wake` on the environment's own thread.
    pub fn new(wake: &Function<'_, (), ()>) -> napi::Result<Self> {
        let ringer = wake
            .build_threadsafe_function::<()>()
            .callee_handled::<false>()
            .weak::<true>()
            .build()?;
        Ok(Self {
            ringer: RwLock::new(Some(ringer)),
        })
    }

    /// Wakes the environment; from any thread.
    pub fn ring(&self) {
        if let Some(ringer) = self.read().as_ref() {
            // Closing: the environment ends, nobody waits for what is queued.
            let _ = ringer.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// Keeps the process alive, or lets it end; on the environment's own thread.
    pub fn hold(&self, env: Env, alive: bool) {
        if let Some(ringer) = self.read().as_ref() {
            // SAFETY: the function belongs to this environment and is released only by `silence`,
            // which waits for the lock that is held here. Both calls fail for nothing but bad pointers.
            unsafe {
                if alive {
                    sys::napi_ref_threadsafe_function(env.raw(), ringer.raw());
                } else {
                    sys::napi_unref_threadsafe_function(env.raw(), ringer.raw());
                }
            }
        }
    }

    /// Releases the function; nothing rings any more.
    pub fn silence(&self) {
        self.ringer
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    fn read(&self) -> RwLockReadGuard<'_, Option<Ringer>> {
        self.ringer.read().unwrap_or_else(PoisonError::into_inner)
    }
}
