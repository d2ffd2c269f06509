//! A script that Redis runs as one step.

use redis::{Cmd, ToRedisArgs};

/// Lua, and the hash by which Redis knows it once it has seen it.
pub struct Script {
    text: &'static str,
    hash: String,
}

impl Script {
    /// Its keys are `KEYS`, its arguments `ARGV`; it has to name every key that it touches.
    pub fn new(text: &'static str) -> Self {
        let hash = redis::Script::new(text).get_hash().to_owned();
        Self { text, hash }
    }

    pub(super) fn by_hash(&self, keys: &[impl ToRedisArgs], arguments: &[impl ToRedisArgs]) -> Cmd {
        call("EVALSHA", &self.hash, keys, arguments)
    }

    pub(super) fn by_text(&self, keys: &[impl ToRedisArgs], arguments: &[impl ToRedisArgs]) -> Cmd {
        call("EVAL", self.text, keys, arguments)
    }
}

fn call(
    command: &str,
    script: &str,
    keys: &[impl ToRedisArgs],
    arguments: &[impl ToRedisArgs],
) -> Cmd {
    let mut call = redis::cmd(command);
    call.arg(script).arg(keys.len());
    for key in keys {
        call.arg(key);
    }
    for argument in arguments {
        call.arg(argument);
    }
    call
}
