"""Quick start: gets a token, then reads the client's own agent.

Reads AGENTIDP_BASE_URL, AGENTIDP_CLIENT_ID and AGENTIDP_CLIENT_SECRET.
"""

import os

from sentryagent_idp import AgentIdPClient


def main() -> None:
    """Runs every step and prints one line for each."""
    with AgentIdPClient() as client:
        token = client.tokens.issue_token()
        print(f"token: valid for {token.expires_in} s")

        agent = client.agents.get_agent(os.environ["AGENTIDP_CLIENT_ID"])
        print(f"agent: {agent.email} is {agent.status}")


if __name__ == "__main__":
    main()
