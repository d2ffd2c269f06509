import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as sdk from '@sentryagent/idp-sdk';
import { AGENT, configOf, json, never, serve } from './support/server.mjs';

const { AgentIdPClient, AgentIdPError } = sdk;

describe('errors', { timeout: 60_000 }, () => {
  let server, client, answer;
  before(async () => {
    server = await serve({ handle: (request, response, count) => answer(request, response, count) });
    client = new AgentIdPClient({ ...configOf(server), retries: 0 });
  });
  after(() => server.close());

  const failing = async (given, options) => {
    answer = given;
    return client.agents.getAgent(AGENT.agentId, options).then(
      () => assert.fail('the call succeeded'),
      (error) => error,
    );
  };

  for (const [status, code, name, kind] of [
    [400, 'VALIDATION_ERROR', 'ValidationError', 'validation'],
    [401, 'UNAUTHORIZED', 'AuthenticationError', 'authentication'],
    [403, 'INSUFFICIENT_SCOPE', 'PermissionDeniedError', 'permission'],
    [404, 'AGENT_NOT_FOUND', 'NotFoundError', 'not_found'],
    [409, 'AGENT_ALREADY_EXISTS', 'ConflictError', 'conflict'],
    [410, 'AGENT_DECOMMISSIONED', 'NotFoundError', 'not_found'],
    [429, 'RATE_LIMIT_EXCEEDED', 'RateLimitError', 'rate_limit'],
    [500, 'INTERNAL_SERVER_ERROR', 'ServerError', 'server'],
    [503, 'A_CODE_OF_TOMORROW', 'ServerError', 'server'],
  ]) {
    it(`makes ${status} a ${name}`, async () => {
      const error = await failing((_, r) => json(r, status, { code, message: 'no', details: { a: 1 } }));
      assert.ok(error instanceof sdk[name] && error instanceof AgentIdPError && error instanceof Error);
      assert.equal(error.name, name);
      assert.equal(error.kind, kind);
      assert.equal(error.code, code);
      assert.equal(error.httpStatus, status);
      assert.equal(error.message, 'no');
      assert.equal(error.requestId, 'req-1');
      assert.deepEqual(error.details, { a: 1 });
      assert.equal(JSON.parse(JSON.stringify(error)).code, code);
    });
  }

  it('leads to the line that called', async () => {
    async function businessCode() {
      answer = (_, r) => json(r, 404, { code: 'AGENT_NOT_FOUND', message: 'no' });
      return await client.agents.getAgent(AGENT.agentId);
    }
    const error = await businessCode().catch((e) => e);
    assert.match(error.stack, /^NotFoundError: no\n/);
    assert.match(error.stack, /at async businessCode .*errors\.test\.mjs/);
    assert.ok(!/at (settle|errorFrom|value) /.test(error.stack), error.stack);
  });

  it('names every refused field', async () => {
    const errors = [
      { field: 'email', reason: 'is no e-mail address' },
      { field: 'owner', reason: 'is empty' },
    ];
    const many = await failing((_, r) =>
      json(r, 400, { code: 'VALIDATION_ERROR', message: 'no', details: { errors } }),
    );
    assert.deepEqual(many.errors, errors);
    const details = { field: 'owner', reason: 'is empty' };
    const one = await failing((_, r) => json(r, 400, { code: 'VALIDATION_ERROR', message: 'no', details }));
    assert.deepEqual(one.errors, [details]);
    const none = await failing((_, r) => json(r, 400, { code: 'VALIDATION_ERROR', message: 'no' }));
    assert.deepEqual(none.errors, []);
  });

  it('says how long a limited caller has to wait', async () => {
    const error = await failing((_, r) =>
      json(r, 429, { code: 'RATE_LIMIT_EXCEEDED', message: 'no' }, { 'retry-after': '12' }),
    );
    assert.equal(error.retryAfter, 12);
    assert.equal(error.retryable, true);
  });

  it('counts its tries', async () => {
    const error = await failing(
      (_, r) => json(r, 429, { code: 'RATE_LIMIT_EXCEEDED', message: 'no' }, { 'retry-after': '0' }),
      {
        retries: 2,
      },
    );
    assert.equal(error.retryCount, 2);
  });

  it('tells an answer that breaks the contract', async () => {
    for (const body of ['not json', '{"agentId":1}', '[]', '']) {
      const error = await failing((_, r) => json(r, 200, body));
      assert.ok(error instanceof sdk.DecodingError, `${body}: ${error}`);
      assert.equal(error.code, 'DECODING_ERROR');
    }
  });

  it('ends with the time that a call has', async () => {
    const error = await failing(never, { timeoutMs: 50 });
    assert.ok(error instanceof sdk.ApiTimeoutError, String(error));
    assert.equal(error.code, 'TIMEOUT');
  });

  it('tells that nobody listens', async () => {
    const gone = await serve();
    await gone.close();
    const error = await new AgentIdPClient({ ...configOf(gone), retries: 0 }).agents
      .getAgent(AGENT.agentId)
      .catch((e) => e);
    assert.ok(error instanceof sdk.ApiConnectionError, String(error));
    assert.equal(error.code, 'CONNECTION_ERROR');
    assert.equal(error.httpStatus, undefined);
  });

  it('refuses a configuration that lacks something and names it', () => {
    for (const name of ['AGENTIDP_BASE_URL', 'AGENTIDP_CLIENT_ID', 'AGENTIDP_CLIENT_SECRET']) delete process.env[name];
    assert.throws(
      () => new AgentIdPClient({ baseUrl: 'https://idp.example' }),
      (e) => e instanceof sdk.ConfigurationError && /client_?id/i.test(e.message) && /errors\.test\.mjs/.test(e.stack),
    );
    assert.throws(
      () => new AgentIdPClient({ ...configOf(server), baseUrl: 'http://idp.example' }),
      sdk.ConfigurationError,
    );
    assert.throws(() => new AgentIdPClient({ ...configOf(server), colour: 'red' }), /colour/);
  });

  it('refuses an empty id without asking the server', async () => {
    const before = server.calls.length;
    const error = await client.agents.getAgent('').catch((e) => e);
    assert.ok(error instanceof sdk.ValidationError, String(error));
    assert.equal(error.errors[0]?.field, 'agentId');
    assert.equal(server.calls.length, before);
  });

  it('fails calls of a closed client', async () => {
    const closed = new AgentIdPClient(configOf(server));
    closed.close();
    const error = await closed.agents.getAgent(AGENT.agentId).catch((e) => e);
    assert.ok(error instanceof sdk.ConfigurationError, String(error));
    assert.equal(error.code, 'CLIENT_CLOSED');
  });

  it('keeps what an OAuth endpoint called it', async () => {
    const refusing = await serve({
      token: (_, r) => json(r, 401, { error: 'invalid_client', error_description: 'no', code: 'invalid_client' }),
    });
    const target = new AgentIdPClient(configOf(refusing));
    for (const call of [() => target.tokens.issueToken(), () => target.agents.getAgent(AGENT.agentId)]) {
      const error = await call().catch((e) => e);
      assert.ok(error instanceof sdk.AuthenticationError, String(error));
      assert.equal(error.oauthError, 'invalid_client');
      assert.equal(error.code, 'invalid_client');
    }
    await refusing.close();
  });
});
