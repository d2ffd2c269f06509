import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { Agent, AgentIdPClient, AgentStatus, DecodingError, TokenResponse } from '@sentryagent/idp-sdk';
import { AGENT, TOKEN, configOf, json, serve } from './support/server.mjs';

describe('values', { timeout: 60_000 }, () => {
  let server, client, answer;
  before(async () => {
    server = await serve({ handle: (_, response) => json(response, 200, answer) });
    client = new AgentIdPClient(configOf(server));
  });
  after(() => server.close());

  it('has timestamps as Date and everything else as it came', async () => {
    answer = { ...AGENT, didCreatedAt: '2026-03-29T10:00:00.500Z' };
    const agent = await client.agents.getAgent(AGENT.agentId);
    assert.equal(agent.agentId, AGENT.agentId);
    assert.ok(agent.createdAt instanceof Date);
    assert.equal(agent.createdAt.getTime(), Date.UTC(2026, 2, 28, 9));
    assert.equal(agent.didCreatedAt.toISOString(), '2026-03-29T10:00:00.500Z');
    assert.equal(agent.did, null);
    assert.deepEqual(agent.capabilities, ['resume:read', 'email:send']);
  });

  it('keeps unknown fields and unknown enum values', async () => {
    answer = { ...AGENT, status: 'dreaming', mood: { level: 3 } };
    const agent = await client.agents.getAgent(AGENT.agentId);
    assert.equal(agent.status, 'dreaming');
    assert.deepEqual(agent.mood, { level: 3 });
    assert.deepEqual(Agent.toJSON(agent), answer);
  });

  it('is immutable and compares by value', async () => {
    answer = AGENT;
    const [one, two] = await Promise.all([1, 2].map(() => client.agents.getAgent(AGENT.agentId)));
    assert.notEqual(one, two);
    assert.deepStrictEqual(one, two);
    assert.throws(() => (one.owner = 'somebody else'), TypeError);
    assert.throws(() => one.capabilities.push('all'), TypeError);
  });

  it('goes to JSON and back', async () => {
    answer = { ...AGENT, extra: [1] };
    const agent = await client.agents.getAgent(AGENT.agentId);
    assert.deepEqual(JSON.parse(JSON.stringify(agent)), answer);
    assert.deepStrictEqual(Agent.fromJSON(JSON.stringify(agent)), agent);
    assert.deepStrictEqual(Agent.fromJSON(Agent.toJSON(agent)), agent);
    assert.ok(Agent.fromJSON(answer).createdAt instanceof Date);
    assert.ok(!Object.isFrozen(answer.extra), 'what the caller gave stays as it was');
  });

  it('refuses what is not the model', () => {
    assert.throws(
      () => Agent.fromJSON({ agentId: 'x' }),
      (e) => e instanceof DecodingError && /lacks.*email/.test(e.message),
    );
    assert.throws(() => Agent.fromJSON([]), DecodingError);
    assert.throws(() => Agent.fromJSON('{'), DecodingError);
    assert.throws(() => Agent.fromJSON(undefined), DecodingError);
    assert.throws(() => Agent.fromJSON({ ...AGENT, createdAt: 'yesterday' }), /no timestamp/);
  });

  it('has constants for the enums it knows', () => {
    assert.equal(AgentStatus.Active, 'active');
    assert.throws(() => (AgentStatus.Active = 'x'), TypeError);
  });

  it('shows no secret unless it is asked for by name', async () => {
    const token = await client.tokens.issueToken();
    assert.equal(token.access_token, TOKEN.access_token);
    for (const shown of [
      inspect(token),
      inspect({ token }, { depth: 5, showHidden: true }),
      JSON.stringify(token),
      JSON.stringify({ ...token }),
      inspect(structuredClone(token)),
      String(token),
    ]) {
      assert.ok(!shown.includes(TOKEN.access_token), shown);
    }
    assert.match(inspect(token), /access_token: '\[secret\]'/);
    assert.match(inspect(token), /expires_in: 3600/);
    assert.deepEqual(TokenResponse.toJSON(token), TOKEN);
    assert.equal(TokenResponse.fromJSON(TokenResponse.toJSON(token)).access_token, TOKEN.access_token);
  });

  it('shows no secret of a client', () => {
    const shown = inspect(client, { depth: 10, showHidden: true }) + JSON.stringify(client);
    assert.ok(!shown.includes('sk_live_'), shown);
    assert.ok(!JSON.stringify(client.explainConfiguration()).includes('sk_live_ab'));
  });
});
