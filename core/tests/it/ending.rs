//! A runtime that is shut down while it works for callers of another one.

use std::{
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use sentryagent_idp::clock::{Clock, Sleep, SystemClock};
use tokio::runtime::{Builder, Runtime};

use crate::support::Fixture;

const DOOMED: &str = "doomed";

/// Stops the doomed runtime's thread when it reads the time, until the runtime was told to end.
#[derive(Debug)]
struct Stops {
    reached: Sender<()>,
    ended: Mutex<Receiver<()>>,
}

impl Clock for Stops {
    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
    fn wall(&self) -> Duration {
        if thread::current().name() == Some(DOOMED) {
            self.reached.send(()).ok();
            self.ended.lock().expect("a lock").recv().ok();
        }
        SystemClock.wall()
    }
    fn sleep(&self, time: Duration) -> Sleep {
        SystemClock.sleep(time)
    }
    fn random(&self) -> f64 {
        0.5
    }
}

#[test]
fn what_fails_because_its_runtime_ends_is_nobodys_error() {
    let here = Runtime::new().expect("a runtime");
    let doomed = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name(DOOMED)
        .enable_all()
        .build()
        .expect("a runtime");
    let (reached, has_reached) = channel();
    let (end, ended) = channel();
    let clock = Stops {
        reached,
        ended: Mutex::new(ended),
    };
    let f = here.block_on(Fixture::new());
    let port = f.server.address().port();
    let client = sentryagent_idp::AgentIdPClient::builder()
        // A name, which is looked up on a thread of the runtime.
        .base_url(format!("http://localhost:{port}"))
        .client_id("agent-1")
        .client_secret("secret")
        .retries(0)
        .clock(clock)
        .build()
        .expect("a client");
    let manager = Arc::new(client.token_manager());
    let theirs = manager.clone();
    // It reads the time once to look into the cache, and then to note when it asked.
    doomed.spawn(async move { theirs.get_token().await });
    has_reached.recv().expect("the caller");
    end.send(()).expect("the caller");
    has_reached.recv().expect("the request");
    let ours = here.spawn(async move { manager.get_token().await });
    doomed.shutdown_background();
    drop(end);
    let token = here.block_on(ours).expect("no panic").expect("a token");
    assert_eq!(token.expose_secret(), "token-1");
}
