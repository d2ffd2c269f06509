//! What a transaction holds besides its statements: events to append at its end, what to tell the observer.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use uuid::Uuid;

use crate::{
    audit::{NewEvent, Randomness, SealedEvent},
    storage::{ChangeObserver, Changes, Raise, Revision, RevokedToken},
};

/// Who is told of committed changes; set once the observer exists.
#[derive(Clone, Default)]
pub(in crate::storage) struct ObserverSlot(Arc<ArcSwapOption<Arc<dyn ChangeObserver>>>);

impl ObserverSlot {
    /// From now on this one.
    pub fn set(&self, observer: Arc<dyn ChangeObserver>) {
        self.0.store(Some(Arc::new(observer)));
    }

    fn tell(&self, changes: &Changes) {
        if let Some(observer) = self.0.load().as_deref() {
            observer.committed(changes);
        }
    }
}

/// What has been staged up to a savepoint.
pub(in crate::storage) struct Mark {
    events: usize,
    raises: usize,
    revoked: usize,
    clients: usize,
    organizations: usize,
    signing_keys: bool,
    revision: Option<Revision>,
}

/// What is staged in the present transaction.
pub(in crate::storage) struct Staged {
    randomness: Arc<dyn Randomness>,
    observer: ObserverSlot,
    events: Vec<Arc<SealedEvent>>,
    changes: Changes,
    /// The transaction's revision, once a change needed one.
    revision: Option<Revision>,
}

impl Staged {
    /// Nothing yet.
    pub fn new(randomness: Arc<dyn Randomness>, observer: ObserverSlot) -> Self {
        Self {
            randomness,
            observer,
            events: Vec::new(),
            changes: Changes::default(),
            revision: None,
        }
    }

    /// The events, in their order.
    pub fn events(&self) -> &[Arc<SealedEvent>] {
        &self.events
    }

    /// Stages an event: it is appended when the transaction commits.
    pub fn add(&mut self, event: Arc<SealedEvent>) {
        self.events.push(event);
    }

    /// Stages events that were sealed before.
    pub fn add_all(&mut self, events: &[Arc<SealedEvent>]) {
        self.events.extend(events.iter().cloned());
    }

    /// Seals and stages events that only the transaction could tell of.
    pub fn record(&mut self, events: Vec<NewEvent>) {
        for event in events {
            let sealed = event.seal(self.randomness.as_ref());
            self.add(Arc::new(sealed));
        }
    }

    /// The revision that this transaction took.
    pub fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// The transaction took a revision.
    pub fn took(&mut self, revision: Revision) {
        self.revision = Some(revision);
    }

    /// The observer will be told of this.
    pub fn will_tell_raise(&mut self, raise: Raise) {
        self.changes.raises.push(raise);
    }

    /// The observer will be told of this.
    pub fn will_tell_revoked(&mut self, token: RevokedToken) {
        self.changes.revoked.push(token);
    }

    /// The observer will be told of this.
    pub fn will_tell_client(&mut self, agent: Uuid) {
        self.changes.clients.push(agent);
    }

    /// The observer will be told of this.
    pub fn will_tell_organization(&mut self, organization: Uuid) {
        self.changes.organizations.push(organization);
    }

    /// The observer will be told of this.
    pub fn will_tell_signing_keys(&mut self) {
        self.changes.signing_keys = true;
    }

    /// Where we are.
    pub fn mark(&self) -> Mark {
        Mark {
            events: self.events.len(),
            raises: self.changes.raises.len(),
            revoked: self.changes.revoked.len(),
            clients: self.changes.clients.len(),
            organizations: self.changes.organizations.len(),
            signing_keys: self.changes.signing_keys,
            revision: self.revision,
        }
    }

    /// Forgets what was staged since then.
    pub fn back_to(&mut self, mark: &Mark) {
        self.events.truncate(mark.events);
        self.changes.raises.truncate(mark.raises);
        self.changes.revoked.truncate(mark.revoked);
        self.changes.clients.truncate(mark.clients);
        self.changes.organizations.truncate(mark.organizations);
        self.changes.signing_keys = mark.signing_keys;
        self.revision = mark.revision;
    }

    /// The transaction is committed: tells the observer.
    pub fn committed(&mut self) {
        if let Some(revision) = self.revision.take() {
            self.changes.revision = revision;
            self.observer.tell(&self.changes);
        }
        self.forget();
    }

    /// The transaction is gone, or begins.
    pub fn forget(&mut self) {
        self.events.clear();
        self.changes = Changes::default();
        self.revision = None;
    }
}
