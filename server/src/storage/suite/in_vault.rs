//! What is left in Vault after a revocation.

use super::{
    Backend, Bench,
    credentials::{revoke, rotate},
    event,
};
use crate::{
    audit::AuditAction,
    generated::types::AgentRole,
    storage::{AgentEvents, DecommissionAgent, LeftInVault, Reach},
};

pub async fn what_is_left_there_is_found_until_it_is_replaced<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let agent = bench.agent(organization, AgentRole::Member).await;
    let credentials = bench.storage().credentials();
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(bench.credential(agent.agent_id).await);
    }
    // The second stays where it is, the third goes on to live, the fourth ends with its agent.
    for (index, stored) in [(0, "vault$a"), (2, "vault$c"), (3, "vault$d")] {
        let id = all[index].credential_id;
        credentials
            .replace_hash(id, "hash-0", stored)
            .await
            .unwrap();
    }
    rotate(bench, &all[0], "vault$b", Some(bench.later(60)))
        .await
        .unwrap();
    for credential in &all[..2] {
        revoke(bench, credential).await.unwrap();
    }
    let left = |index: usize, stored: &str, ended_with_agent| LeftInVault {
        agent_id: agent.agent_id,
        credential_id: all[index].credential_id,
        stored: stored.to_owned(),
        ended_with_agent,
    };
    assert_eq!(
        credentials.left_in_vault(9).await.unwrap(),
        [left(0, "vault$b", false)]
    );

    let end = DecommissionAgent {
        reach: Reach::Everywhere,
        agent: agent.agent_id,
        actor: None,
        at: bench.now(),
        events: AgentEvents::new(|change| {
            let after = &change.after;
            let about = Some(after.agent_id);
            vec![event(
                after.organization_id,
                about,
                AuditAction::AgentDecommissioned,
            )]
        }),
    };
    bench.storage().agents().decommission(end).await.unwrap();
    let expected = [
        left(0, "vault$b", false),
        left(2, "vault$c", true),
        left(3, "vault$d", true),
    ];
    assert_eq!(credentials.left_in_vault(9).await.unwrap(), expected);
    assert_eq!(credentials.left_in_vault(2).await.unwrap(), expected[..2]);

    for gone in &expected {
        let id = gone.credential_id;
        credentials
            .replace_hash(id, &gone.stored, "removed")
            .await
            .unwrap();
    }
    assert!(credentials.left_in_vault(9).await.unwrap().is_empty());
}
