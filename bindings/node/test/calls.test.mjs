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
    const cold = new AgentIdPClient(configOf(server));
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

  it('manages tokens alone', async () => {
    const manager = new TokenManager(server.url, AGENT.agentId, SECRET, 'agents:read  audit:read');
    const before = server.tokens.length;
    const found = await Promise.all(Array.from({ length: 20 }, () => manager.getToken()));
    assert.deepEqual(new Set(found), new Set([TOKEN.access_token]));
    assert.equal(server.tokens.length, before + 1);
    assert.equal(new URLSearchParams(server.tokens.at(-1).body).get('scope'), 'agents:read audit:read');
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
