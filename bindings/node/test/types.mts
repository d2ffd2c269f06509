// Compiled, never run: what the types promise to callers.
import {
  AbortError,
  Agent,
  AgentIdPClient,
  AgentIdPError,
  AgentStatus,
  NotFoundError,
  RateLimitError,
  TokenManager,
  TokenVerifier,
  ValidationError,
  verifyAuditEvents,
  verifyWebhook,
  type AgentIdPClientConfig,
  type ApiResponse,
  type CallOptions,
  type Logger,
  type TokenResponse,
  type VerifiedToken,
} from '@sentryagent/idp-sdk';
import * as express from '@sentryagent/idp-sdk/express';
import * as forFastify from '@sentryagent/idp-sdk/fastify';
import * as forHono from '@sentryagent/idp-sdk/hono';
import { ManualClock, MockServer } from '@sentryagent/idp-sdk/testing';
import type { Application } from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';

const config: AgentIdPClientConfig = { baseUrl: '', clientId: '', clientSecret: '', scopes: ['agents:read'] };
const client = new AgentIdPClient(config);
const options: CallOptions = { timeoutMs: 1, retries: 0, headers: {}, requestId: 'a', signal: AbortSignal.timeout(1) };

const agent: Agent = await client.agents.getAgent('id', options);
const created: number = agent.createdAt.getTime();
const did: string | null = agent.did;
const tags: readonly string[] = agent.capabilities;
// @ts-expect-error values are immutable
agent.owner = 'me';
// @ts-expect-error so are their lists
agent.capabilities.push('x');
// @ts-expect-error an id is text
await client.agents.getAgent(1);
// @ts-expect-error there is no such setting
await client.agents.getAgent('id', { timeout: 1 });

// An enum is open, its known values complete in an editor.
const known: AgentStatus = AgentStatus.Active;
const unknown: AgentStatus = 'dreaming';
if (agent.status === 'active' || agent.status === AgentStatus.Suspended)
  console.log(created, did, tags, known, unknown);

const token: TokenResponse = await client.tokens.issueToken();
const text: string = token.access_token + String(token.expires_in);
const answered: ApiResponse<Agent> = await client.agents.withResponse.getAgent('id');
const remaining: string | undefined = answered.headers['x-ratelimit-remaining'];
const managed: string = await new TokenManager('', '', '', 'agents:read').getToken({ signal: AbortSignal.timeout(1) });
console.log(text, remaining, managed, Agent.toJSON(Agent.fromJSON({})));

try {
  using short = new AgentIdPClient();
  short.clearTokenCache();
} catch (error) {
  if (error instanceof ValidationError) console.log(error.errors[0]?.field);
  else if (error instanceof RateLimitError) console.log(error.retryAfter ?? 0);
  else if (error instanceof NotFoundError || error instanceof AbortError) console.log(error.code, error.requestId);
  else if (error instanceof AgentIdPError) console.log(error.httpStatus, error.details, error.oauthError, error.cause);
}

// The snippets of the SDK's description, with only their ellipses filled.
const [baseUrl, clientId, clientSecret, scope] = ['', '', '', ''];
{
  const client = new AgentIdPClient({ baseUrl, clientId, clientSecret, scopes: [scope] });
  const [email, agentType, version, capabilities, owner, deploymentEnv] = [
    '',
    'screener',
    '',
    [''],
    '',
    'staging',
  ] as const;
  const { agentId } = await client.agents.registerAgent({
    email,
    agentType,
    version,
    capabilities,
    owner,
    deploymentEnv,
  });
  const { data, total } = await client.agents.listAgents({ status: 'active', page: 1, limit: 20 });
  await client.credentials.generateCredential(agentId, { expiresAt: new Date() });
  await client.credentials.generateCredential(agentId);
  client.clearTokenCache();
  console.log(data[0]?.agentId, total, new TokenManager(baseUrl, clientId, clientSecret, scope).getToken());
}

// Lists as iterators; what nothing is answered to; ids and tokens by position.
for await (const event of client.audit.queryAuditLogIter({ fromDate: new Date(), action: 'agent.created' })) {
  const when: number = event.timestamp.getTime();
  console.log(when, event.metadata['actorId']);
}
const nothing: void = await client.agents.decommissionAgent('id');
const empty: ApiResponse<void> = await client.agents.withResponse.decommissionAgent('id');
const introspected: boolean = (await client.tokens.introspectToken('token', { token_type_hint: 'access_token' }))
  .active;
await client.tokens.revokeToken('token', undefined, { retries: 0 });
// @ts-expect-error a form field that has a place of its own is not given twice
await client.tokens.revokeToken('token', { token: 'other' });
// @ts-expect-error what must be given must be given
await client.agents.registerAgent({ email: '' });
console.log(nothing, empty.status, introspected);

// What is verified here, and by whom: the adapters fit the frameworks' own types, which they do not import.
const verifier = new TokenVerifier({
  issuer: '',
  audience: ['a', 'b'],
  leewaySeconds: 5,
  requiredScopes: [''],
  client,
});
const verified: VerifiedToken = await verifier.verify('', { requiredScopes: ['agents:read'], signal: options.signal });
const until: number = verified.expiresAt.getTime();
// @ts-expect-error an issuer must be named
new TokenVerifier({ audience: '' });
declare const app: Application;
app.use(express.requireToken(verifier));
app.get('/', express.requireToken(verifier, { scopes: ['a'], realm: 'r' }), (request, response) => {
  response.json({ subject: express.tokenOf(request).subject });
});
fastify().get('/', { onRequest: forFastify.requireToken(verifier) }, (request) => forFastify.tokenOf(request).scopes);
fastify().addHook('preHandler', forFastify.requireToken(verifier));
new Hono().use('*', forHono.requireToken(verifier)).get('/', (c) => c.json(forHono.tokenOf(c).claims['sub'] as string));

// Webhooks with the headers of Node, of fetch, and as pairs; events of the SDK.
const payload: unknown = verifyWebhook(new Uint8Array(), new Headers(), ['whsec_']);
verifyWebhook('', { a: ['b'], c: undefined }, 'whsec_', { toleranceSeconds: 1, now: new Date() });
for await (const event of client.audit.queryAuditLogIter()) console.log(verifyAuditEvents([event]).brokenAtEventId);

// Logs, traces and tests.
const logger: Logger = console;
const clock = new ManualClock();
await using mock = await MockServer.start();
const tested: AgentIdPClient = mock.client({ logger, traceparent: () => undefined, clock, proxy: '', clientKey: '' });
await mock.failNext({ status: 503, retryAfter: 1, count: 2 });
await mock.clock.advance(1);
console.log(until, payload, new TokenManager(tested).getToken(), (await mock.requests())[0]?.headers['x']);
