// Where the SDK's log goes.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { AgentIdPClient, TokenManager } from '@sentryagent/idp-sdk';
import { ManualClock } from '@sentryagent/idp-sdk/testing';
import { run } from './support/child.mjs';
import { AGENT, SECRET, TOKEN, configOf, json, serve } from './support/server.mjs';

/** Notes what it hears; `until` resolves with the first record that matches. */
function listener(levels = ['debug', 'info', 'warn', 'error']) {
  const heard = [];
  let woken = () => undefined;
  const note = (level) => (message, fields) => {
    heard.push({ level, message, fields });
    woken();
  };
  return {
    heard,
    logger: Object.fromEntries(levels.map((level) => [level, note(level)])),
    async until(match) {
      while (!heard.some(match)) await new Promise((resolve) => (woken = resolve));
      return heard.find(match);
    },
  };
}

describe('logging', { timeout: 60_000 }, () => {
  let server, issue;
  before(async () => {
    issue = (_, response) => json(response, 200, TOKEN);
    server = await serve({ token: (request, response) => issue(request, response) });
  });
  after(() => server.close());

  it('tells the logger of a client what concerns that client', async () => {
    const [mine, other] = [listener(), listener()];
    const client = new AgentIdPClient({ ...configOf(server), logger: mine.logger });
    const silent = new AgentIdPClient({ ...configOf(server), logger: other.logger });
    await client.agents.getAgent(AGENT.agentId);
    const { fields } = await mine.until(({ fields }) => fields.status === 200);
    assert.equal(fields.request_id, 'req-1');
    assert.deepEqual(other.heard, []);
    await silent.agents.getAgent(AGENT.agentId);
    await other.until(({ fields }) => fields.status === 200);
  });

  it('leaves out levels that the logger has no method for', async () => {
    const quiet = listener(['warn', 'error']);
    const loud = listener();
    const one = new AgentIdPClient({ ...configOf(server), logger: quiet.logger });
    const two = new AgentIdPClient({ ...configOf(server), logger: loud.logger });
    await Promise.all([one, two].map((client) => client.agents.getAgent(AGENT.agentId)));
    await loud.until(({ level }) => level === 'debug');
    assert.deepEqual(quiet.heard, []);
  });

  it('tells of a renewal in the background, although no call is out', async () => {
    const { logger, until, heard } = listener();
    const clock = new ManualClock();
    const tokens = new TokenManager(server.url, AGENT.agentId, SECRET, 'agents:read', { logger, clock, retries: 0 });
    await tokens.getToken();
    const asked = [];
    issue = (_, response) => asked.push(response);
    clock.advance(3600 - 100);
    assert.equal(await tokens.getToken(), TOKEN.access_token);
    await server.until(() => asked.length === 1);
    json(asked[0], 500, { code: 'INTERNAL_SERVER_ERROR', message: 'no' });
    // The request's server is this process: only the log's own bell can bring the record here.
    const { level } = await until(({ level }) => level === 'warn');
    assert.equal(level, 'warn');
    assert.ok(!JSON.stringify(heard).includes(SECRET) && !JSON.stringify(heard).includes(TOKEN.access_token));
    issue = (_, response) => json(response, 200, TOKEN);
  });

  it('keeps no process alive', async () => {
    const script = `import { AgentIdPClient } from '@sentryagent/idp-sdk';
      const logger = { debug: (message, fields) => console.log(message, fields.status ?? '') };
      const client = new AgentIdPClient({ logger });
      await client.agents.getAgent('${AGENT.agentId}');`;
    const env = { AGENTIDP_BASE_URL: server.url, AGENTIDP_CLIENT_ID: AGENT.agentId, AGENTIDP_CLIENT_SECRET: SECRET };
    const { code, stdout, stderr } = await run(script, { env });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /200/);
  });

  it('survives a logger that throws, and says so once', async () => {
    const warnings = [];
    const note = (warning) => warnings.push(warning);
    process.on('warning', note);
    const logger = {
      debug: () => {
        throw new Error('disk full');
      },
    };
    const client = new AgentIdPClient({ ...configOf(server), logger });
    for (let i = 0; i < 3; i++) await client.agents.getAgent(AGENT.agentId);
    while (warnings.length === 0) await new Promise(setImmediate);
    await client.agents.getAgent(AGENT.agentId);
    await new Promise(setImmediate);
    process.off('warning', note);
    assert.equal(warnings.filter(({ message }) => message.includes('disk full')).length, 1);
  });

  it('reaches the logger of a worker, and ends with it', async () => {
    const config = JSON.stringify(configOf(server));
    const worker = new Worker(
      `import('@sentryagent/idp-sdk').then(async ({ AgentIdPClient }) => {
        const { parentPort } = await import('node:worker_threads');
        const logger = { debug: (message, fields) => fields.status && parentPort.postMessage(fields.status) };
        const client = new AgentIdPClient({ ...${config}, logger });
        await client.agents.getAgent('${AGENT.agentId}'); });`,
      { eval: true },
    );
    const said = [];
    worker.on('message', (status) => said.push(status));
    await new Promise((resolve) => worker.on('exit', resolve));
    assert.ok(said.includes(200));
    // The main thread's loggers still hear.
    const { logger, until } = listener();
    await new AgentIdPClient({ ...configOf(server), logger }).agents.getAgent(AGENT.agentId);
    await until(({ fields }) => fields.status === 200);
  });

  it('forgets a logger with its client', async () => {
    let ref;
    await (async () => {
      const { logger } = listener();
      ref = new WeakRef(logger);
      await new AgentIdPClient({ ...configOf(server), logger }).agents.getAgent(AGENT.agentId);
    })();
    for (let i = 0; i < 200 && ref.deref() !== undefined; i++) {
      // Not in the turn that looked: looking keeps it alive for that turn.
      await new Promise(setImmediate);
      globalThis.gc();
      await new Promise(setImmediate);
    }
    assert.equal(ref.deref(), undefined);
  });
});
