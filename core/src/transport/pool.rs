//! The connections to one origin and their reuse, on one runtime.
//!
//! Owns: idle HTTP/1.1 connections and how many there are in all, the one HTTP/2 connection, and
//! sending again what a connection gave back unsent.
//! Refuses: sending again what may have left.
//!
//! Which HTTP a server speaks is known after the first connection; until then, and when an HTTP/2
//! connection has ended, callers share one attempt to connect, and its failure. An attempt that is older
//! than a caller would wait for one is not joined: as long as others do it lives, and it may hang.

use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared, WeakShared},
};
use http::{HeaderValue, Request, StatusCode, Uri, header};
use hyper::client::conn::http2;
use tokio::{
    runtime,
    sync::{Semaphore, SemaphorePermit},
    task::AbortHandle,
    time::Instant,
};

use super::{
    Failure, Reply, body, chain,
    connect::{Connector, Origin},
    connection::{self, Body, Lease, Multi, Single},
    proxy::{ASKS_FOR_PASSWORD, Route},
};

/// HTTP/1.1 connections to one origin; a call beyond them waits for one.
const CONNECTIONS_MAX: usize = 256;
/// An unused connection is closed after this time, before usual load balancers do it (60 s).
const IDLE_MAX: Duration = Duration::from_secs(50);
/// The connections to one origin.
pub(super) struct Pool {
    origin: Origin,
    scheme: http::uri::Scheme,
    authority: http::uri::Authority,
    runtime: runtime::Id,
    route: Route,
    connector: Arc<Connector>,
    /// One permit for each HTTP/1.1 exchange on its way.
    permits: Semaphore,
    state: Mutex<State>,
}

struct State {
    idle: Vec<Idle>,
    multi: Option<Multi>,
    speaks: Speaks,
    opening: Option<Attempt>,
    /// Closes what is idle for too long.
    reaper: Option<AbortHandle>,
    /// Nothing is kept any more.
    closing: bool,
}

struct Idle {
    sender: Single,
    since: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Speaks {
    Unknown,
    Http1,
    Http2,
}

type Opening = BoxFuture<'static, Result<Opened, Failure>>;

/// A shared attempt to connect; it ends with the last who waits for it.
struct Attempt {
    work: WeakShared<Opening>,
    since: Instant,
}

/// What came of a shared attempt to connect. An HTTP/1.1 connection is for the first who takes it.
#[derive(Clone)]
enum Opened {
    Single(Arc<Mutex<Option<Single>>>),
    Multi(Multi),
}

impl Pool {
    pub fn new(
        uri: &Uri,
        runtime: runtime::Id,
        connector: Arc<Connector>,
    ) -> Result<Self, Failure> {
        let absolute = || Failure::Misconfigured("the URL is not absolute".into());
        let origin = Origin::of(uri).ok_or_else(absolute)?;
        let speaks = if origin.secure {
            Speaks::Unknown
        } else {
            Speaks::Http1
        };
        Ok(Self {
            scheme: uri.scheme().cloned().ok_or_else(absolute)?,
            authority: uri.authority().cloned().ok_or_else(absolute)?,
            route: connector.proxies.route(uri)?,
            runtime,
            origin,
            connector,
            permits: Semaphore::new(CONNECTIONS_MAX),
            state: Mutex::new(State {
                idle: Vec::new(),
                multi: None,
                speaks,
                opening: None,
                reaper: None,
                closing: false,
            }),
        })
    }

    pub fn serves(&self, uri: &Uri, here: runtime::Id) -> bool {
        uri.scheme() == Some(&self.scheme)
            && uri.authority() == Some(&self.authority)
            && self.runtime == here
    }

    /// Whether there is a connection left that could be used.
    pub fn holds_any(&self) -> bool {
        let mut state = self.state();
        state.idle.retain(|idle| !idle.sender.is_closed());
        state.forget_closed();
        !state.idle.is_empty() || state.multi.is_some()
    }

