// The mock server and the clock that come with the package.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { AgentIdPClient, ServerError, TokenManager } from '@sentryagent/idp-sdk';
import { ManualClock, MockServer } from '@sentryagent/idp-sdk/testing';
import { run } from './support/child.mjs';

describe('testing', { timeout: 60_000 }, () => {
  let mock, client;
  const folder = mkdtempSync(join(tmpdir(), 'agentidp-'));
  /** A program of that shell script. */
  const script = (source) => {
    const file = join(folder, `program-${programs++}`);
    writeFileSync(file, `#!/bin/sh\n${source}\n`, { mode: 0o755 });
    return file;
  };
  let programs = 0;
  before(async () => {
    mock = await MockServer.start();
    client = mock.client();
  });
  after(async () => {
    await mock.close();
    rmSync(folder, { recursive: true });
  });

  it('is a real server with a first agent', async () => {
    const agent = await client.agents.getAgent(mock.clientId);
    assert.equal(agent.organizationId, mock.organizationId);
    const own = new AgentIdPClient({ baseUrl: mock.baseUrl, clientId: mock.clientId, clientSecret: mock.clientSecret });
    assert.deepStrictEqual(await own.agents.getAgent(mock.clientId), agent);
  });

  it('shows what it was asked, secrets masked', async () => {
    await mock.reset();
    await client.agents.getAgent(mock.clientId, { headers: { 'x-team': 'red' } });
    const [seen] = await mock.requests();
    assert.equal(seen.method, 'GET');
    assert.equal(seen.path, `/api/v1/agents/${mock.clientId}`);
    assert.equal(seen.headers['x-team'], 'red');
    assert.match(seen.headers.authorization, /\*\*\*$/);
  });

  it('fails when it is told to, and the next try waits for the clock', async () => {
    await client.agents.getAgent(mock.clientId);
    await mock.failNext({ status: 503, path: '/api/v1/agents' });
    await assert.rejects(client.agents.getAgent(mock.clientId, { retries: 0 }), ServerError);
    await mock.failNext({ cut: true, path: '/api/v1/agents' });
    mock.clientClock.setRandom(1);
    const call = client.agents.getAgent(mock.clientId, { retries: 1 });
    const pause = await mock.clientClock.sleeping(1);
    assert.equal(pause, 0.5);
    await mock.clock.advance(pause);
    assert.equal((await call).agentId, mock.clientId);
    mock.clientClock.setRandom(0);
  });

  it('delays by parts of a second', async () => {
    await mock.failNext({ delaySeconds: 0.0015 });
    assert.equal((await client.agents.getAgent(mock.clientId)).agentId, mock.clientId);
  });

  it('lets an hour pass for server and clients at once', async () => {
    const tokens = new TokenManager(client);
    const first = await tokens.getToken();
    assert.equal(await tokens.getToken(), first);
    await mock.clock.advance(3601);
    const second = await tokens.getToken();
    assert.notEqual(second, first);
    assert.equal((await client.tokens.introspectToken(first)).active, false);
    assert.equal((await client.tokens.introspectToken(second)).active, true);
  });

  it('has a clock that stands still', () => {
    const clock = new ManualClock();
    const began = clock.now().getTime();
    clock.advance(1.5);
    assert.equal(clock.now().getTime(), began + 1500);
    clock.jumpWall(-1);
    assert.equal(clock.now().getTime(), began + 500);
  });

  it('keeps no test alive, and ends with it', async () => {
    const script = `import { MockServer } from '@sentryagent/idp-sdk/testing';
      const mock = await MockServer.start();
      console.log((await mock.client().agents.getAgent(mock.clientId)).status);`;
    const { code, stdout, stderr } = await run(script);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'active\n');
  });

  it('ends where something else ended the server', async () => {
    // A program that says what the server does, and is ended by a signal, as one that ran out of memory.
    const binary = script('echo "{}"; kill -KILL $$');
    const killed = await MockServer.start({ binary });
    await killed.close();
    await killed.close();
  });

  it('says so when the program is another, and leaves nothing of it', async () => {
    const source = `import { MockServer } from '@sentryagent/idp-sdk/testing';
      await MockServer.start({ binary: ${JSON.stringify(script('echo ready; exec cat'))} }).catch((e) => console.log(e.message));`;
    const { code, stdout, stderr } = await run(source);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /is not agentidp: it answers something else/);
  });

  it('says how to get the server where there is none', async () => {
    await assert.rejects(MockServer.start({ binary: '/nowhere/agentidp' }), /AGENTIDP_BIN.*PATH.*cargo build/s);
  });
});
