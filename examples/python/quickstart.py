"""Quick start: the whole life of an agent. Configured by the AGENTIDP_ variables."""

import time

from sentryagent_idp import AgentIdPClient, AgentType, NotFoundError, RegisterAgentRequest

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


def main() -> None:
    """Takes each step and says what happened."""
    with AgentIdPClient() as client:
        agent = client.agents.register_agent(
            RegisterAgentRequest(
                email=f"screener-{time.time_ns()}@example.com",
                agent_type=AgentType.SCREENER,
                version="1.0.0",
                capabilities=["resume:read"],
                owner="talent-acquisition",
                deployment_env="development",
            )
        )
        print(f"register: {agent.email} is {agent.status}")

        page = client.agents.list_agents(status="active", limit=20)
        print(f"list: {page.total} active agents, the newest is {page.data[0].email}")

        credential = client.credentials.generate_credential(agent.agent_id)
        print(f"credential: {credential.credential_id} is {credential.status}")

        # The new agent on its own: the SDK gets, caches and renews its token.
        with AgentIdPClient(
            client_id=agent.agent_id, client_secret=credential.client_secret, scopes=["agents:read"]
        ) as itself:
            token = itself.tokens.issue_token(scope="agents:read")
            me = itself.agents.get_agent(agent.agent_id)
            print(f"token: valid for {token.expires_in} s; the API knows {me.email}")

        claims = client.tokens.introspect_token(token.access_token)
        print(f"introspect: active is {claims.active}, scope {claims.scope}")

        rotated = client.credentials.rotate_credential(agent.agent_id, credential.credential_id)
        print(f"rotate: {rotated.credential_id} has a new secret")

        try:
            client.agents.get_agent(UNKNOWN_ID)
        except NotFoundError as error:
            print(f"not-found: {error.code} ({error.http_status})")

        events = client.audit.query_audit_log_iter(agent_id=agent.agent_id)
        print(f"audit: {', '.join(event.action for event in events)}")

        client.agents.decommission_agent(agent.agent_id)
        print(f"decommission: now {client.agents.get_agent(agent.agent_id).status}")


if __name__ == "__main__":
    main()
