// Lists as iterators, apart from any operation.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { AgentIdPClient } from '@sentryagent/idp-sdk';
import { AGENT, configOf, json, serve } from './support/server.mjs';

const { byCursor, byPage } = createRequire(import.meta.url)('../dist/pages.js');

const collect = async (iterator) => {
  const out = [];
  for await (const item of iterator) out.push(item);
  return out;
};

describe('pages', { timeout: 60_000 }, () => {
  it('counts pages up until the total is reached', async () => {
    const queries = [];
    const fetch = async (query) => {
      queries.push(query);
      const page = query.page ?? 1;
      return { data: page === 3 ? [5] : [page * 2 - 1, page * 2], total: 5, page, limit: 2 };
    };
    assert.deepEqual(await collect(byPage(fetch, { status: 'active' })), [1, 2, 3, 4, 5]);
    assert.deepEqual(queries, [{ status: 'active' }, { status: 'active', page: 2 }, { status: 'active', page: 3 }]);
  });

  it('begins where it is told', async () => {
    const fetch = async ({ page }) => ({ data: [page], total: 3, page, limit: 1 });
    assert.deepEqual(await collect(byPage(fetch, { page: 2 })), [2, 3]);
  });

  it('ends at an empty page, whatever the total says', async () => {
    const fetch = async () => ({ data: [], total: 100, page: 1, limit: 20 });
    assert.deepEqual(await collect(byPage(fetch, {})), []);
  });

  it('follows cursors', async () => {
    const queries = [];
    const fetch = async (query) => {
      queries.push({ ...query });
      return query.cursor === undefined ? { data: [1], nextCursor: 'c2' } : { data: [2] };
    };
    assert.deepEqual(await collect(byCursor(fetch, { page: 1, limit: 1 })), [1, 2]);
    assert.deepEqual(queries, [
      { page: 1, limit: 1 },
      { page: undefined, limit: 1, cursor: 'c2' },
    ]);
  });

  it('fetches no page that nobody asks for', async () => {
    let fetched = 0;
    const fetch = async () => ({ data: [++fetched], total: 10, page: fetched, limit: 1 });
    for await (const item of byPage(fetch, {})) if (item === 2) break;
    assert.equal(fetched, 2);
  });

  it('ends with an abort between two pages, and in the middle of one', async () => {
    const server = await serve({
      handle(request, response) {
        const page = Number(new URL(request.url, 'http://x').searchParams.get('page') ?? 1);
        if (page === 3) return undefined;
        return json(response, 200, { data: [AGENT, AGENT], total: 100, page, limit: 2 });
      },
    });
    const client = new AgentIdPClient(configOf(server));
    const controller = new AbortController();
    let seen = 0;
    const between = (async () => {
      for await (const agent of client.agents.listAgentsIter({ limit: 2 }, { signal: controller.signal })) {
        seen += agent.agentId === AGENT.agentId ? 1 : 0;
        if (seen === 2) controller.abort();
      }
    })();
    await assert.rejects(between, { name: 'AbortError' });
    assert.equal(seen, 2);
    assert.equal(server.calls.length, 1);
    const late = new AbortController();
    const middle = collect(client.agents.listAgentsIter({ limit: 2 }, { signal: late.signal }));
    await server.until(() => server.calls.length === 4);
    late.abort();
    await assert.rejects(middle, { name: 'AbortError' });
    await server.until(() => server.hangUps.length === 1);
    await server.close();
  });

  it('stops fetching with the loop that breaks', async () => {
    const server = await serve({ handle: (_, r) => json(r, 200, { data: [AGENT], total: 9, page: 1, limit: 1 }) });
    for await (const agent of new AgentIdPClient(configOf(server)).agents.listAgentsIter()) {
      assert.equal(agent.agentId, AGENT.agentId);
      break;
    }
    assert.equal(server.calls.length, 1);
    await server.close();
  });

  it('fails with what a page fails with', async () => {
    const fetch = async ({ page = 1 }) => {
      if (page === 2) throw new Error('no second page');
      return { data: [1], total: 2, page, limit: 1 };
    };
    await assert.rejects(collect(byPage(fetch, {})), /no second page/);
  });
});
