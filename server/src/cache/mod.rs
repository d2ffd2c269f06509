//! Redis: what instances share that may be lost.
//!
//! Owns: one connection, whether it works, and the time that a command may take. A Redis that does not answer costs
//! the requests that wait for it just then at most [`COMMAND_TIME_MAX`] each, and every later one nothing: the
//! connection is given up, commands fail at once, and a task of its own looks for Redis until it is back.
//!
//! Refuses: being the truth about anything. Whatever is kept here can be gone at any moment; each user says what it does
//! then ([`CacheError`] is never an answer to a caller).

mod address;
mod connect;
mod keeper;
mod script;
mod teller;
#[cfg(test)]
mod tests;

pub use address::{Address, AddressError};
pub use script::Script;

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use redis::{Cmd, FromRedisValue, RedisError, ServerErrorKind, ToRedisArgs};
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{Instant, timeout},
};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{metrics::Metrics, telemetry};
use connect::Link;
use teller::Outbox;

/// How long a command may take.
pub const COMMAND_TIME_MAX: Duration = Duration::from_millis(250);
/// How long it may take to connect, TLS and authentication included.
pub const CONNECT_TIME_MAX: Duration = Duration::from_millis(250);

/// How often the operator is told of refused commands.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

/// Why a command has no answer. What it should have changed may be changed or not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CacheError {
    /// There is no connection just now; nothing was sent.
    #[error("Redis is not connected")]
    Disconnected,
    /// The answer did not come in time, or the connection broke.
    #[error("Redis did not answer: {0}")]
    Lost(String),
    /// Redis refused the command.
    #[error("Redis refused: {0}")]
    Refused(String),
}

/// Redis, connected or not. One for each server; every user shares its connection.
pub struct Cache {
    address: Address,
    metrics: Arc<Metrics>,
    link: ArcSwapOption<Link>,
    heard: Notify,
    outbox: Arc<Outbox>,
    /// When the operator was last told that Redis refuses something.
    complained: Mutex<Option<Instant>>,
    /// Who tells: an instance need not listen to itself.
    instance: Uuid,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Cache {
    /// Tries once to connect, and goes on trying beside the server when that fails: the server starts without Redis.
    pub async fn start(address: Address, metrics: Arc<Metrics>) -> Arc<Self> {
        let this = Arc::new(Self {
            address,
            metrics,
            link: ArcSwapOption::empty(),
            heard: Notify::new(),
            outbox: Arc::default(),
            complained: Mutex::default(),
            instance: Uuid::new_v4(),
            tasks: Mutex::default(),
        });
        let first = this.connect().await;
        *this.tasks.lock() = vec![keeper::spawn(&this, first), teller::spawn(&this)];
        this
    }

    /// Whether commands are sent just now.
    pub fn is_connected(&self) -> bool {
        self.link.load().is_some()
    }

    /// Asks whether Redis answers.
    pub async fn check(&self) -> Result<(), CacheError> {
        self.run("ping", &redis::cmd("PING")).await
    }

    /// Runs a command. `name` is how the metrics call it.
    pub async fn run<T: FromRedisValue>(
        &self,
        name: &'static str,
        command: &Cmd,
    ) -> Result<T, CacheError> {
        let link = self.link.load_full().ok_or(CacheError::Disconnected)?;
        self.run_on(&link, name, command)
            .await
            .map_err(CacheError::of)
    }

    /// Runs a script on Redis, all of it or nothing, in one round trip. A Redis that does not know it yet is given it.
    pub async fn run_script<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[impl ToRedisArgs],
        arguments: &[impl ToRedisArgs],
    ) -> Result<T, CacheError> {
        let link = self.link.load_full().ok_or(CacheError::Disconnected)?;
        let known = script.by_hash(keys, arguments);
        let answer = self.run_on(&link, "evalsha", &known).await;
        match answer {
            Err(error) if error.kind() == ServerErrorKind::NoScript.into() => {
                let whole = script.by_text(keys, arguments);
                self.run_on(&link, "eval", &whole).await
            }
            answer => answer,
        }
        .map_err(CacheError::of)
    }

    /// Waits until another instance says that something changed, or until Redis is there again and somebody may have
    /// said so meanwhile. For one waiter. A hint only: it can be lost.
    pub async fn heard_of_a_change(&self) {
        self.heard.notified().await;
    }

    /// Lets go of Redis. Later commands fail.
    pub async fn stop(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock());
        for task in tasks {
            task.abort();
            // Aborted is what was asked for.
            let _ = task.await;
        }
        self.link.store(None);
    }

    async fn run_on<T: FromRedisValue>(
        &self,
        link: &Arc<Link>,
        name: &'static str,
        command: &Cmd,
    ) -> Result<T, RedisError> {
        let began = Instant::now();
        let mut connection = link.connection();
        let (host, port, _) = self.address.endpoint();
        let span = telemetry::redis(name, host, port);
        let asking = timeout(COMMAND_TIME_MAX, command.query_async(&mut connection));
        let answer = asking.instrument(span.clone()).await;
        self.metrics.redis(name, began.elapsed());
        let answer = answer.unwrap_or_else(|late| Err(std::io::Error::from(late).into()));
        match &answer {
            // It does not know a script yet, and is given it next.
            Err(error) if error.kind() == ServerErrorKind::NoScript.into() => {}
            Err(_) => telemetry::failed(&span),
            Ok(_) => {}
        }
        match &answer {
            Err(error) if breaks(error) => self.give_up(link),
            Err(error) if error.kind() != ServerErrorKind::NoScript.into() => {
                self.complain(name, error);
            }
            _ => {}
        }
        answer
    }

    /// A Redis that is there and refuses - it is full, or its user may not - is the operator's to mend.
    fn complain(&self, command: &'static str, error: &RedisError) {
        let mut last = self.complained.lock();
        if last.is_none_or(|at| at.elapsed() >= COMPLAINT_INTERVAL) {
            *last = Some(Instant::now());
            tracing::warn!(redis = %self.address, command, %error, "Redis refuses commands; going on without them");
        }
    }

    /// Nobody uses that connection any more.
    fn give_up(&self, link: &Arc<Link>) {
        let current = self.link.compare_and_swap(link, None);
        if (*current)
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, link))
        {
            link.break_off();
        }
    }
}

impl CacheError {
    fn of(error: RedisError) -> Self {
        if breaks(&error) {
            Self::Lost(error.to_string())
        } else {
            Self::Refused(error.to_string())
        }
    }
}

/// Whether the connection is of no more use. A Redis that became a replica, or that still loads its data, is looked
/// for anew too: its name may point to another one by now.
fn breaks(error: &RedisError) -> bool {
    error.is_timeout()
        || error.is_io_error()
        || error.is_unrecoverable_error()
        || error.kind() == ServerErrorKind::ReadOnly.into()
        || error.kind() == ServerErrorKind::BusyLoading.into()
        || error.kind() == ServerErrorKind::MasterDown.into()
}