    /// Closes what nobody uses, and from now on each connection after its last exchange.
    pub fn wind_up(&self) {
        let mut state = self.state();
        state.closing = true;
        let closing = (std::mem::take(&mut state.idle), state.multi.take());
        drop(state);
        drop(closing);
    }

    /// Sends the request and reads the answer; `limit` is what making a connection may take.
    pub async fn exchange(
        self: &Arc<Self>,
        mut request: Request<Body>,
        limit: Duration,
    ) -> Result<Reply, Failure> {
        let uri = request.uri().clone();
        loop {
            let mut lease = self.lease(limit).await?;
            self.address(&mut request, &uri, &lease);
            match lease.send(request).await {
                Ok(response) => {
                    if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED
                        && let Route::Forward(proxy) = &self.route
                    {
                        return Err(Failure::NotSent(format!("{proxy}: {ASKS_FOR_PASSWORD}")));
                    }
                    let reply = body::whole(response).await?;
                    // What is left of a body that was given up goes with its connection.
                    if reply.body.is_ok() {
                        self.give_back(lease);
                    }
                    return Ok(reply);
                }
                Err(mut error) => match error.take_message() {
                    // It was closed in the meantime, and the request has not left.
                    Some(unsent) if lease.is_reused() => {
                        if matches!(lease, Lease::Multi { .. }) {
                            // Calls that are out on it keep it.
                            self.state().multi = None;
                        }
                        request = unsent;
                    }
                    Some(_) => return Err(Failure::NotSent(chain(error.error()))),
                    None => return Err(connection::broken(error.error())),
                },
            }
        }
    }

    async fn lease(self: &Arc<Self>, limit: Duration) -> Result<Lease<'_>, Failure> {
        loop {
            let opening = {
                let mut state = self.state();
                if let Some(sender) = state.living() {
                    return Ok(Lease::Multi { sender });
                }
                match state.speaks {
                    Speaks::Http1 => None,
                    Speaks::Unknown | Speaks::Http2 => Some(self.opening(&mut state, limit)),
                }
            };
            let Some(opening) = opening else {
                return self.single(limit).await;
            };
            match within(limit, opening).await? {
                Opened::Multi(sender) => return Ok(Lease::Multi { sender }),
                Opened::Single(place) => {
                    let taken = place.lock().unwrap_or_else(PoisonError::into_inner).take();
                    if let Some(sender) = taken {
                        return Ok(Lease::Single {
                            sender,
                            reused: false,
                            permit: self.permit().await?,
                        });
                    }
                }
            }
        }
    }

    /// An HTTP/1.1 connection: one that is idle, else a new one.
    async fn single(self: &Arc<Self>, limit: Duration) -> Result<Lease<'_>, Failure> {
        let permit = self.permit().await?;
        if let Some(sender) = self.state().take_idle() {
            return Ok(Lease::Single {
                sender,
                reused: true,
                permit,
            });
        }
        match within(limit, self.clone().open()).await? {
            Opened::Multi(sender) => Ok(Lease::Multi { sender }),
            Opened::Single(place) => {
                let taken = place.lock().unwrap_or_else(PoisonError::into_inner).take();
                let sender = taken.ok_or_else(|| Failure::NotSent("no connection".into()))?;
                Ok(Lease::Single {
                    sender,
                    reused: false,
                    permit,
                })
            }
        }
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, Failure> {
        let permit = self.permits.acquire().await;
        permit.map_err(|e| Failure::NotSent(chain(&e)))
    }

    /// The attempt to connect that all share who wait at most that long for one.
    fn opening(self: &Arc<Self>, state: &mut State, limit: Duration) -> Shared<Opening> {
        let young = state.opening.as_ref().filter(|a| a.since.elapsed() < limit);
        let running = young.and_then(|attempt| attempt.work.upgrade());
        if let Some(running) = running.filter(|opening| opening.peek().is_none()) {
            return running;
        }
        let opening = self.clone().open().boxed().shared();
        state.opening = opening.downgrade().map(|work| Attempt {
            work,
            since: Instant::now(),
        });
        opening
    }

