// Nothing shows a secret that was not asked for it by name.
import assert from 'node:assert/strict';
import { Console } from 'node:console';
import { after, before, describe, it } from 'node:test';
import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import { AgentIdPClient, TokenManager, TokenVerifier, verifyWebhook } from '@sentryagent/idp-sdk';
import { MockServer } from '@sentryagent/idp-sdk/testing';
import { run } from './support/child.mjs';
import { AGENT, SECRET, TOKEN, configOf, json, serve } from './support/server.mjs';

const CREDENTIAL = {
  credentialId: '0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a22',
  clientId: AGENT.agentId,
  status: 'active',
  scopes: null,
  createdAt: '2026-03-28T09:00:00.000Z',
  expiresAt: null,
  revokedAt: null,
  lastUsedAt: null,
  clientSecret: `sk_live_${'cd'.repeat(32)}`,
};
const WEBHOOK = `whsec_${Buffer.from('a secret of webhooks').toString('base64')}`;
const FOREIGN = 'header.payload.a-token-that-somebody-sent-us';
const SECRETS = [SECRET, TOKEN.access_token, CREDENTIAL.clientSecret, WEBHOOK, WEBHOOK.slice(6), FOREIGN];

/** All that a program may do to see a value. */
function shown(value) {
  const lines = [];
  const stream = new Writable({ write: (chunk, _, done) => done(lines.push(String(chunk))) });
  const console = new Console(stream, stream);
  for (const how of ['log', 'error', 'dir']) console[how](value);
  console.table([value]);
  console.log('%s %o %O %j', value, value, value, value);
  return [
    ...lines,
    ...[{}, { depth: 20, showHidden: true }, { showProxy: true, getters: true, depth: 20 }].map((o) =>
      inspect(value, o),
    ),
    inspect({ deep: { list: [value] } }, { depth: 20, showHidden: true }),
    String(value),
    JSON.stringify(value),
    JSON.stringify({ ...value }),
    Object.entries(value).join(),
    ...(value instanceof Error
      ? [value.stack, value.message, inspect(value.cause), JSON.stringify(value.toJSON?.())]
      : []),
  ];
}

