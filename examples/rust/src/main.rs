//! The quick start: AGENTIDP_BASE_URL, AGENTIDP_CLIENT_ID and AGENTIDP_CLIENT_SECRET say where and who.

use sentryagent_idp::{AgentIdPClient, Error, models::*};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let client = AgentIdPClient::from_env()?;
    let (agents, credentials) = (client.agents(), client.credentials());

    let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    let email = format!("screener-{}@example.com", now.as_micros());
    let (kind, env) = (AgentType::Screener, DeploymentEnv::Development);
    let request = RegisterAgentRequest::new(email, kind, "1.0.0", ["resume:read"], "talent", env);
    let agent = agents.register_agent(request).await?;
    let id = &agent.agent_id;
    println!("register: {} is {}", agent.email, agent.status);

    let active = ListAgentsParams::new().with_status("active");
    let page = agents.list_agents(active).await?;
    println!("list: {} active agents", page.total);

    let issued = credentials.generate_credential(id, None).await?;
    println!("credential: {} is {}", issued.credential_id, issued.status);

    // The new agent itself: its client gets a token with the first call.
    let builder = AgentIdPClient::builder().client_id(id);
    let own = builder.client_secret(issued.client_secret).build()?;
    let token = own.tokens().issue_token(None).await?;
    let itself = own.agents().get_agent(id).await?;
    println!("token: {} for {} s", itself.email, token.expires_in);

    let token = token.access_token.expose_secret();
    let seen = client.tokens().introspect_token(token).await?;
    println!("introspect: active is {}", seen.active);

    let rotate = credentials.rotate_credential(id, &issued.credential_id, None);
    let rotated = rotate.await?;
    println!("rotate: {} has a new secret", rotated.credential_id);

    let nobody = "00000000-0000-4000-8000-000000000000";
    match agents.get_agent(nobody).await {
        Err(error) if error.is_not_found() => println!("not-found: {}", error.code()),
        other => println!("not-found: expected an error, got {other:?}"),
    }

    let about = QueryAuditLogParams::new().with_agent_id(id);
    let trail = client.audit().query_audit_log(about).await?;
    println!("audit: {} events", trail.data.len());

    agents.decommission_agent(id).await?;
    println!("decommission: {} is gone for good", agent.email);
    Ok(())
}
