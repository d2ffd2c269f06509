//! A whole identity side over an embedded store in memory, with a clock that stands still.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::audit::{NewEvent, Recorder, SystemRandomness};
use crate::auth::{Authenticator, Clients, Parts, Verifier};
use crate::call::{Call, ClientCredentials};
use crate::clock::{Clock, ManualClock, Timestamp};
use crate::generated::types::{AgentRole, AgentStatus, AgentType, DeploymentEnv};
use crate::keys::{KeySettings, Keys, SigningAlgorithm};
use crate::revocation::Revocation;
use crate::secrets::{EncryptionKeys, Random, Secrets, SystemRandom};
use crate::storage::sqlite::{Options, SqliteStorage};
use crate::storage::{
    AgentEvents, AgentPatch, AuditFilter, AuditQuery, Founding, NewAgent, NewCredential,
    OrganizationRecord, OrganizationStatus, Reach, RotateCredential, Storage, StoredEvent, Tier,
    UpdateAgent,
};
use crate::tiers::{self, Tiers};
use crate::tokens;
use crate::vault::Keeper;
use crate::wire::Secret;

pub(crate) const ISSUER: &str = "http://127.0.0.1:3000";
pub(crate) const ENCRYPTION_KEY: &str =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// An agent with one credential.
#[derive(Clone, Debug)]
pub(crate) struct TestAgent {
    pub id: Uuid,
    pub organization: Uuid,
    pub credential: Uuid,
    pub secret: Secret,
}

impl TestAgent {
    pub(crate) fn presents(&self) -> ClientCredentials {
        self.presents_secret(self.secret.expose())
    }

    pub(crate) fn presents_secret(&self, secret: &str) -> ClientCredentials {
        ClientCredentials {
            client_id: self.id.to_string(),
            client_secret: Secret::new(secret),
        }
    }
}

pub(crate) struct World {
    pub clock: Arc<ManualClock>,
    pub storage: Arc<dyn Storage>,
    pub secrets: Secrets,
    pub keys: Arc<Keys>,
    pub revocation: Arc<Revocation>,
    pub auth: Arc<Authenticator>,
    pub tokens: tokens::Service,
    /// Admin of the system organization.
    pub admin: TestAgent,
    /// Member of the same organization.
    pub member: TestAgent,
    /// Admin of another organization.
    pub outsider: TestAgent,
    /// Holds the store; removed with the last world of it.
    directory: Arc<tempfile::TempDir>,
}

pub(crate) fn call() -> Call {
    Call {
        request_id: "r-1".to_owned(),
        ip_address: "127.0.0.1".to_owned(),
        user_agent: "test".to_owned(),
        received_at: Timestamp::from_ms(0),
    }
}

impl World {
    /// ES256, because it is quick to make.
    pub(crate) async fn new() -> Self {
        Self::signing(SigningAlgorithm::Es256).await
    }

    pub(crate) async fn signing(algorithm: SigningAlgorithm) -> Self {
        let clock = Arc::new(ManualClock::at("2026-03-28T09:00:00.500Z".parse().unwrap()));
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let options = Options {
            path: directory.path().join("agentidp.db"),
            auto_migrate: true,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            randomness: Arc::new(SystemRandomness),
        };
        let storage: Arc<dyn Storage> = Arc::new(SqliteStorage::open(options).await.unwrap());
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let encryption = EncryptionKeys::parse(ENCRYPTION_KEY).unwrap();
        let secrets = Secrets::new(&encryption, random).unwrap();
        let people = Population {
            storage: storage.as_ref(),
            secrets: &secrets,
            at: clock.now(),
        };
        let (admin, member, outsider) = people.settle().await;
        let settings = KeySettings {
            algorithm,
            ..KeySettings::default()
        };
        Self::over(
            directory,
            clock,
            storage,
            secrets,
            settings,
            [admin, member, outsider],
        )
        .await
    }

    /// Another instance on the same store, as after a restart or on another machine.
    pub(crate) async fn another(&self) -> Self {
        let settings = KeySettings {
            algorithm: self.keys.current().signing().public().algorithm(),
            ..KeySettings::default()
        };
        Self::over(
            Arc::clone(&self.directory),
            Arc::clone(&self.clock),
            Arc::clone(&self.storage),
            self.secrets.clone(),
            settings,
            [
                self.admin.clone(),
                self.member.clone(),
                self.outsider.clone(),
            ],
        )
        .await
    }

