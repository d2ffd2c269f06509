// The quick start: AGENTIDP_BASE_URL, AGENTIDP_CLIENT_ID and AGENTIDP_CLIENT_SECRET say where and who.
import { AgentIdPClient, AgentStatus, NotFoundError } from '@sentryagent/idp-sdk';

const client = new AgentIdPClient();
const say = (step, what) => console.log(`${step}: ${what}`);

const email = `screener-${Date.now()}-${process.pid}@example.com`;
const agent = await client.agents.registerAgent({
  email,
  agentType: 'screener',
  version: '1.0.0',
  capabilities: ['resume:read'],
  owner: 'talent',
  deploymentEnv: 'development',
});
const { agentId } = agent;
say('register', `${email} is ${agent.status} since ${agent.createdAt.toISOString()}`);

const { data, total } = await client.agents.listAgents({ status: AgentStatus.Active, page: 1, limit: 20 });
say('list', `${data.length} of ${total} active agents`);
const credential = await client.credentials.generateCredential(agentId);
say('credential', `${credential.credentialId} is ${credential.status}`);

// The new agent itself: its client gets a token with the first call.
const own = new AgentIdPClient({
  clientId: agentId,
  clientSecret: credential.clientSecret,
});
const token = await own.tokens.issueToken();
const itself = await own.agents.getAgent(agentId);
say('token', `${itself.email} read itself; a token lives ${token.expires_in} s`);

const seen = await client.tokens.introspectToken(token.access_token);
say('introspect', `active is ${seen.active}`);
const rotated = await client.credentials.rotateCredential(agentId, credential.credentialId);
say('rotate', `${rotated.credentialId} has a new secret`);

try {
  await client.agents.getAgent('00000000-0000-4000-8000-000000000000');
} catch (error) {
  if (!(error instanceof NotFoundError)) throw error;
  say('not-found', error.code);
}
let events = 0;
for await (const _ of client.audit.queryAuditLogIter({ agentId })) events += 1;
say('audit', `${events} events`);
await client.agents.decommissionAgent(agentId);
say('decommission', `${email} is gone for good`);
