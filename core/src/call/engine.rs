//! The one path that every call of every language takes: token, tries, waits, deadline.
//!
//! Owns: putting the policy into effect. Cancellation is dropping the future: the connection or
//! stream of a running try closes at once.
//! Refuses: deciding - that is [`crate::policy`] - and decoding.

use std::{pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use time::OffsetDateTime;
use tokio::runtime::Handle;

use super::request::{Options, Prepared, REQUEST_ID, Request};
use crate::{
    Error,
    client::Core,
    error::answer,
    log::{event, milliseconds},
    operation::Operation,
    policy,
    token::{Moment, Token},
    transport::{Failure, Outgoing, Reply, Unreadable},
};

/// An answer that is a value, not yet decoded.
pub(crate) struct Answered {
    pub operation: &'static Operation,
    /// Place in the operation's answers.
    #[cfg_attr(not(feature = "bridge"), allow(dead_code))] // bindings look at it
    pub answer: usize,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub request_id: Option<String>,
    pub retry_count: u32,
    /// When the try that brought it was sent.
    pub asked: Moment,
}

impl Answered {
    /// The error knows which answer it was.
    pub fn blame(&self, error: Error) -> Error {
        error
            .with_status(self.status)
            .with_headers(&self.headers)
            .with_request_id(self.request_id.clone())
            .with_retry_count(self.retry_count)
    }
}

/// Makes the call.
pub(crate) async fn execute(
    core: &Arc<Core>,
    request: &Request,
    options: &Options,
) -> Result<Answered, Error> {
    core.check_open()?;
    perform(core, request, options).await
}

/// Makes the call, also of a client that was closed since the call's caller was let in.
pub(crate) async fn perform(
    core: &Arc<Core>,
    request: &Request,
    options: &Options,
) -> Result<Answered, Error> {
    // Without it waiting for the deadline would panic.
    if Handle::try_current().is_err() {
        return Err(Error::outside_of_a_runtime());
    }
    let prepared = request.prepare(&core.config, options)?;
    let timeout = options.timeout.unwrap_or(core.config.timeout.value);
    let retries = options.retries.unwrap_or(core.config.retries.value);
    let mut run = Run {
        core,
        operation: request.operation,
        prepared: &prepared,
        retries,
        deadline: core.clock.monotonic().saturating_add(timeout),
        tries: 0,
        last: None,
    };
    let outcome = {
        let work = pin!(run.until_settled());
        tokio::select! {
            biased;
            outcome = work => Some(outcome),
            () = core.clock.sleep(timeout) => None,
        }
    };
    outcome.unwrap_or_else(|| {
        let error = Error::timeout(timeout, run.tries).with_retry_count(run.repeats());
        Err(match &run.last {
            Some(last) => error.with_cause(last),
            None => error,
        })
    })
}

/// One call in progress.
struct Run<'a> {
    core: &'a Arc<Core>,
    operation: &'static Operation,
    prepared: &'a Prepared,
    retries: u32,
    deadline: Duration,
    tries: u32,
    last: Option<Error>,
}

/// A try that brought no value.
struct Fault {
    error: Error,
    repeat: Repeat,
}

/// Whether trying again can help and is safe.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Never,
    /// The server may have acted.
    IfSafe,
    /// The server has seen nothing.
    Always,
}

