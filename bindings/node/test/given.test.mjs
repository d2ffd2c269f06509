// What a caller without types may give: each is refused by its name, or means what it says; none is lost on the way.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  AgentIdPClient,
  AuthenticationError,
  ConfigurationError,
  TokenManager,
  TokenVerifier,
  ValidationError,
  verifyAuditEvents,
  verifyWebhook,
} from '@sentryagent/idp-sdk';
import { ManualClock } from '@sentryagent/idp-sdk/testing';
import { AGENT, configOf, json, serve } from './support/server.mjs';

const PAGE = { data: [], total: 0, page: 1, limit: 20 };

describe('what is given', { timeout: 60_000 }, () => {
  let server, client;
  before(async () => {
    server = await serve({
      handle: (request, response) => json(response, 200, request.url.includes('/agents/') ? AGENT : PAGE),
    });
    client = new AgentIdPClient(configOf(server));
    await client.agents.listAgents();
  });
  after(() => server.close());

  const refused = async (run, type, message) => {
    const before = server.calls.length;
    await assert.rejects(run, (error) => {
      assert.ok(error instanceof type, `${error}`);
      assert.match(error.message, message);
      return true;
    });
    assert.equal(server.calls.length, before, 'no request is made');
  };
  const get = (options) => () => client.agents.getAgent(AGENT.agentId, options);
  const made = (config) => async () => new AgentIdPClient({ ...configOf(server), ...config });

  it('names an option that JSON would lose', async () => {
    for (const timeoutMs of [NaN, Infinity, 5n, '5']) {
      await refused(get({ timeoutMs }), ValidationError, /timeoutMs/);
      await refused(made({ timeoutMs }), ConfigurationError, /timeoutMs/);
    }
    await refused(get({ retries: NaN }), ValidationError, /retries/);
    await refused(
      async () => new TokenVerifier({ issuer: server.url, audience: 'x', leewaySeconds: NaN }),
      ConfigurationError,
      /leewayMs/,
    );
  });

  it('names an argument of the wrong type', async () => {
    await refused(() => client.agents.getAgent(5), ValidationError, /agentId: must be a string/);
    await refused(() => client.agents.getAgent(null), ValidationError, /agentId: must be a string/);
    await refused(() => client.agents.getAgent('\ud800'), ValidationError, /agentId: holds half of a surrogate pair/);
    await refused(get({ headers: { 'x-team': 5 } }), ValidationError, /headers\.x-team: must be a string/);
    await refused(get(5000), ValidationError, /options: must be an object/);
  });

  it('sends a number that is none as what it is, for the server to refuse', async () => {
    await client.agents.listAgents({ page: NaN });
    assert.match(server.calls.at(-1).url, /page=NaN/);
  });

  it('takes null for left out', async () => {
    await client.agents.listAgents(null, null);
    assert.equal(server.calls.at(-1).url, '/api/v1/agents');
    await client.agents.getAgent(AGENT.agentId, { signal: null });
  });

  it('takes Headers and maps', async () => {
    for (const headers of [new Headers({ 'x-team': 'red' }), new Map([['x-team', 'red']])]) {
      await client.agents.getAgent(AGENT.agentId, { headers });
      assert.equal(server.calls.at(-1).headers['x-team'], 'red');
    }
    const own = new AgentIdPClient({ ...configOf(server), headers: new Headers({ 'x-team': 'blue' }) });
    await own.agents.getAgent(AGENT.agentId);
    assert.equal(server.calls.at(-1).headers['x-team'], 'blue');
  });

  it('does nothing for a signal that is none', async () => {
    await refused(
      () => client.agents.updateAgent(AGENT.agentId, { owner: 'x' }, { signal: {} }),
      ValidationError,
      /signal/,
    );
    await new Promise((resolve) => setImmediate(resolve));
    await client.agents.listAgents();
    assert.ok(!server.calls.some((call) => call.method === 'PATCH'));
  });

  it('does not call a chain whole that it was not given', async () => {
    const page = client.audit.queryAuditLogIter();
    for (const events of [undefined, null, 5, 'text', { data: [] }, Promise.resolve([]), page]) {
      await refused(async () => verifyAuditEvents(events), ValidationError, /events: must be a list/);
    }
    assert.equal(verifyAuditEvents([]).verified, true);
  });

  it('names what of a webhook is of the wrong type', async () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    await refused(async () => verifyWebhook({ parsed: 1 }, {}, secret), ValidationError, /payload: .*not parsed/);
    await refused(async () => verifyWebhook('{}', undefined, secret), ValidationError, /headers/);
    await refused(async () => verifyWebhook('{}', {}, undefined), ValidationError, /secret/);
    for (const toleranceSeconds of [NaN, Infinity, -1, '300']) {
      await refused(
        async () => verifyWebhook('{}', {}, secret, { toleranceSeconds }),
        ValidationError,
        /toleranceSeconds/,
      );
    }
    for (const now of [NaN, 5, new Date(NaN)]) {
      await refused(async () => verifyWebhook('{}', {}, secret, { now }), ValidationError, /now: must be a Date/);
    }
    await refused(async () => verifyWebhook('{}', {}, secret, null), ValidationError, /options: must be an object/);
    const headers = { 'webhook-id': 5 };
    await refused(async () => verifyWebhook('{}', headers, secret), ValidationError, /headers\.webhook-id: must be/);
  });

  it('takes for no token what is no text, and shows nothing of it', async () => {
    const verifier = new TokenVerifier({ issuer: server.url, audience: 'x' });
    for (const token of [undefined, null, 5, { access_token: 'top-secret' }]) {
      await refused(() => verifier.verify(token), AuthenticationError, /^(?!.*top-secret).*not three parts/);
    }
    await refused(() => verifier.verify('a.b.c', { requiredScopes: 'agents:read' }), ValidationError, /requiredScopes/);
    await refused(async () => new TokenVerifier(), ConfigurationError, /must be an object/);
    await refused(
      async () => new TokenVerifier({ issuer: server.url, audience: 'x', client: 5 }),
      TypeError,
      /client must be/,
    );
  });

  it('takes the scope of a token manager as one text, or as the list that a client takes', async () => {
    const { baseUrl, clientId, clientSecret } = configOf(server);
    const manager = (scope) => new TokenManager(baseUrl, clientId, clientSecret, scope);
    const scopesOf = (scope) => manager(scope).explainConfiguration().scopes.value;
    assert.deepEqual(scopesOf(['agents:read', 'audit:read']), scopesOf(' agents:read  audit:read'));
    for (const scope of [5, {}]) await refused(async () => manager(scope), ConfigurationError, /scopes must be a list/);
  });

  it('does not move a clock by what is no time', () => {
    const clock = new ManualClock();
    const began = clock.now().getTime();
    for (const seconds of [NaN, Infinity, '5', undefined, null, 5n]) {
      assert.throws(() => clock.advance(seconds), RangeError);
      assert.throws(() => clock.jumpWall(seconds), /seconds must be a finite number/);
      assert.throws(() => clock.setRandom(seconds), /value must be a finite number from 0 to 1/);
    }
    assert.throws(() => clock.advance(-1), /seconds must be a finite number, zero or more/);
    assert.throws(() => clock.setRandom(1.5), RangeError);
    assert.equal(clock.now().getTime(), began);
  });

  it('names a configuration that is none', async () => {
    for (const config of [null, 'https://idp.example.com']) {
      await refused(async () => new AgentIdPClient(config), ConfigurationError, /must be an object/);
    }
    await refused(made({ clock: 5 }), ConfigurationError, /clock must be a ManualClock/);
    await refused(made({ traceparent: 5 }), ConfigurationError, /traceparent must be a function/);
    for (const logger of [5, 'console', { info: 5 }]) {
      await refused(made({ logger }), ConfigurationError, /logger must be an object/);
    }
    assert.ok((await made({ logger: null, traceparent: null, clock: null })()) instanceof AgentIdPClient);
    await refused(made({ scopes: 'agents:read' }), ConfigurationError, /scopes must be a list/);
    await refused(made({ bogus: 1 }), ConfigurationError, /bogus is not known here/);
  });
});