    async fn over(
        directory: Arc<tempfile::TempDir>,
        clock: Arc<ManualClock>,
        storage: Arc<dyn Storage>,
        secrets: Secrets,
        settings: KeySettings,
        [admin, member, outsider]: [TestAgent; 3],
    ) -> Self {
        let dyn_clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let keys = Keys::load(
            settings,
            Arc::clone(&storage),
            secrets.clone(),
            Arc::clone(&dyn_clock),
        )
        .await
        .unwrap();
        let keys = Arc::new(keys);
        let keeper = Arc::new(Keeper::database());
        let clients = Arc::new(Clients::new(Arc::clone(&storage), Arc::clone(&keeper)));
        let revocation = Revocation::start(
            Arc::clone(&storage),
            Arc::clone(&dyn_clock),
            Arc::clone(&keys),
            vec![Arc::clone(&clients) as _],
        )
        .await
        .unwrap();
        let verifier = Verifier::new(
            Arc::clone(&keys),
            Arc::clone(&revocation),
            Arc::clone(&dyn_clock),
            vec![ISSUER.to_owned()],
        );
        let recorder = Arc::new(Recorder::new(Arc::clone(&storage)));
        let auth = Authenticator::start(Parts {
            storage: Arc::clone(&storage),
            clients,
            revocation: Arc::clone(&revocation),
            verifier: Arc::new(verifier),
            hasher: Arc::clone(secrets.hasher()),
            keeper,
            recorder: Arc::clone(&recorder),
            clock: Arc::clone(&dyn_clock),
        })
        .await
        .unwrap();
        let auth = Arc::new(auth);
        let tiers = Tiers::start(tiers::Parts {
            enforced: true,
            storage: Arc::clone(&storage),
            cache: None,
            metrics: Arc::default(),
            clock: Arc::clone(&dyn_clock),
        });
        let tokens = tokens::Service::new(tokens::Parts {
            tiers,
            metrics: Arc::default(),
            auth: Arc::clone(&auth),
            keys: Arc::clone(&keys),
            storage: Arc::clone(&storage),
            recorder,
            random: Arc::clone(secrets.random()),
            clock: dyn_clock,
            issuer: ISSUER.to_owned(),
        });
        Self {
            clock,
            storage,
            secrets,
            keys,
            revocation,
            auth,
            tokens,
            admin,
            member,
            outsider,
            directory,
        }
    }

    /// The store's file.
    pub(crate) fn database(&self) -> std::path::PathBuf {
        self.directory.path().join("agentidp.db")
    }

    pub(crate) async fn set_status(&self, agent: &TestAgent, status: AgentStatus) {
        self.patch(
            agent,
            AgentPatch {
                status: Some(status),
                ..AgentPatch::default()
            },
        )
        .await;
    }

    pub(crate) async fn patch(&self, agent: &TestAgent, patch: AgentPatch) {
        let update = UpdateAgent {
            reach: Reach::Everywhere,
            agent: agent.id,
            actor: None,
            patch,
            at: self.clock.now(),
            events: AgentEvents::new(|_| Vec::new()),
        };
        self.storage.agents().update(update).await.unwrap();
    }

    /// Gives the agent's credential a new secret; the old one stops after `grace`.
    pub(crate) async fn rotate(&self, agent: &TestAgent, grace: Option<Duration>) -> TestAgent {
        let secret = self.secrets.generate_client_secret().unwrap();
        let rotation = RotateCredential {
            reach: Reach::Everywhere,
            agent: agent.id,
            credential: agent.credential,
            actor: None,
            secret_hash: self.secrets.hash_client_secret(&secret).unwrap(),
            expires_at: None,
            old_stops_at: grace.map(|grace| self.clock.now().plus(grace)),
            at: self.clock.now(),
            events: Vec::new(),
        };
        self.storage.credentials().rotate(rotation).await.unwrap();
        TestAgent {
            secret,
            ..agent.clone()
        }
    }

