// The quick start against a mock server: what a test of your own code may look like.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { NotFoundError, ServerError } from '@sentryagent/idp-sdk';
import { MockServer } from '@sentryagent/idp-sdk/testing';

describe('quick start', () => {
  /** @type {MockServer} */
  let mock;
  before(async () => {
    mock = await MockServer.start();
  });
  after(() => mock.close());

  it('takes every step, one line for each', async () => {
    const script = fileURLToPath(new URL('quickstart.mjs', import.meta.url));
    const { baseUrl, clientId, clientSecret } = mock;
    const env = {
      ...process.env,
      AGENTIDP_BASE_URL: baseUrl,
      AGENTIDP_CLIENT_ID: clientId,
      AGENTIDP_CLIENT_SECRET: clientSecret,
    };
    const { stdout } = await promisify(execFile)(process.execPath, [script], { env });
    const steps = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(':')[0]);
    const wanted = 'register list credential token introspect rotate not-found audit decommission';
    assert.deepEqual(steps, wanted.split(' '));
    assert.ok(!stdout.includes(clientSecret));
  });

  it('can be tried against a server that fails', async () => {
    const client = mock.client({ retries: 0 });
    await client.agents.getAgent(mock.clientId);
    await mock.failNext({ status: 503, path: '/api/v1/agents' });
    await assert.rejects(client.agents.getAgent(mock.clientId), ServerError);
    await assert.rejects(client.agents.getAgent('00000000-0000-4000-8000-000000000000'), NotFoundError);
  });
});
