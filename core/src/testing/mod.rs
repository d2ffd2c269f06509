//! For the tests of programs that use this crate: a real server and a clock that stands.
//!
//! ```no_run
//! # async fn f() -> Result<(), sentryagent_idp::Error> {
//! use std::time::Duration;
//! use sentryagent_idp::testing::{Fault, MockServer};
//!
//! let server = MockServer::start()?;
//! let client = server.client()?;
//! server.fail_next(Fault::status(503)).await?;
//! client.agents().list_agents(None).retries(0).await.unwrap_err();
//! server.advance(Duration::from_secs(3600)).await?; // the token has expired
//! assert_eq!(client.agents().list_agents(None).await?.total, 1);
//! # Ok(()) }
//! ```
//!
//! The server is the program `agentidp` (`agentidp mock`): the product itself on a store that is
//! thrown away, without rate limits. Its path is given, or is in `AGENTIDP_BIN`, or is found on `PATH`.
//!
//! Owns: the server's life, its control, the clock that it shares with its clients.
//! Refuses: knowing an operation.

mod program;

use std::{ffi::OsString, fmt, path::PathBuf, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use self::program::Program;
pub use crate::clock::ManualClock;
use crate::{
    AgentIdPClient, ClientBuilder, Error, Secret,
    config::{Network, NetworkArguments},
    log::milliseconds,
    transport::{Outgoing, Reply, Transport},
};

/// How long the server may take over an order.
const CONTROL_TIME_MAX: Duration = Duration::from_secs(30);

/// A server of a test's own: empty but for one organization and its admin. It ends when it is
/// dropped, and with the process whatever happens.
pub struct MockServer {
    program: Program,
    clock: ManualClock,
    control: Transport,
}

impl MockServer {
    /// Starts `AGENTIDP_BIN`, else the `agentidp` that `PATH` has. Blocks the thread until the server
    /// listens, a fraction of a second.
    ///
    /// # Errors
    /// Kind [`Configuration`](crate::ErrorKind::Configuration) when there is no such program - the
    /// message says how to get it - or it does not start.
    pub fn start() -> Result<Self, Error> {
        Self::of(program::find(std::env::var_os("AGENTIDP_BIN"))?)
    }

    /// Starts that program.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_program(path: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::of(program::find(Some(OsString::from(path.into())))?)
    }

    fn of(path: PathBuf) -> Result<Self, Error> {
        let mut faults = Vec::new();
        // No environment: a proxy is of no use on loopback.
        let network = Network::resolve(NetworkArguments::default(), &|_| None, &mut faults);
        Ok(Self {
            program: Program::start(&path)?,
            clock: ManualClock::at_present(),
            control: Transport::build(&network)?,
        })
    }

    /// Where it listens: `http://127.0.0.1:…`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.program.ready.base_url
    }

    /// The admin's id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.program.ready.client_id
    }

    /// The admin's secret.
    #[must_use]
    pub fn client_secret(&self) -> &Secret {
        &self.program.ready.client_secret
    }

    /// A client of the admin's, whose time passes with [`advance`](Self::advance) only.
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub fn client(&self) -> Result<AgentIdPClient, Error> {
        self.builder().build()
    }

    /// As [`client`](Self::client), to be changed before it is built.
    pub fn builder(&self) -> ClientBuilder {
        AgentIdPClient::builder()
            .base_url(self.base_url())
            .client_id(self.client_id())
            .client_secret(self.client_secret().clone())
            .clock(self.clock.clone())
    }

    /// The clock of this server's clients, for clients that are made in another way and for tests
    /// of waits. Moving it alone leaves the server where it is.
    #[must_use]
    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// Time passes, first for the server, then for its clients.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn advance(&self, time: Duration) -> Result<(), Error> {
        let order = json!({"advanceMs": milliseconds(time)});
        self.order("/mock/clock", Some(order)).await?;
        self.clock.advance(time);
        Ok(())
    }

    /// The next request, or as many as the fault says, goes wrong.
    ///
    /// # Errors
    /// When the fault makes no sense or the server cannot be reached.
    pub async fn fail_next(&self, fault: Fault) -> Result<(), Error> {
        let order =
            serde_json::to_value(fault).map_err(|e| Error::argument("fault", &e.to_string()))?;
        self.order("/mock/faults", Some(order)).await.map(|_| ())
    }

    /// What the server was asked since it was started or reset, oldest first; secrets are masked.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn requests(&self) -> Result<Vec<RecordedRequest>, Error> {
        #[derive(Deserialize)]
        struct Record {
            requests: Vec<RecordedRequest>,
        }
        let text = self.order("/mock/requests", None).await?;
        let record: Record = serde_json::from_slice(&text)
            .map_err(|e| Error::decoding(format!("the mock server's record: {e}")))?;
        Ok(record.requests)
    }

    /// Forgets faults that did not come to pass, and requests. What was stored stays.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn reset(&self) -> Result<(), Error> {
        self.order("/mock/reset", Some(json!({}))).await.map(|_| ())
    }

    /// Posts an order, or gets.
    async fn order(&self, path: &str, body: Option<Value>) -> Result<Bytes, Error> {
        let uri = Uri::try_from(format!("{}{path}", self.base_url()))
            .map_err(|e| Error::configuration(format!("the mock server's address: {e}")))?;
        let mut headers = HeaderMap::new();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        let outgoing = Outgoing {
            method: if body.is_some() {
                Method::POST
            } else {
                Method::GET
            },
            uri,
            headers,
            body: body.map(|value| value.to_string().into()),
            connect_timeout: None,
        };
        let sent = tokio::time::timeout(CONTROL_TIME_MAX, self.control.send(outgoing)).await;
        match sent {
            Ok(Ok(Reply {
                status: 200,
                body: Ok(body),
                ..
            })) => Ok(body),
            Ok(Ok(Reply { status, body, .. })) => Err(Error::argument(
                "mock",
                &format!(
                    "{status} {}",
                    String::from_utf8_lossy(body.as_deref().unwrap_or_default())
                ),
            )),
            Ok(Err(failure)) => Err(Error::connection("the mock server cannot be reached")
                .with_cause(format!("{failure:?}"))),
            Err(_) => Err(Error::timeout(CONTROL_TIME_MAX, 1)),
        }
    }
}

impl fmt::Debug for MockServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockServer")
            .field("base_url", &self.base_url())
            .field("client_id", &self.client_id())
            .finish_non_exhaustive()
    }
}

/// What goes wrong with the next request. Methods add to each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

impl Fault {
    /// An answer of that status, with the API's code for it.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status: Some(status),
            ..Self::default()
        }
    }

    /// The connection is closed without an answer.
    #[must_use]
    pub fn cut() -> Self {
        Self {
            cut: Some(true),
            ..Self::default()
        }
    }

    /// The answer comes so much (real time) later.
    #[must_use]
    pub fn delay(time: Duration) -> Self {
        Self {
            delay_ms: Some(milliseconds(time)),
            ..Self::default()
        }
    }

    /// With this `code` instead of the status's own.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// With `Retry-After`, whole seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds.into());
        self
    }

    /// So many requests instead of one.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    /// Only requests whose path begins so.
    #[must_use]
    pub fn path(mut self, prefix: impl Into<String>) -> Self {
        self.path = Some(prefix.into());
        self
    }
}

/// A request that the server received; secrets are masked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// `GET`
    pub method: String,
    /// With its query.
    pub path: String,
    /// Names in lower case.
    pub headers: Map<String, Value>,
    /// As JSON, or as the form's fields; null without one.
    pub body: Value,
}
