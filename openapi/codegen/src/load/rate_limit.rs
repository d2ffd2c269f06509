//! The limit that an operation has of its own: `x-rate-limit-per-minute`.

use crate::{Result, model::Auth, node::Node};

/// Calls a minute for one client, or `None`. Refuses operations whose caller the server does not
/// know before it answers: there is no client to count.
pub fn read(node: Option<&Node>, auth: &Auth) -> Result<Option<u32>> {
    let Some(node) = node else { return Ok(None) };
    if matches!(auth, Auth::Public | Auth::Client) {
        return Err(node.at.error(
            "a rate limit counts for each client: this operation is called without a token",
        ));
    }
    match u32::try_from(node.int()?) {
        Ok(limit) if limit > 0 => Ok(Some(limit)),
        _ => Err(node.at.error("a rate limit is at least 1 call a minute")),
    }
}
