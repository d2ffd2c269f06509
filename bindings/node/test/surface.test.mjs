// Each kind of method that the generator knows, once, against the wire.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { AgentIdPClient, CredentialWithSecret, ValidationError } from '@sentryagent/idp-sdk';
import { AGENT, SECRET, configOf, json, serve } from './support/server.mjs';

const CREDENTIAL = {
  credentialId: '0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a22',
  clientId: AGENT.agentId,
  status: 'active',
  scopes: null,
  createdAt: '2026-03-28T09:00:00.000Z',
  expiresAt: null,
  revokedAt: null,
  lastUsedAt: null,
  clientSecret: SECRET,
};

const EVENT = {
  eventId: '0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a33',
  sequence: 1,
  organizationId: AGENT.organizationId,
  agentId: AGENT.agentId,
  action: 'agent.created',
  outcome: 'success',
  ipAddress: '127.0.0.1',
  userAgent: 'test',
  metadata: { actorId: AGENT.agentId, deep: { list: [1] } },
  timestamp: '2026-03-28T09:00:00.000Z',
  salt: '00',
  payloadHash: '00',
  previousHash: '00',
  hash: '00',
};

describe('surface', { timeout: 60_000 }, () => {
  let server, client, answer;
  before(async () => {
    server = await serve({ handle: (request, response) => answer(request, response) });
    client = new AgentIdPClient(configOf(server));
  });
  after(() => server.close());

  const last = () => {
    const { method, url, headers, body } = server.calls.at(-1);
    return { method, url: new URL(url, server.url), headers, body };
  };

  it('sends a body as JSON with an idempotency key of its own', async () => {
    answer = (_, r) => json(r, 201, AGENT);
    const request = {
      email: AGENT.email,
      agentType: 'screener',
      version: '1.4.0',
      capabilities: [],
      owner: 'öwner',
      deploymentEnv: 'production',
    };
    await client.agents.registerAgent({ ...request, isPublic: undefined });
    assert.deepEqual(JSON.parse(last().body), request);
    assert.ok(last().headers['idempotency-key']);
    await client.agents.registerAgent(request, { idempotencyKey: 'my-key' });
    assert.equal(last().headers['idempotency-key'], 'my-key');
  });

  it('writes dates into bodies and queries and refuses an invalid one', async () => {
    answer = (_, r) => json(r, 201, CREDENTIAL);
    await client.credentials.generateCredential(AGENT.agentId, { expiresAt: new Date(0) });
    assert.deepEqual(JSON.parse(last().body), { expiresAt: '1970-01-01T00:00:00.000Z' });
    const before = server.calls.length;
    const error = await client.credentials
      .generateCredential(AGENT.agentId, { expiresAt: new Date('soon') })
      .catch((e) => e);
    assert.ok(error instanceof ValidationError && error.errors[0].field === 'expiresAt', String(error));
    assert.equal(server.calls.length, before);

    answer = (_, r) => json(r, 200, { verified: true, checkedCount: 0, brokenAtEventId: null });
    await client.audit.verifyAuditChain({ fromDate: new Date(0), toDate: '2026-01-31' });
    assert.equal(last().url.searchParams.get('fromDate'), '1970-01-01T00:00:00.000Z');
    assert.equal(last().url.searchParams.get('toDate'), '2026-01-31');
  });

  it('may leave out what is optional as a whole', async () => {
    answer = (_, r) => json(r, 201, CREDENTIAL);
    const issued = await client.credentials.generateCredential(AGENT.agentId);
    assert.equal(issued.clientSecret, SECRET);
    for (const shown of [inspect(issued), JSON.stringify(issued), JSON.stringify({ ...issued })]) {
      assert.ok(!shown.includes(SECRET), shown);
    }
    assert.deepEqual(CredentialWithSecret.toJSON(issued), CREDENTIAL);
  });

  it('answers nothing where nothing is answered, and still says how', async () => {
    answer = (_, r) => r.writeHead(204, { 'x-request-id': 'gone-1' }).end();
    assert.equal(await client.agents.decommissionAgent(AGENT.agentId), undefined);
    assert.equal(last().method, 'DELETE');
    const { status, data, requestId } = await client.agents.withResponse.decommissionAgent(AGENT.agentId);
    assert.deepEqual([status, data, requestId], [204, undefined, 'gone-1']);
  });

  it('takes a token by position and sends it in a form', async () => {
    answer = (_, r) => json(r, 200, { active: false });
    const seen = await client.tokens.introspectToken('a+b&c', { token_type_hint: 'access_token' });
    assert.equal(seen.active, false);
    const form = new URLSearchParams(last().body);
    assert.equal(form.get('token'), 'a+b&c');
    assert.equal(form.get('token_type_hint'), 'access_token');
    answer = (_, r) => r.writeHead(200).end();
    assert.equal(await client.tokens.revokeToken('x'), undefined);
  });

  it('iterates over pages', async () => {
    answer = (request, r) => {
      const query = new URL(request.url, server.url).searchParams;
      const page = Number(query.get('page') ?? 1);
      const data = [1, 2].map((n) => ({ ...AGENT, agentId: `${page}-${n}` }));
      json(r, 200, { data, total: 5, page, limit: 2 });
    };
    const ids = [];
    for await (const agent of client.agents.listAgentsIter({ status: 'active', limit: 2 })) {
      assert.ok(agent.createdAt instanceof Date);
      ids.push(agent.agentId);
    }
    assert.deepEqual(ids, ['1-1', '1-2', '2-1', '2-2', '3-1', '3-2']);
    assert.equal(last().url.search, '?status=active&limit=2&page=3');
  });

  it('iterates along cursors and keeps free JSON', async () => {
    answer = (request, r) => {
      const cursor = new URL(request.url, server.url).searchParams.get('cursor');
      const nextCursor = cursor === null ? 'second' : undefined;
      json(r, 200, { data: [EVENT], total: 2, totalIsExact: true, limit: 1, page: 1, nextCursor });
    };
    const events = [];
    for await (const event of client.audit.queryAuditLogIter({ limit: 1 })) events.push(event);
    assert.equal(events.length, 2);
    assert.equal(last().url.searchParams.get('cursor'), 'second');
    assert.deepEqual(events[0].metadata, EVENT.metadata);
    assert.ok(Object.isFrozen(events[0].metadata.deep.list));
  });

  it('returns what is a value although its status is 503', async () => {
    answer = (_, r) =>
      json(r, 503, {
        status: 'degraded',
        version: '1.0.0',
        uptimeSeconds: 1,
        services: { database: 'disconnected', cache: 'connected' },
      });
    const asked = server.calls.length;
    const { data, status } = await client.health.withResponse.getHealth();
    assert.equal(status, 503);
    assert.equal(data.services.database, 'disconnected');
    assert.equal(server.calls.length, asked + 1, 'not retried');
  });
});
