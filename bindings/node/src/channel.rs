//! The calls of one environment.

use std::{sync::Arc, time::Duration};

use napi::{Env, bindgen_prelude::Function};
use napi_derive::napi;
use sentryagent_idp::bridge::{self, Decode};

use crate::{
    batch::{self, BYTES_MAX, ITEMS_MAX},
    bell::Bell,
    client::Client,
    text::Text,
    verifier::Verifier,
};

/// The calls that are out in one environment. Made once in each; the environment's end closes it.
#[napi]
pub struct Channel {
    inner: Arc<bridge::Channel>,
    bell: Arc<Bell>,
    /// Calls whose completion JavaScript has not seen: the process stays alive for them.
    out: usize,
}

#[napi]
impl Channel {
    /// `wake` is called once for each batch, on the environment's own thread; it should drain.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: Env, wake: Function<'_, (), ()>) -> napi::Result<Self> {
        let bell = Arc::new(Bell::new(&wake)?);
        let ring = Arc::clone(&bell);
        let inner = bridge::Channel::new(Decode::Rows, move || ring.ring());
        env.add_env_cleanup_hook((Arc::clone(&inner), Arc::clone(&bell)), |(inner, bell)| {
            inner.close();
            bell.silence();
        })?;
        Ok(Self {
            inner,
            bell,
            out: 0,
        })
    }

    /// Starts calls, one a line: `id operation args`; every fault of them arrives as a completion.
    #[napi(catch_unwind)]
    pub fn start(&mut self, env: Env, client: &Client, calls: String) -> napi::Result<()> {
        for call in calls.lines() {
            let (id, operation, args) = parse(call).ok_or_else(|| {
                // Only the facade writes these lines.
                napi::Error::from_reason("a call is no line `id operation args`")
            })?;
            self.count_up(env);
            self.inner
                .start(client.bridge(), id, operation, args.as_bytes());
        }
        Ok(())
    }

    /// Verifies a token whose key or whose state must be asked for.
    #[napi(catch_unwind)]
    pub fn start_verify(
        &mut self,
        env: Env,
        verifier: &Verifier,
        id: i64,
        token: String,
        scopes: Vec<String>,
    ) {
        self.count_up(env);
        self.inner
            .start_verify(verifier.bridge(), id.unsigned_abs(), &token, &scopes);
    }

    /// Asks for a token.
    #[napi(catch_unwind)]
    pub fn start_token(&mut self, env: Env, client: &Client, id: i64) {
        self.count_up(env);
        self.inner.start_token(client.bridge(), id.unsigned_abs());
    }

    /// Stops a call on the wire; true when no completion of it follows.
    #[napi(catch_unwind)]
    pub fn cancel(&mut self, env: Env, id: i64) -> bool {
        let stopped = self.inner.cancel(id.unsigned_abs());
        if stopped {
            self.count_down(env, 1);
        }
        stopped
    }

    /// The next batch, see [`batch`]. Never waits.
    #[napi(catch_unwind)]
    pub fn drain(&mut self, env: Env) -> Text {
        let completions = self.inner.drain(ITEMS_MAX, BYTES_MAX);
        self.count_down(env, completions.len());
        // The bell rings only when the queue stops being empty: what a cap left must be asked for.
        let more = self.inner.wait(Duration::ZERO);
        Text(batch::text(&completions, more))
    }

    fn count_up(&mut self, env: Env) {
        if self.out == 0 {
            self.bell.hold(env, true);
        }
        self.out += 1;
    }

    fn count_down(&mut self, env: Env, by: usize) {
        if by > 0 {
            self.out = self.out.saturating_sub(by);
            if self.out == 0 {
                self.bell.hold(env, false);
            }
        }
    }
}

fn parse(call: &str) -> Option<(u64, u32, &str)> {
    let (id, rest) = call.split_once(' ')?;
    let (operation, args) = rest.split_once(' ')?;
    Some((id.parse().ok()?, operation.parse().ok()?, args))
}