describe('redaction', { timeout: 60_000 }, () => {
  let server, client, answer, mock;
  const records = [];
  const warnings = [];
  const warn = (warning) => warnings.push(`${warning} ${warning.stack}`);
  before(async () => {
    process.on('warning', warn);
    mock = await MockServer.start();
    server = await serve({ handle: (request, response) => answer(request, response) });
    const note = (message, fields) => records.push(JSON.stringify([message, fields]));
    client = new AgentIdPClient({
      ...configOf(server),
      logger: { debug: note, info: note, warn: note, error: note },
      retries: 0,
    });
  });
  after(async () => {
    process.off('warning', warn);
    await mock.close();
    await server.close();
  });

  const caught = (work) =>
    Promise.resolve()
      .then(work)
      .then(
        () => assert.fail('it succeeded'),
        (error) => error,
      );

  function clean(...values) {
    for (const text of values.flatMap(shown)) {
      for (const secret of [...SECRETS, mock.clientSecret]) assert.ok(!text?.includes(secret), text);
    }
  }

  it('holds for clients, managers, verifiers and mock servers', () => {
    const verifier = new TokenVerifier({ issuer: server.url, audience: 'a', client });
    clean(client, client.agents, client.agents.withResponse, new TokenManager(client), verifier, mock, mock.client());
    clean(client.explainConfiguration(), mock.client().explainConfiguration());
  });

  it('holds for what the server hands out', async () => {
    answer = (_, response) => json(response, 201, CREDENTIAL);
    const credential = await client.credentials.generateCredential(AGENT.agentId);
    const response = await client.credentials.withResponse.generateCredential(AGENT.agentId);
    const token = await client.tokens.issueToken();
    assert.equal(credential.clientSecret, CREDENTIAL.clientSecret);
    assert.equal(response.data.clientSecret, CREDENTIAL.clientSecret);
    clean(credential, response, token, [credential], new Map([['a', credential]]));
  });

  it('holds for a copy too: a structured clone has no secret at all', async () => {
    answer = (_, response) => json(response, 201, CREDENTIAL);
    const credential = await client.credentials.generateCredential(AGENT.agentId);
    const copy = structuredClone(credential);
    assert.equal(copy.clientSecret, undefined);
    assert.ok(copy.createdAt instanceof Date);
    clean(copy);
  });

  it('holds for errors of every kind', async () => {
    answer = (request, response) =>
      json(response, 400, { code: 'VALIDATION_ERROR', message: 'no', details: { field: 'a', reason: 'b' } });
    const refused = await caught(() => client.agents.getAgent(AGENT.agentId));
    answer = (_, response) => json(response, 200, '{"broken":');
    const undecodable = await caught(() => client.agents.getAgent(AGENT.agentId));
    answer = (_, response) => response.destroy();
    const cut = await caught(() => client.agents.getAgent(AGENT.agentId));
    answer = () => undefined;
    const late = await caught(() => client.agents.getAgent(AGENT.agentId, { timeoutMs: 50 }));
    const stopped = await caught(() => client.agents.getAgent(AGENT.agentId, { signal: AbortSignal.timeout(20) }));
    answer = (_, response) => json(response, 404, { code: 'NOT_FOUND', message: 'no' });
    const lost = new AgentIdPClient({ ...configOf({ url: 'http://127.0.0.1:9' }), retries: 0 });
    const unreachable = await caught(() => lost.agents.getAgent(AGENT.agentId));
    const wrong = await caught(() => new AgentIdPClient({ ...configOf(server), clientSecret: [SECRET] }));
    const insecure = await caught(() => new AgentIdPClient({ ...configOf(server), baseUrl: 'http://idp.example' }));
    const proxy = await caught(
      () => new AgentIdPClient({ ...configOf(server), proxy: `nonsense://user:${SECRET}@host` }),
    );
    const foreign = await caught(() => new TokenVerifier({ issuer: server.url, audience: 'a' }).verify(FOREIGN));
    const webhook = await caught(() => verifyWebhook('{}', {}, WEBHOOK));
    const broken = await caught(() => verifyWebhook('{}', {}, `${WEBHOOK}%%`));
    const closed = new AgentIdPClient(configOf(server));
    closed.close();
    const ended = await caught(() => closed.agents.getAgent(AGENT.agentId));
    const invalid = await caught(() => client.tokens.introspectToken(''));
    clean(
      refused,
      undecodable,
      cut,
      late,
      stopped,
      unreachable,
      wrong,
      insecure,
      proxy,
      foreign,
      webhook,
      broken,
      ended,
      invalid,
    );
  });

  it('holds for the log and for warnings of the process', async () => {
    while (records.length === 0) await new Promise(setImmediate);
    for (const text of [...records, ...warnings]) {
      for (const secret of SECRETS) assert.ok(!text.includes(secret), text);
    }
  });

  it('holds for what a process prints when it dies of an error', async () => {
    const script = `import { AgentIdPClient } from '@sentryagent/idp-sdk';
      const client = new AgentIdPClient({ retries: 0, logger: console });
      const [credential, token] = [await client.credentials.generateCredential('a'), await client.tokens.issueToken()];
      console.log({ client, credential, token });
      throw Object.assign(new Error('bad'), { client, credential, token });`;
    answer = (_, response) => json(response, 201, CREDENTIAL);
    const env = { AGENTIDP_BASE_URL: server.url, AGENTIDP_CLIENT_ID: AGENT.agentId, AGENTIDP_CLIENT_SECRET: SECRET };
    const { code, stdout, stderr } = await run(script, { env });
    assert.equal(code, 1);
    assert.match(stdout, /\[secret\]/);
    for (const secret of SECRETS) assert.ok(!(stdout + stderr).includes(secret), stdout + stderr);
  });
});
