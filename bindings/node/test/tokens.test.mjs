// The token cache, sentence by sentence, through the binding: by a clock that stands still.
import assert from 'node:assert/strict';
import { after, beforeEach, afterEach, describe, it } from 'node:test';
import { AgentIdPClient, AuthenticationError, ServerError, TokenManager } from '@sentryagent/idp-sdk';
import { ManualClock } from '@sentryagent/idp-sdk/testing';
import { AGENT, SECRET, TOKEN, configOf, json, serve } from './support/server.mjs';

describe('tokens', { timeout: 60_000 }, () => {
  const servers = [];
  let clock, server, issue, client, tokens;
  const numbered = (_, response, count) => json(response, 200, { ...TOKEN, access_token: `token-${count}` });
  const failing = (_, response) => json(response, 500, { code: 'INTERNAL_SERVER_ERROR', message: 'no' });

  beforeEach(async () => {
    issue = numbered;
    clock = new ManualClock();
    server = await serve({ token: (request, response, count) => issue(request, response, count) });
    servers.push(server);
    client = new AgentIdPClient({ ...configOf(server), clock, retries: 0 });
    tokens = new TokenManager(client);
  });
  afterEach(() => server.close());
  after(() => assert.ok(servers.length > 0));

  it('answers a cached token without another request, inline', async () => {
    assert.equal(await tokens.getToken(), 'token-1');
    // Not a turn of the loop, only the microtasks of the promises.
    let turned = false;
    setImmediate(() => (turned = true));
    for (let i = 0; i < 1000; i++) assert.equal(await tokens.getToken(), 'token-1');
    assert.equal(turned, false);
    assert.equal(server.tokens.length, 1);
  });

  it('renews in the background within the last five minutes, while the old one serves', async () => {
    await tokens.getToken();
    clock.advance(3600 - 300 - 1);
    assert.equal(await tokens.getToken(), 'token-1');
    assert.equal(server.tokens.length, 1);
    clock.advance(200);
    assert.equal(await tokens.getToken(), 'token-1');
    await server.until(() => server.tokens.length === 2);
    while ((await tokens.getToken()) === 'token-1') await new Promise(setImmediate);
    assert.equal(await tokens.getToken(), 'token-2');
    assert.equal(server.tokens.length, 2);
  });

  it('lets callers wait under a minute, and hands out nothing that has ended', async () => {
    await tokens.getToken();
    clock.advance(3600 - 59);
    assert.equal(await tokens.getToken(), 'token-2');
    clock.advance(3600);
    issue = failing;
    await assert.rejects(tokens.getToken(), ServerError);
  });

  it('serves the old one while the endpoint is down: no caller sees that', async () => {
    await tokens.getToken();
    issue = failing;
    clock.advance(3600 - 100);
    for (let i = 0; i < 20; i++) assert.equal(await tokens.getToken(), 'token-1');
    await server.until(() => server.tokens.length === 2);
    assert.equal((await client.agents.getAgent(AGENT.agentId)).agentId, AGENT.agentId);
  });

  it('shares one attempt and its error with all who wait', async () => {
    issue = failing;
    const settled = await Promise.allSettled(Array.from({ length: 1000 }, () => tokens.getToken()));
    assert.ok(settled.every(({ reason }) => reason instanceof ServerError));
    // Each its own error object, with its own stack.
    assert.equal(new Set(settled.map(({ reason }) => reason)).size, 1000);
    assert.equal(server.tokens.length, 1);
  });

  it('drops a refused token once, and only that one', async () => {
    const refusing = await serve({
      token: numbered,
      handle: (request, response) =>
        request.headers.authorization === 'Bearer token-1'
          ? json(response, 401, { code: 'UNAUTHORIZED', message: 'no' })
          : json(response, 200, AGENT),
    });
    const target = new AgentIdPClient({ ...configOf(refusing), clock });
    const agents = await Promise.all(Array.from({ length: 50 }, () => target.agents.getAgent(AGENT.agentId)));
    assert.equal(agents.length, 50);
    assert.equal(refusing.tokens.length, 2);
    await refusing.close();
  });

  it('gives up after the second refusal', async () => {
    const refusing = await serve({
      token: numbered,
      handle: (_, r) => json(r, 401, { code: 'UNAUTHORIZED', message: 'no' }),
    });
    const target = new AgentIdPClient({ ...configOf(refusing), clock });
    await assert.rejects(target.agents.getAgent(AGENT.agentId), AuthenticationError);
    assert.equal(refusing.calls.length, 2);
    await refusing.close();
  });

  it('does not lose a renewal with the caller who began it', async () => {
    const asked = [];
    issue = (_, response) => asked.push(response);
    const controller = new AbortController();
    const first = tokens.getToken({ signal: controller.signal });
    const second = tokens.getToken();
    await server.until(() => asked.length === 1);
    controller.abort();
    await assert.rejects(first, { name: 'AbortError' });
    json(asked[0], 200, TOKEN);
    assert.equal(await second, TOKEN.access_token);
    assert.equal(server.tokens.length, 1);
  });

  it('watches the wall clock too: a machine that slept asks anew', async () => {
    await tokens.getToken();
    clock.jumpWall(3600);
    assert.equal(await tokens.getToken(), 'token-2');
  });

  it('is the cache of the client when it is made from one', async () => {
    await client.agents.getAgent(AGENT.agentId);
    assert.equal(await tokens.getToken(), 'token-1');
    tokens.clearTokenCache();
    await client.agents.getAgent(AGENT.agentId);
    assert.equal(server.calls.at(-1).headers.authorization, 'Bearer token-2');
  });

  it('takes the rest of a configuration too', async () => {
    const manager = new TokenManager(server.url, AGENT.agentId, SECRET, 'agents:read', {
      clock,
      headers: { 'x-team': 'red' },
    });
    await manager.getToken();
    assert.equal(server.tokens.at(-1).headers['x-team'], 'red');
  });
});
