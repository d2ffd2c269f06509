//! Finding agents by id: whoever asks while a question is under way shares the next one.
//!
//! Owns: the queue of those who ask, the one query. Refuses: any other read. A question to SQLite costs a reader and two
//! switches between threads, twice, whatever it asks for: the connection is tried when it goes back into the pool. Under
//! load that is most of a read's cost, and is divided among callers here as that of a commit is among writers. Nobody
//! waits for company. A question begins after all who share it have asked, so each sees what was committed before.

use std::collections::HashMap;

use sqlx::{QueryBuilder, Sqlite};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{
    failure::failed,
    open::Readers,
    rows::{agent, bytes, uuid},
};
use crate::storage::{AgentRecord, StorageError, StorageResult};

/// How many may wait. More makes callers wait before they are queued.
const QUEUE_MAX: usize = 1024;
/// How many ids a query has; the rest of it repeats one. Few sizes, so that each is prepared once.
const SIZES: [usize; 3] = [1, 8, BATCH_MAX];
/// How many share a question.
const BATCH_MAX: usize = 64;

/// Somebody who asks.
struct Asked {
    agent: Uuid,
    answer: oneshot::Sender<StorageResult<Option<AgentRecord>>>,
}

/// A handle on whoever asks the database. Cheap to clone.
#[derive(Clone)]
pub(super) struct Lookup {
    queue: mpsc::Sender<Asked>,
}

impl Lookup {
    /// Starts it as a task of the current runtime; it ends with the last handle.
    pub fn start(readers: Readers) -> Self {
        let (queue, asked) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(run(readers, asked));
        Self { queue }
    }

    /// The agent of that id.
    pub async fn agent(&self, agent: Uuid) -> StorageResult<Option<AgentRecord>> {
        let (answer, answered) = oneshot::channel();
        self.queue
            .send(Asked { agent, answer })
            .await
            .map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}

fn gone() -> StorageError {
    StorageError::Unavailable("the storage is closed".to_owned())
}

async fn run(readers: Readers, mut queue: mpsc::Receiver<Asked>) {
    let mut asked = Vec::with_capacity(BATCH_MAX);
    while queue.recv_many(&mut asked, BATCH_MAX).await > 0 {
        let found = find(&readers, &asked).await;
        for Asked { agent, answer } in asked.drain(..) {
            let outcome = match &found {
                Ok(found) => found.get(&agent).cloned().transpose(),
                Err(error) => Err(error.clone()),
            };
            // Who asked may have gone; there is nobody else to tell.
            let _ = answer.send(outcome);
        }
    }
}

/// The agents that there are, by their ids. One that is unreadable fails only those who asked for it.
async fn find(
    readers: &Readers,
    asked: &[Asked],
) -> StorageResult<HashMap<Uuid, StorageResult<AgentRecord>>> {
    let size = SIZES.into_iter().find(|size| *size >= asked.len());
    let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM agents WHERE agent_id IN (");
    let mut list = query.separated(", ");
    for one in asked.iter().cycle().take(size.unwrap_or(asked.len())) {
        list.push_bind(bytes(one.agent));
    }
    query.push(")");
    let rows = query.build().fetch_all(readers).await.map_err(failed)?;
    rows.iter()
        .map(|row| Ok((uuid(row, "agent_id")?, agent(row))))
        .collect()
}
