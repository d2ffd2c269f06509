// The quick start: AGENTIDP_BASE_URL, AGENTIDP_CLIENT_ID and AGENTIDP_CLIENT_SECRET say where and who.
import { AgentIdPClient } from '@sentryagent/idp-sdk';

const client = new AgentIdPClient();
const say = (step, what) => console.log(`${step}: ${what}`);

const token = await client.tokens.issueToken();
say('token', `issued a ${token.token_type} token for ${token.expires_in} s`);

const agent = await client.agents.getAgent(process.env.AGENTIDP_CLIENT_ID ?? '');
say('agent', `${agent.agentId} is ${agent.status} since ${agent.createdAt.toISOString()}`);
