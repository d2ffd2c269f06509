//! The Rust clients: the project's core, and the code that one would write with reqwest alone; and the
//! verifiers.
//!
//! Both read the same three fields of every agent, and both turn texts into enums and times.

use std::sync::Arc;

use clap::ValueEnum;
use sentryagent_idp::{
    AgentIdPClient,
    models::{AgentStatus, ListAgentsParams},
};
use serde::Deserialize;
use time::OffsetDateTime;

use crate::{Result, canned, protocol::Operation, verifiers::Verifier};

/// A Rust client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// The project's core.
    Core,
    /// reqwest and serde.
    Reqwest,
    /// The project's verifier.
    VerifyCore,
    /// jsonwebtoken.
    Jsonwebtoken,
}

/// A client that is ready to call; cheap to clone.
#[derive(Clone)]
pub enum Client {
    Core(AgentIdPClient),
    Reqwest(Arc<Bare>),
    Verifier(Arc<Verifier>),
}

impl Client {
    pub async fn new(name: Name, base_url: &str) -> Result<Self> {
        // Asked for by reqwest even where nothing is encrypted.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Ok(match name {
            Name::Core => Self::Core(
                AgentIdPClient::builder()
                    .base_url(base_url)
                    .client_id(canned::id(0))
                    .client_secret("sk_live_bench")
                    .build()?,
            ),
            Name::Reqwest => Self::Reqwest(Arc::new(Bare::new(base_url).await?)),
            Name::VerifyCore => Self::Verifier(Arc::new(Verifier::new(true, base_url).await?)),
            Name::Jsonwebtoken => Self::Verifier(Arc::new(Verifier::new(false, base_url).await?)),
        })
    }

    pub async fn call(&self, operation: Operation, id: &str) -> Result<()> {
        let right = match (self, operation) {
            (Self::Core(client), Operation::Get) => {
                look_core(&client.agents().get_agent(id).await?)
            }
            (Self::Core(client), Operation::List) => {
                let params = ListAgentsParams::new().with_limit(canned::PAGE as i64);
                let page = client.agents().list_agents(params).await?;
                page.data.len() == canned::PAGE && page.data.iter().all(look_core)
            }
            (Self::Verifier(verifier), _) => return verifier.call(operation).await,
            (_, Operation::Rs256 | Operation::Es256) => {
                return Err("a client verifies nothing".into());
            }
            (Self::Reqwest(bare), Operation::Get) => look_bare(&bare.get_agent(id).await?),
            (Self::Reqwest(bare), Operation::List) => {
                let page = bare.list_agents().await?;
                page.data.len() == canned::PAGE && page.data.iter().all(look_bare)
            }
        };
        if right {
            Ok(())
        } else {
            Err("an agent is not what the server sent".into())
        }
    }
}

fn look_core(agent: &sentryagent_idp::models::Agent) -> bool {
    agent.email.ends_with(".com")
        && agent.status == AgentStatus::Active
        && agent.created_at.year() == 2026
}

fn look_bare(agent: &Agent) -> bool {
    agent.email.ends_with(".com")
        && agent.status == Status::Active
        && agent.created_at.year() == 2026
}

/// The peer.
pub struct Bare {
    http: reqwest::Client,
    base_url: String,
    token: String,
}

impl Bare {
    async fn new(base_url: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Token {
            access_token: String,
        }
        let http = reqwest::Client::new();
        let url = format!("{base_url}{}", canned::TOKEN);
        let answer = http.post(url).body("").send().await?.error_for_status()?;
        let token: Token = serde_json::from_slice(&answer.bytes().await?)?;
        Ok(Self {
            http,
            base_url: base_url.to_owned(),
            token: token.access_token,
        })
    }

    async fn get_agent(&self, id: &str) -> Result<Agent> {
        self.get(format!("{}{}/{id}", self.base_url, canned::AGENTS))
            .await
    }

    async fn list_agents(&self) -> Result<Page> {
        let (base, agents, limit) = (&self.base_url, canned::AGENTS, canned::PAGE);
        self.get(format!("{base}{agents}?limit={limit}")).await
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: String) -> Result<T> {
        let request = self.http.get(url).bearer_auth(&self.token);
        let answer = request.send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&answer.bytes().await?)?)
    }
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Agent>,
    #[serde(rename = "total")]
    _total: i64,
    #[serde(rename = "page")]
    _page: i64,
    #[serde(rename = "limit")]
    _limit: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "decoded like the project's model, only three are read"
)]
struct Agent {
    agent_id: String,
    organization_id: String,
    role: Role,
    email: String,
    agent_type: Kind,
    version: String,
    capabilities: Vec<String>,
    owner: String,
    deployment_env: Env,
    status: Status,
    is_public: bool,
    did: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    did_created_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    Member,
    Admin,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Screener,
    Custom,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Env {
    Development,
    Production,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Status {
    Active,
    Suspended,
}
