//! Agents that many ask for at once.

use super::*;
use crate::{
    generated::types::{AgentRole, AgentType, DeploymentEnv},
    storage::{NewAgent, Reach, StorageError},
};

async fn register(file: &OneFile, organization: Uuid) -> Uuid {
    let id = Uuid::now_v7();
    let agent = NewAgent {
        agent_id: id,
        organization_id: organization,
        role: AgentRole::Member,
        email: format!("{}@example.com", id.simple()),
        agent_type: AgentType::Monitor,
        version: "1.0.0".to_owned(),
        capabilities: vec!["read".to_owned()],
        owner: "somebody".to_owned(),
        deployment_env: DeploymentEnv::Staging,
        is_public: false,
        created_at: file.clock.now(),
    };
    let agents = file.storage.agents();
    agents.insert(agent, |_| None, Vec::new()).await.unwrap();
    id
}

#[tokio::test]
async fn everybody_who_asks_at_once_gets_the_agent_that_was_asked_for() {
    let file = OneFile::fresh(clock()).await;
    let organization = file.organization().await;
    let mut agents = Vec::new();
    for _ in 0..70 {
        agents.push(register(&file, organization).await);
    }
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", file.path().display()))
        .await
        .unwrap();
    sqlx::query("UPDATE agents SET capabilities = 'broken' WHERE agent_id = ?")
        .bind(agents[7].as_bytes().to_vec())
        .execute(&mut connection)
        .await
        .unwrap();
    // More than one question takes; some are asked for twice, one is not there, one is unreadable.
    let unknown = Uuid::now_v7();
    let asked = [&agents[..], &agents[..9], &[unknown]].concat();
    let store = file.storage.agents();
    let asking = asked.iter().map(|id| store.get(Reach::Everywhere, *id));
    let answers = futures_util::future::join_all(asking).await;
    for (id, answer) in asked.iter().zip(answers) {
        if *id == agents[7] {
            assert!(matches!(answer, Err(StorageError::Corrupt(_))));
        } else {
            let found = answer.unwrap().map(|agent| agent.agent_id);
            assert_eq!(found, (*id != unknown).then_some(*id));
        }
    }
}

#[tokio::test]
async fn a_closed_store_finds_nobody() {
    let file = OneFile::fresh(clock()).await;
    let agent = register(&file, file.organization().await).await;
    file.storage.close().await;
    let answer = file.storage.agents().get(Reach::Everywhere, agent).await;
    assert!(matches!(answer, Err(StorageError::Unavailable(_))));
}
