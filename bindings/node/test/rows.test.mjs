// Answers that cross as rows, and those that cannot: the same values either way.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import { Agent, AgentIdPClient, DecodingError, PaginatedAgents, PaginatedAuditEvents } from '@sentryagent/idp-sdk';
import { AGENT, configOf, json, serve } from './support/server.mjs';

const { Rows } = createRequire(import.meta.url)('../dist/rows.js');

const pageOf = (data) => ({ data, total: data.length, page: 1, limit: 100 });
const turned = (object) => Object.fromEntries(Object.entries(object).reverse());

describe('rows', { timeout: 60_000 }, () => {
  let server, client, answer;
  before(async () => {
    server = await serve({ handle: (_, response) => answer(response) });
    client = new AgentIdPClient(configOf(server));
  });
  after(() => server.close());

  const listed = async (body) => {
    answer = (response) => json(response, 200, body);
    return client.agents.listAgents();
  };

  it('gives each item of a list its own texts, lists and times', async () => {
    const body = pageOf([
      AGENT,
      { ...AGENT, agentId: 'b', owner: AGENT.role, email: 'ünï@example.com', didCreatedAt: '1969-12-31T23:59:59.999Z' },
      { ...AGENT, agentId: 'c', owner: 'a "quoted"\n\u2028line', capabilities: [], did: 'member' },
    ]);
    const page = await listed(body);
    assert.deepStrictEqual(page, PaginatedAgents.fromJSON(body));
    assert.deepEqual(PaginatedAgents.toJSON(page), body);
    assert.deepEqual(JSON.parse(JSON.stringify(page)), body);
    for (const value of [page, page.data, ...page.data, page.data[0].capabilities]) assert.ok(Object.isFrozen(value));
  });

  it('keeps what is done to one value away from all others', async () => {
    const page = await listed(pageOf([AGENT, AGENT]));
    const [one, two] = page.data;
    one.createdAt.setTime(0);
    assert.equal(one.createdAt.getTime(), 0, 'not lost');
    assert.equal(Agent.toJSON(one).createdAt, '1970-01-01T00:00:00.000Z');
    assert.deepEqual(Agent.toJSON(two), AGENT);
    assert.throws(() => one.capabilities.push('all'), TypeError);
    assert.throws(() => page.data.pop(), TypeError);
    assert.throws(() => (two.owner = 'somebody else'), TypeError);
    assert.notEqual(one.capabilities, two.capabilities);
  });

  it('keeps fields and values of an enum that it does not know, beside others that have none', async () => {
    const strange = { ...AGENT, status: 'dreaming', mood: { level: [3] }, owner: 'x' };
    const body = pageOf([AGENT, strange, AGENT]);
    const page = await listed({ ...body, next: null });
    assert.deepEqual(PaginatedAgents.toJSON(page), { ...body, next: null });
    assert.deepStrictEqual(page.data[1], Agent.fromJSON(strange));
    assert.deepStrictEqual(page.data[2], Agent.fromJSON(AGENT));
  });

  it('takes no field for the prototype', async () => {
    const text = JSON.stringify(AGENT).replace('{', '{"__proto__":{"owner":"nobody"},');
    answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(text);
    const agent = await client.agents.getAgent('a');
    assert.equal(Object.getPrototypeOf(agent), Object.prototype);
    assert.deepEqual(Object.getOwnPropertyDescriptor(agent, '__proto__').value, { owner: 'nobody' });
    assert.equal(agent.owner, AGENT.owner);
  });

  it('has no field that the answer had not', async () => {
    const body = { data: [], total: 0, totalIsExact: true, page: 1, limit: 5 };
    answer = (response) => json(response, 200, body);
    const events = await client.audit.queryAuditLog();
    assert.deepEqual(Object.keys(events), Object.keys(body));
    assert.deepStrictEqual(events, PaginatedAuditEvents.fromJSON(body));
    answer = (response) => json(response, 200, { ...body, nextCursor: 'c' });
    assert.equal((await client.audit.queryAuditLog()).nextCursor, 'c');
  });

  it('reads members in any order', async () => {
    const body = turned(pageOf([turned(AGENT), AGENT, turned({ ...AGENT, mood: 1 })]));
    const page = await listed(body);
    assert.deepStrictEqual(page, PaginatedAgents.fromJSON(body));
    assert.deepEqual(PaginatedAgents.toJSON(page), body);
    assert.ok(page.data[0].createdAt instanceof Date && Object.isFrozen(page.data[0].capabilities));
  });

  it('reads bad UTF-8 where no field is known, and refuses what is not the model', async () => {
    const [start, end] = JSON.stringify({ ...AGENT, mood: '?' }).split('?');
    const bytes = Buffer.concat([Buffer.from(start), Buffer.from([0xff]), Buffer.from(end)]);
    answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(bytes);
    assert.equal((await client.agents.getAgent('a')).mood, '\ufffd');
    await assert.rejects(listed(pageOf([AGENT, { ...AGENT, createdAt: 'soon' }])), DecodingError);
    await assert.rejects(listed([]), DecodingError);
  });

  it('takes a list of the caller for no rows', () => {
    assert.throws(() => Agent.fromJSON([0, 'a']), DecodingError);
  });

  it('reads null where there is nothing', () => {
    const rows = new Rows([null, null, null, null, null, null]);
    const read = [
      rows.value(),
      rows.text(),
      rows.instant(),
      rows.texts(),
      rows.list(() => assert.fail()),
      rows.object(() => assert.fail()),
    ];
    assert.deepEqual(read, [null, null, null, null, null, null]);
  });
});
