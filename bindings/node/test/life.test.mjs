// How a process and a worker end.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { run } from './support/child.mjs';
import { AGENT, SECRET, json, never, serve } from './support/server.mjs';

describe('life', { timeout: 60_000 }, () => {
  let server, answer, env;
  before(async () => {
    server = await serve({ handle: (request, response) => answer(request, response) });
    env = { AGENTIDP_BASE_URL: server.url, AGENTIDP_CLIENT_ID: AGENT.agentId, AGENTIDP_CLIENT_SECRET: SECRET };
    // The native part reads the process's environment, also in workers.
    Object.assign(process.env, env);
  });
  after(() => {
    for (const name of Object.keys(env)) delete process.env[name];
    return server.close();
  });

  const head = `import { AgentIdPClient } from '@sentryagent/idp-sdk'; const client = new AgentIdPClient();`;
  const call = `client.agents.getAgent('${AGENT.agentId}')`;
  const succeed = (_, response) => json(response, 200, AGENT);

  it('ends by itself after its calls, whose results all arrive', async () => {
    answer = succeed;
    const script = `${head} ${call}.then((a) => console.log('one', a.status));
      Promise.all(Array.from({ length: 100 }, () => ${call})).then((all) => console.log('all', all.length));`;
    const { code, stdout, stderr } = await run(script, { env });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /one active/);
    assert.match(stdout, /all 100/);
  });

  it('ends by itself without a call, and after close', async () => {
    for (const more of ['', 'client.close();', `await ${call}; client.close();`]) {
      answer = succeed;
      const { code, stderr } = await run(head + more, { env });
      assert.equal(code, 0, stderr);
    }
  });

  it('ends by itself after an aborted call', async () => {
    answer = never;
    const script = `${head} try { await client.agents.getAgent('x', { signal: AbortSignal.timeout(30) }); }
      catch (e) { console.log(e.name); }`;
    const { code, stdout, stderr } = await run(script, { env });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'AbortError\n');
  });

  it('exits at once with calls out', async () => {
    answer = (request, response) => (request.url.endsWith('/go') ? succeed(request, response) : undefined);
    const script = `${head} for (let i = 0; i < 50; i++) void ${call};
      await client.agents.getAgent('go'); process.exit(7);`;
    const { code, signal, stderr } = await run(script, { env });
    assert.equal(signal, null);
    assert.equal(code, 7, stderr);
  });

  it('ends with an error that nobody caught', async () => {
    answer = (_, response) => json(response, 404, { code: 'AGENT_NOT_FOUND', message: 'no such agent' });
    const { code, stderr } = await run(`${head} await ${call};`, { env });
    assert.equal(code, 1);
    assert.match(stderr, /NotFoundError: no such agent/);
    assert.ok(!stderr.includes(SECRET));
  });

  /** What it says and how it ends are awaited from the start: both may come in one turn of the loop. */
  function inWorker(source) {
    const worker = new Worker(
      `import('@sentryagent/idp-sdk').then(async ({ AgentIdPClient }) => {
      const { parentPort } = await import('node:worker_threads'); const client = new AgentIdPClient(); ${source} });`,
      { eval: true },
    );
    return { worker, said: once(worker, 'message'), ended: once(worker, 'exit') };
  }

  it('serves worker threads, each by itself', async () => {
    answer = succeed;
    const workers = Array.from({ length: 8 }, () => inWorker(`parentPort.postMessage((await ${call}).status);`));
    for (const { said, ended } of workers) {
      assert.deepEqual(await said, ['active']);
      assert.deepEqual(await ended, [0]);
    }
  });

  it('lets workers be terminated with calls out', async () => {
    answer = never;
    for (let round = 0; round < 4; round++) {
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          const { worker, said } = inWorker(
            `for (let i = 0; i < 20; i++) void ${call}; parentPort.postMessage('out');`,
          );
          await said;
          await worker.terminate();
        }),
      );
    }
    answer = succeed;
    const { said, ended } = inWorker(`parentPort.postMessage((await ${call}).status);`);
    assert.deepEqual(await said, ['active']);
    assert.deepEqual(await ended, [0]);
  });

  it('stops on the wire what a terminated worker had out', async () => {
    answer = never;
    const before = { calls: server.calls.length, hangUps: server.hangUps.length };
    const { worker } = inWorker(`parentPort.on('message', () => undefined); void ${call};`);
    await server.until(() => server.calls.length > before.calls);
    await worker.terminate();
    await server.until(() => server.hangUps.length > before.hangUps);
  });
});
