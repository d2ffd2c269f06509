//! The quick start: AGENTIDP_BASE_URL, AGENTIDP_CLIENT_ID and AGENTIDP_CLIENT_SECRET say where and who.

use sentryagent_idp::{AgentIdPClient, Error};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let client = AgentIdPClient::from_env()?;

    let token = client.tokens().issue_token(None).await?;
    println!("token: lives {} s", token.expires_in);

    let id = std::env::var("AGENTIDP_CLIENT_ID").unwrap_or_default();
    let agent = client.agents().get_agent(id).await?;
    println!("agent: {} is {}", agent.email, agent.status);
    Ok(())
}