    /// Connects and lets the connection run by itself.
    async fn open(self: Arc<Self>) -> Result<Opened, Failure> {
        let line = self.connector.connect(&self.origin, &self.route).await?;
        if line.http2 {
            let sender = connection::multi(line).await?;
            let mut state = self.state();
            state.speaks = Speaks::Http2;
            if !state.closing {
                state.multi = Some(sender.clone());
            }
            Ok(Opened::Multi(sender))
        } else {
            let sender = connection::single(line).await?;
            self.state().speaks = Speaks::Http1;
            Ok(Opened::Single(Arc::new(Mutex::new(Some(sender)))))
        }
    }

    /// The request's target and headers as this connection wants them.
    fn address(&self, request: &mut Request<Body>, uri: &Uri, lease: &Lease<'_>) {
        let authorization = match &self.route {
            Route::Forward(proxy) => Some(proxy.authorization.as_ref()),
            _ => None,
        };
        let (target, host) = match (lease, authorization) {
            (Lease::Single { .. }, None) => (origin_form(uri), Some(&self.origin.name)),
            (Lease::Single { .. }, Some(_)) => (uri.clone(), Some(&self.origin.name)),
            (Lease::Multi { .. }, _) => (uri.clone(), None),
        };
        *request.uri_mut() = target;
        let mut set = |name, value: Option<&HeaderValue>| match value {
            Some(value) => {
                request.headers_mut().insert(name, value.clone());
            }
            None => {
                request.headers_mut().remove(name);
            }
        };
        set(header::HOST, host);
        if let Some(authorization) = authorization {
            set(header::PROXY_AUTHORIZATION, authorization);
        }
    }

    /// Keeps the connection for the next exchange.
    fn give_back(self: &Arc<Self>, lease: Lease<'_>) {
        let Lease::Single {
            mut sender, permit, ..
        } = lease
        else {
            return;
        };
        if sender.is_ready() {
            self.keep(sender);
        } else if !sender.is_closed() {
            // The server answered before it had read everything.
            let pool = Arc::downgrade(self);
            tokio::spawn(async move {
                if sender.ready().await.is_ok()
                    && let Some(pool) = Weak::upgrade(&pool)
                {
                    pool.keep(sender);
                }
            });
        }
        // Whoever waits for it finds the connection.
        drop(permit);
    }

    fn keep(self: &Arc<Self>, sender: Single) {
        let since = Instant::now();
        let mut state = self.state();
        if state.closing {
            return;
        }
        state.idle.push(Idle { sender, since });
        if state.reaper.as_ref().is_none_or(AbortHandle::is_finished) {
            let reaper = tokio::spawn(reap(Arc::downgrade(self)));
            state.reaper = Some(reaper.abort_handle());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The HTTP/2 connection, if it can be used.
    fn living(&mut self) -> Option<Multi> {
        self.forget_closed();
        self.multi.clone()
    }

    fn forget_closed(&mut self) {
        if self
            .multi
            .as_ref()
            .is_some_and(http2::SendRequest::is_closed)
        {
            self.multi = None;
        }
    }

    /// The connection that was used last: it is the least likely to have been closed.
    fn take_idle(&mut self) -> Option<Single> {
        while let Some(idle) = self.idle.pop() {
            if idle.sender.is_ready() && idle.since.elapsed() < IDLE_MAX {
                return Some(idle.sender);
            }
        }
        None
    }
}

/// Ends what is idle for too long, and itself when nothing is idle.
async fn reap(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE_MAX / 2).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut state = pool.state();
        state
            .idle
            .retain(|idle| !idle.sender.is_closed() && idle.since.elapsed() < IDLE_MAX);
        if state.idle.is_empty() {
            state.reaper = None;
            return;
        }
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let work = pin!(work);
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        Err(Failure::NotSent(format!(
            "no connection within {} ms",
            limit.as_millis()
        )))
    })
}

/// `/path?query`.
fn origin_form(uri: &Uri) -> Uri {
    uri.path_and_query()
        .map_or_else(Uri::default, |path| Uri::from(path.clone()))
}