    /// Another credential for the agent.
    pub(crate) async fn credential(
        &self,
        agent: &TestAgent,
        scopes: Option<Vec<&str>>,
        expires_at: Option<Timestamp>,
    ) -> TestAgent {
        let secret = self.secrets.generate_client_secret().unwrap();
        let credential = NewCredential {
            credential_id: Uuid::now_v7(),
            agent_id: agent.id,
            secret_hash: self.secrets.hash_client_secret(&secret).unwrap(),
            scopes: scopes.map(|names| names.into_iter().map(str::to_owned).collect()),
            created_at: self.clock.now(),
            expires_at,
        };
        let made = TestAgent {
            credential: credential.credential_id,
            secret,
            ..agent.clone()
        };
        self.storage
            .credentials()
            .insert(Reach::Everywhere, None, credential, Vec::new())
            .await
            .unwrap();
        made
    }

    /// Events of that action in that organization, newest first.
    pub(crate) async fn events(&self, organization: Uuid, action: &str) -> Vec<StoredEvent> {
        let query = AuditQuery {
            reach: Reach::Organization(organization),
            filter: AuditFilter {
                action: crate::audit::AuditAction::parse(action),
                ..AuditFilter::default()
            },
            before: None,
            offset: 0,
            limit: 100,
            count_max: 1000,
        };
        self.storage.audit().query(query).await.unwrap().events
    }
}

/// Fills an empty store.
struct Population<'a> {
    storage: &'a dyn Storage,
    secrets: &'a Secrets,
    at: Timestamp,
}

impl Population<'_> {
    async fn settle(&self) -> (TestAgent, TestAgent, TestAgent) {
        let system = self.organization("system", true);
        let (admin, new_admin, credential) =
            self.agent(system.organization_id, AgentRole::Admin, "admin");
        let founding = Founding {
            organization: system.clone(),
            admin: new_admin,
            credential,
            events: Vec::new(),
        };
        self.storage.organizations().found(founding).await.unwrap();
        let member = self
            .insert(system.organization_id, AgentRole::Member, "member")
            .await;
        let other = self.organization("other", false);
        let other_id = other.organization_id;
        let none: Vec<NewEvent> = Vec::new();
        self.storage
            .organizations()
            .insert(other, none)
            .await
            .unwrap();
        let outsider = self.insert(other_id, AgentRole::Admin, "outsider").await;
        (admin, member, outsider)
    }

    async fn insert(&self, organization: Uuid, role: AgentRole, name: &str) -> TestAgent {
        let (agent, new, credential) = self.agent(organization, role, name);
        self.storage
            .agents()
            .insert(new, |_| None, Vec::new())
            .await
            .unwrap();
        self.storage
            .credentials()
            .insert(Reach::Everywhere, None, credential, Vec::new())
            .await
            .unwrap();
        agent
    }

    fn organization(&self, slug: &str, is_system: bool) -> OrganizationRecord {
        OrganizationRecord {
            organization_id: Uuid::now_v7(),
            name: slug.to_owned(),
            slug: slug.to_owned(),
            status: OrganizationStatus::Active,
            tier: Tier::Enterprise,
            is_system,
            created_at: self.at,
            updated_at: self.at,
        }
    }

    fn agent(
        &self,
        organization: Uuid,
        role: AgentRole,
        name: &str,
    ) -> (TestAgent, NewAgent, NewCredential) {
        let secret = self.secrets.generate_client_secret().unwrap();
        let (id, credential) = (Uuid::now_v7(), Uuid::now_v7());
        let new = NewAgent {
            agent_id: id,
            organization_id: organization,
            role,
            email: format!("{name}@example.com"),
            agent_type: AgentType::Custom,
            version: "1.0.0".to_owned(),
            capabilities: vec!["resume:read".to_owned()],
            owner: "team".to_owned(),
            deployment_env: DeploymentEnv::Production,
            is_public: false,
            created_at: self.at,
        };
        let stored = NewCredential {
            credential_id: credential,
            agent_id: id,
            secret_hash: self.secrets.hash_client_secret(&secret).unwrap(),
            scopes: None,
            created_at: self.at,
            expires_at: None,
        };
        let agent = TestAgent {
            id,
            organization,
            credential,
            secret,
        };
        (agent, new, stored)
    }
}
