//! A change as the writer runs it: a command that knows its rules, in a savepoint of its own, and whom to answer.

use std::{future::Future, pin::Pin};

use tokio::sync::oneshot;

use super::UnitOfWork;
use crate::storage::{
    StorageError, StorageResult,
    idempotency::{Noted, Noting},
};

/// A change. It may run more than once before one of its runs is committed, so it only reads itself.
pub(in crate::storage) trait Command<U: UnitOfWork>:
    Send + Sync + 'static
{
    /// What the caller gets.
    type Output: Send + 'static;

    /// Judges and writes. Whatever it wrote is undone when it answers an error.
    fn run(&self, unit: &mut U) -> impl Future<Output = StorageResult<Self::Output>> + Send;
}

/// A command of any output, with its caller.
pub(super) trait Job<U: UnitOfWork>: Send {
    /// Runs the command in a savepoint. An error is one of the whole transaction; a refusal is kept for the caller.
    fn run<'a>(
        &'a mut self,
        unit: &'a mut U,
    ) -> Pin<Box<dyn Future<Output = StorageResult<()>> + Send + 'a>>;

    /// Answers the caller, once the transaction was committed or failed.
    fn answer(self: Box<Self>, transaction: &StorageResult<()>);
}

/// A command and whom to answer.
pub(super) struct Answering<U: UnitOfWork, C: Command<U>> {
    command: C,
    noting: Option<Noting>,
    /// The last run noted the request's answer.
    keeps_answer: bool,
    outcome: Option<StorageResult<C::Output>>,
    caller: oneshot::Sender<StorageResult<C::Output>>,
}

impl<U: UnitOfWork, C: Command<U>> Answering<U, C> {
    /// A command that has not run yet, and the claim of the request that it belongs to.
    pub fn new(
        command: C,
        noting: Option<Noting>,
        caller: oneshot::Sender<StorageResult<C::Output>>,
    ) -> Self {
        Self {
            command,
            noting,
            keeps_answer: false,
            outcome: None,
            caller,
        }
    }
}

impl<U: UnitOfWork, C: Command<U>> Job<U> for Answering<U, C> {
    fn run<'a>(
        &'a mut self,
        unit: &'a mut U,
    ) -> Pin<Box<dyn Future<Output = StorageResult<()>> + Send + 'a>> {
        Box::pin(async move {
            let mark = unit.staged().mark();
            unit.save().await?;
            self.keeps_answer = false;
            let mut outcome = self.command.run(unit).await;
            if let (Ok(output), Some(noting)) = (&outcome, &self.noting) {
                let answer = noting.answer(output);
                match unit.note(noting.slot, &answer, noting.until).await? {
                    Noted::Now => self.keeps_answer = !answer.is_empty(),
                    Noted::Before => {}
                    Noted::Lost => outcome = Err(StorageError::ClaimLost),
                }
            }
            match &outcome {
                Ok(_) => unit.release().await?,
                Err(StorageError::Unavailable(reason)) => {
                    return Err(StorageError::Unavailable(reason.clone()));
                }
                Err(_) => {
                    unit.staged().back_to(&mark);
                    unit.roll_back().await?;
                }
            }
            self.outcome = Some(outcome);
            Ok(())
        })
    }

    fn answer(self: Box<Self>, transaction: &StorageResult<()>) {
        let answer = match (transaction, self.outcome) {
            (Ok(()), Some(outcome)) => {
                if let Some(noting) = self.noting.filter(|_| self.keeps_answer) {
                    noting.answer_is_kept();
                }
                outcome
            }
            (Ok(()), None) => Err(StorageError::Unavailable(
                "the change was not run".to_owned(),
            )),
            (Err(error), _) => Err(error.clone()),
        };
        // Who asked may have gone: what is committed stays committed.
        let _ = self.caller.send(answer);
    }
}
