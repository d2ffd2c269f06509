import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { AbortError, AgentIdPClient, AgentIdPError, ApiTimeoutError, TokenManager } from '@sentryagent/idp-sdk';
import { AGENT, SECRET, TOKEN, configOf, json, never, serve } from './support/server.mjs';

describe('calls', { timeout: 60_000 }, () => {
  let server, client, answer;
  before(async () => {
    server = await serve({ handle: (request, response, count) => answer(request, response, count) });
    client = new AgentIdPClient(configOf(server));
  });
  after(() => server.close());

  const succeed = (_, response) => json(response, 200, AGENT);

  it('sends what a call asks for', async () => {
    answer = succeed;
    await client.agents.getAgent(AGENT.agentId, { headers: { 'X-Team': 'red' }, requestId: 'my-request' });
    const { headers, url, method } = server.calls.at(-1);
    assert.equal(method, 'GET');
    assert.equal(url, `/api/v1/agents/${AGENT.agentId}`);
    assert.equal(headers.authorization, `Bearer ${TOKEN.access_token}`);
    assert.equal(headers['x-team'], 'red');
    assert.equal(headers['x-request-id'], 'my-request');
    assert.match(
      headers['user-agent'],
      new RegExp(`^sentryagent-idp/\\d+\\.\\d+\\.\\d+ \\(node .*${process.versions.node}`),
    );
  });

  it('makes one token request for a thousand callers on a cold client', async () => {
    answer = succeed;
    const cold = new AgentIdPClient({ ...configOf(server), scopes: ['agents:read'] });
    const before = server.tokens.length;
    const agents = await Promise.all(Array.from({ length: 1000 }, () => cold.agents.getAgent(AGENT.agentId)));
    assert.equal(agents.length, 1000);
    assert.equal(server.tokens.length - before, 1);
  });

  it('answers many large values in order of their ids', async () => {
    const filler = 'ü'.repeat(20_000);
    answer = (request, response) => json(response, 200, { ...AGENT, agentId: request.url.split('/').at(-1), filler });
    const ids = Array.from({ length: 300 }, (_, i) => `id-${i}`);
    const agents = await Promise.all(ids.map((id) => client.agents.getAgent(id)));
    assert.deepEqual(
      agents.map((a) => a.agentId),
      ids,
    );
    assert.ok(agents.every((a) => a.filler === filler));
  });

  it('gives status, headers and request id with the value', async () => {
    answer = (_, response) =>
      json(response, 200, AGENT, { 'x-ratelimit-remaining': '7', 'set-cookie': ['a=1', 'b=2'] });
    const answered = await client.agents.withResponse.getAgent(AGENT.agentId);
    assert.equal(answered.status, 200);
    assert.equal(answered.requestId, 'req-1');
    assert.equal(answered.retryCount, 0);
    assert.equal(answered.headers['x-ratelimit-remaining'], '7');
    assert.equal(answered.headers['set-cookie'], 'a=1, b=2');
    assert.ok(answered.data.createdAt instanceof Date);
  });

  it('gives status, headers and request id of an error too', async () => {
    answer = (_, response) =>
      json(
        response,
        404,
        { code: 'AGENT_NOT_FOUND', message: 'no' },
        { 'x-ratelimit-remaining': '6', 'set-cookie': 'a=1' },
      );
    const error = await client.agents.getAgent(AGENT.agentId).catch((e) => e);
    assert.equal(error.httpStatus, 404);
    assert.equal(error.requestId, 'req-1');
    assert.equal(error.headers['x-ratelimit-remaining'], '6');
    assert.equal(error.headers['set-cookie'], undefined);
    assert.ok(Object.isFrozen(error.headers));
    assert.ok(!Object.keys(error).includes('headers'), 'not in every log');
  });

  it('takes time, tries, headers and ids for one call', async () => {
    answer = (_, response) =>
      json(response, 429, { code: 'RATE_LIMIT_EXCEEDED', message: 'no' }, { 'retry-after': '0' });
    const before = server.calls.length;
    const options = {
      retries: 3,
      timeoutMs: 20_000,
      connectTimeoutMs: 1000,
      requestId: 'mine',
      headers: { 'x-a': 'b' },
    };
    const error = await client.agents.getAgent(AGENT.agentId, options).catch((e) => e);
    assert.equal(error.retryCount, 3);
    const calls = server.calls.slice(before);
    assert.equal(calls.length, 4);
    for (const { headers } of calls) assert.deepEqual([headers['x-request-id'], headers['x-a']], ['mine', 'b']);
    await assert.rejects(client.agents.getAgent(AGENT.agentId, { timeoutMs: 0 }), { code: 'VALIDATION_ERROR' });
  });

  it('hands over in order what several clients start in one turn', async () => {
    answer = (request, response) => json(response, 200, { ...AGENT, agentId: request.url.split('/').at(-1) });
    const [one, two] = [client, new AgentIdPClient(configOf(server))];
    const controller = new AbortController();
    const calls = Array.from({ length: 20 }, (_, i) => (i % 2 ? one : two).agents.getAgent(`id-${i}`));
    const stopped = assert.rejects(one.agents.getAgent('stopped', { signal: controller.signal }), {
      name: 'AbortError',
    });
    // Before anything was handed over.
    controller.abort();
    assert.deepEqual(
      (await Promise.all(calls)).map(({ agentId }) => agentId),
      calls.map((_, i) => `id-${i}`),
    );
    await stopped;
    assert.ok(!server.calls.some(({ url }) => url.endsWith('stopped')));
  });

  it('does not start what is aborted already', async () => {
    const before = server.calls.length;
    const reason = new Error('changed my mind');
    const error = await client.agents.getAgent(AGENT.agentId, { signal: AbortSignal.abort(reason) }).catch((e) => e);
    assert.equal(error.name, 'AbortError');
    assert.equal(error.code, 'ABORT_ERR');
    assert.equal(error.cause, reason);
    assert.ok(error instanceof AbortError && error instanceof AgentIdPError);
    assert.equal(server.calls.length, before);
  });

  it('stops an aborted call on the wire', async () => {
    answer = never;
    const controller = new AbortController();
    const before = server.calls.length;
    const hungUp = server.hangUps.length;
    const call = client.agents.getAgent(AGENT.agentId, { signal: controller.signal });
    await server.until(() => server.calls.length > before);
    controller.abort();
    const error = await call.catch((e) => e);
    assert.equal(error.name, 'AbortError');
    assert.equal(error.cause, controller.signal.reason);
    await server.until(() => server.hangUps.length > hungUp);
  });

  it('tells a signal that timed out', async () => {
    answer = never;
    const error = await client.agents.getAgent(AGENT.agentId, { signal: AbortSignal.timeout(30) }).catch((e) => e);
    assert.equal(error.name, 'AbortError');
    assert.equal(error.cause.name, 'TimeoutError');
    assert.ok(!(error instanceof ApiTimeoutError));
  });

  it('shares one listener of a signal among all its calls, and ends them all', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const calls = Array.from({ length: 20 }, () => client.agents.getAgent(AGENT.agentId, { signal }));
    // Node warns of a leak from the eleventh on.
    assert.equal(getEventListeners(signal, 'abort').length, 1);
    controller.abort('enough');
    for (const { reason } of await Promise.allSettled(calls)) assert.equal(reason.cause, 'enough');
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  it('leaves no listener on a signal', async () => {
    answer = succeed;
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 5 }, () => client.agents.getAgent(AGENT.agentId, { signal })));
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  it('goes on for the others when one of them is aborted before the token is there', async () => {
    answer = succeed;
    const asked = [];
    const slow = await serve({ handle: succeed, token: (_, response) => asked.push(response) });
    const cold = new AgentIdPClient(configOf(slow));
    const controller = new AbortController();
    const first = cold.agents.getAgent(AGENT.agentId, { signal: controller.signal });
    await slow.until(() => asked.length === 1);
    const second = cold.agents.getAgent(AGENT.agentId);
    controller.abort();
    await assert.rejects(first, { name: 'AbortError' });
    json(asked[0], 200, TOKEN);
    assert.equal((await second).agentId, AGENT.agentId);
    assert.equal(slow.tokens.length, 1);
    await slow.close();
  });

  it('does not block the event loop', async () => {
    answer = never;
    const call = client.agents.getAgent(AGENT.agentId, { timeoutMs: 200, retries: 0 }).catch((e) => e);
    let turns = 0;
    let waiting = true;
    void call.finally(() => (waiting = false));
    while (waiting) {
      turns++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(turns > 10, `${turns} turns of the loop`);
    assert.ok((await call) instanceof ApiTimeoutError);
  });

  it('asks for a new token after the cache was cleared', async () => {
    answer = succeed;
    await client.agents.getAgent(AGENT.agentId);
    const before = server.tokens.length;
    await client.agents.getAgent(AGENT.agentId);
    assert.equal(server.tokens.length, before);
    client.clearTokenCache();
    await client.agents.getAgent(AGENT.agentId);
    assert.equal(server.tokens.length, before + 1);
  });

  it('sends a token request as a form with the client of the configuration', async () => {
    await client.tokens.issueToken({ scope: 'agents:read' });
    const form = new URLSearchParams(server.tokens.at(-1).body);
    assert.equal(form.get('grant_type'), 'client_credentials');
    assert.equal(form.get('client_id'), AGENT.agentId);
    assert.equal(form.get('client_secret'), SECRET);
    assert.equal(form.get('scope'), 'agents:read');
  });

  it('shares one token between clients that are built apart', async () => {
    answer = succeed;
    const scopes = ['audit:read', 'agents:read'];
    const [one, two] = [1, 2].map(() => new AgentIdPClient({ ...configOf(server), scopes }));
    const alone = new TokenManager(server.url, AGENT.agentId, SECRET, 'agents:read audit:read');
    const before = server.tokens.length;
    await Promise.all([one.agents.getAgent(AGENT.agentId), two.agents.getAgent(AGENT.agentId), alone.getToken()]);
    assert.equal(server.tokens.length, before + 1);
    one.close();
    two.clearTokenCache();
    await alone.getToken();
    assert.equal(server.tokens.length, before + 2);
    two.close();
    alone.close();
  });

  it('manages tokens alone', async () => {
    const manager = new TokenManager(server.url, AGENT.agentId, SECRET, 'agents:read  tokens:read');
    const before = server.tokens.length;
    const found = await Promise.all(Array.from({ length: 20 }, () => manager.getToken()));
    assert.deepEqual(new Set(found), new Set([TOKEN.access_token]));
    assert.equal(server.tokens.length, before + 1);
    assert.equal(new URLSearchParams(server.tokens.at(-1).body).get('scope'), 'agents:read tokens:read');
    manager.clearTokenCache();
    await manager.getToken();
    assert.equal(server.tokens.length, before + 2);
    manager.close();
  });

  it('says where its configuration came from', () => {
    const report = JSON.stringify(client.explainConfiguration());
    assert.ok(report.includes(server.url), report);
    assert.ok(!report.includes(SECRET), report);
  });
});