impl Run<'_> {
    async fn until_settled(&mut self) -> Result<Answered, Error> {
        let (mut used, mut renewed) = (0, false);
        loop {
            let token = self.token().await?;
            self.tries += 1;
            let fault = match self.attempt(token.as_deref()).await {
                Ok(answered) => return Ok(answered),
                Err(fault) => fault,
            };
            if let Some(token) = token.filter(|_| fault.error.http_status() == Some(401)) {
                // Only if it is still the one that was sent: another caller may have renewed it.
                self.core.tokens.drop_if_current(&token);
                if !renewed {
                    renewed = true;
                    self.last = Some(fault.error);
                    continue;
                }
            }
            let error = self.with_history(fault.error);
            let may = match fault.repeat {
                Repeat::Never => false,
                Repeat::IfSafe => self.operation.retry_safe,
                Repeat::Always => true,
            };
            if !may || used == self.retries {
                return Err(error);
            }
            used += 1;
            let asked = error.retry_after();
            let wait = asked.unwrap_or_else(|| policy::backoff(used, self.core.clock.random()));
            if wait >= self.rest() {
                return Err(match asked {
                    Some(asked) => error.with_note(&format!(
                        "; the server asks to wait {} s, longer than this call may take",
                        asked.as_secs()
                    )),
                    None => error,
                });
            }
            event!(
                DEBUG,
                Some(self.core.id),
                "trying again",
                operation = self.operation.id,
                code = error.code(),
                retry = used,
                wait_ms = milliseconds(wait),
            );
            self.last = Some(error);
            self.core.clock.sleep(wait).await;
        }
    }

    /// An error that knows how often was tried and, unless something lay beneath it, how the try
    /// before it failed.
    fn with_history(&self, error: Error) -> Error {
        let error = error.with_retry_count(self.repeats());
        match &self.last {
            Some(last) if error.cause().is_none() => error.with_cause(last),
            _ => error,
        }
    }

    /// What is left of the call's time.
    fn rest(&self) -> Duration {
        self.deadline.saturating_sub(self.core.clock.monotonic())
    }

    fn repeats(&self) -> u32 {
        self.tries.saturating_sub(1)
    }

    async fn token(&self) -> Result<Option<Arc<Token>>, Error> {
        if self.own_authorization().is_some() {
            return Ok(None);
        }
        if self.operation.auth.is_bearer() {
            self.core.token(self.rest()).await.map(Some)
        } else {
            Ok(None)
        }
    }

    /// What the caller brought instead of a token, for this call or for all.
    fn own_authorization(&self) -> Option<&HeaderValue> {
        let all = &self.core.config.network.authorization;
        self.prepared
            .headers
            .get(header::AUTHORIZATION)
            .or(all.as_ref())
    }

    async fn attempt(&self, token: Option<&Token>) -> Result<Answered, Fault> {
        let never = |error| Fault {
            error,
            repeat: Repeat::Never,
        };
        let mut headers = self.prepared.headers.clone();
        if let Some(token) = token {
            headers.insert(header::AUTHORIZATION, token.header());
        } else if let Some(own) = self
            .own_authorization()
            .filter(|_| self.operation.auth.is_bearer())
        {
            headers.insert(header::AUTHORIZATION, own.clone());
        }
        let transport = self.core.transport().map_err(never)?;
        let asked = Moment::now(&*self.core.clock);
        let outgoing = Outgoing {
            method: self.prepared.method.clone(),
            uri: self.prepared.uri.clone(),
            headers,
            body: self.prepared.body.clone(),
            connect_timeout: self.prepared.connect_timeout,
        };
        let reply = transport
            .send(outgoing)
            .await
            .map_err(|failure| match failure {
                Failure::NotSent(cause) => Fault {
                    error: Error::connection("no connection to the server").with_cause(cause),
                    repeat: Repeat::Always,
                },
                Failure::Broken(cause) => Fault {
                    error: Error::connection("the connection broke before the answer was there")
                        .with_cause(cause),
                    repeat: Repeat::IfSafe,
                },
                Failure::Misconfigured(what) => never(Error::configuration(what)),
            })?;
        self.judge(reply, asked, token)
    }

    fn judge(&self, reply: Reply, asked: Moment, token: Option<&Token>) -> Result<Answered, Fault> {
        let Reply {
            status,
            headers,
            body,
        } = reply;
        let request_id = text(headers.get(REQUEST_ID));
        event!(
            TRACE,
            Some(self.core.id),
            "answered",
            operation = self.operation.id,
            status = status,
            request_id = request_id.as_deref(),
            duration_ms = milliseconds(self.core.clock.monotonic().saturating_sub(asked.monotonic)),
            retry = self.repeats(),
        );
        let Some(answer) = self
            .operation
            .answers
            .iter()
            .position(|a| a.status == status)
        else {
            return Err(self.refusal(status, &headers, &body, request_id, token));
        };
        let wanted = self.operation.answers[answer].decoder.is_some();
        let checked = body.map_err(|why| unreadable(&why)).and_then(|body| {
            if !wanted || is_json(&headers) {
                return Ok(body);
            }
            let message = format!("the answer of {} is not JSON", self.operation.id);
            Err(Error::decoding(message))
        });
        let body = checked.map_err(|error| Fault {
            error: error
                .with_status(status)
                .with_headers(&headers)
                .with_request_id(request_id.clone())
                .with_retry_count(self.repeats()),
            repeat: Repeat::Never,
        })?;
        Ok(Answered {
            operation: self.operation,
            answer,
            status,
            headers,
            body,
            request_id,
            retry_count: self.repeats(),
            asked,
        })
    }

    /// An answer that is no value. Its status and headers say what it is, also when its body says nothing.
    fn refusal(
        &self,
        status: u16,
        headers: &HeaderMap,
        body: &Result<Bytes, Unreadable>,
        request_id: Option<String>,
        token: Option<&Token>,
    ) -> Fault {
        let secret = self.core.config.client_secret.value.expose_secret();
        let token = token.map_or("", |token| token.access.expose_secret());
        let retry_after = headers
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| policy::retry_after(value, self.now()));
        let error = answer::error(answer::Seen {
            operation: self.operation,
            status,
            body: body.as_deref().unwrap_or_default(),
            headers,
            request_id,
            retry_after,
            secrets: &[secret, token],
        });
        let repeat = if error.is_retryable() {
            Repeat::IfSafe
        } else {
            Repeat::Never
        };
        let error = match body {
            Ok(_) => error,
            Err(why) => error.with_cause(unreadable(why).message()),
        };
        Fault { error, repeat }
    }

    fn now(&self) -> OffsetDateTime {
        let seconds = i64::try_from(self.core.clock.wall().as_secs()).unwrap_or(i64::MAX);
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

fn unreadable(why: &Unreadable) -> Error {
    match why {
        Unreadable::Garbled(cause) => {
            Error::decoding("the answer's compression is broken").with_cause(cause)
        }
        Unreadable::TooLarge(max) => {
            Error::decoding(format!("the answer is larger than {max} MiB"))
        }
    }
}

fn text(value: Option<&HeaderValue>) -> Option<String> {
    value.and_then(|v| v.to_str().ok()).map(str::to_owned)
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(media)) = headers.get(header::CONTENT_TYPE).map(HeaderValue::to_str) else {
        return false;
    };
    let media = media.split(';').next().unwrap_or_default().trim();
    let json = "application/json";
    media.eq_ignore_ascii_case(json)
        || (media.len() > 5 && media.as_bytes()[media.len() - 5..].eq_ignore_ascii_case(b"+json"))
}
