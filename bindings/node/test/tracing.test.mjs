// The caller's trace goes along, from a hook or from OpenTelemetry.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ROOT_CONTEXT, context, createTraceState, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { AgentIdPClient } from '@sentryagent/idp-sdk';
import { AGENT, configOf, serve } from './support/server.mjs';

const span = (digit, more) => ({ traceId: digit.repeat(32), spanId: digit.repeat(16), traceFlags: 1, ...more });
const inSpan = (of, work) => context.with(trace.setSpanContext(ROOT_CONTEXT, of), work);

describe('tracing', { timeout: 60_000 }, () => {
  let server, client;
  before(async () => {
    server = await serve();
    client = new AgentIdPClient(configOf(server));
  });
  after(() => server.close());

  const sent = async (target, options) => {
    await target.agents.getAgent(AGENT.agentId, options);
    const { traceparent, tracestate } = server.calls.at(-1).headers;
    return { traceparent, tracestate };
  };

  it('has no trace where there is none', async () => {
    assert.deepEqual(await sent(client), { traceparent: undefined, tracestate: undefined });
  });

  it('asks the hook of the client, at each call', async () => {
    let asked = 0;
    const hook = () => (++asked === 1 ? `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` : undefined);
    const traced = new AgentIdPClient({ ...configOf(server), traceparent: hook });
    assert.equal((await sent(traced)).traceparent, `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`);
    assert.equal((await sent(traced)).traceparent, undefined);
    assert.equal(asked, 2);
  });

  it('lets the headers of a call win', async () => {
    const traced = new AgentIdPClient({ ...configOf(server), traceparent: () => 'of the hook' });
    assert.equal((await sent(traced, { headers: { TraceParent: 'own' } })).traceparent, 'own');
    assert.equal((await sent(traced, { headers: { 'x-team': 'red' } })).traceparent, 'of the hook');
  });

  describe('with OpenTelemetry', () => {
    const manager = new AsyncLocalStorageContextManager();
    before(() => context.setGlobalContextManager(manager.enable()));
    after(() => context.disable());

    it('takes the active span of each caller, across awaits', async () => {
      const pause = () => new Promise(setImmediate);
      await Promise.all(
        ['1', '2', '3'].map((digit) =>
          inSpan(span(digit), async () => {
            await pause();
            await client.agents.getAgent(digit);
          }),
        ),
      );
      const calls = server.calls.slice(-3);
      for (const digit of ['1', '2', '3']) {
        const { headers } = calls.find(({ url }) => url.endsWith(`/${digit}`));
        assert.equal(headers.traceparent, `00-${digit.repeat(32)}-${digit.repeat(16)}-01`);
      }
    });

    it('passes the state on, and leaves the context as it was', async () => {
      const traceState = createTraceState('vendor=1');
      await inSpan(span('4', { traceState, traceFlags: 0 }), async () => {
        const headers = await sent(client);
        assert.deepEqual(headers, { traceparent: `00-${'4'.repeat(32)}-${'4'.repeat(16)}-00`, tracestate: 'vendor=1' });
        assert.equal(trace.getSpanContext(context.active()).spanId, '4'.repeat(16));
      });
    });

    it('sends nothing without a span, or with one that is not valid', async () => {
      assert.equal((await sent(client)).traceparent, undefined);
      await inSpan(span('0'), async () => assert.equal((await sent(client)).traceparent, undefined));
    });

    it('leaves it to the hook where there is one', async () => {
      const traced = new AgentIdPClient({ ...configOf(server), traceparent: () => null });
      await inSpan(span('5'), async () => assert.equal((await sent(traced)).traceparent, undefined));
    });
  });
});
