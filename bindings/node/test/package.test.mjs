// What is imported, and how.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as esm from '@sentryagent/idp-sdk';
import { run } from './support/child.mjs';

const require = createRequire(import.meta.url);
const cjs = require('@sentryagent/idp-sdk');

describe('package', { timeout: 60_000 }, () => {
  it('is the same package by import and by require', () => {
    assert.deepEqual(Object.keys(esm).sort(), Object.keys(cjs).sort());
    for (const name of Object.keys(cjs)) assert.equal(esm[name], cjs[name], name);
  });

  it('has its other entries in both forms too', async () => {
    for (const entry of ['testing', 'express', 'fastify', 'hono']) {
      const [one, other] = [await import(`@sentryagent/idp-sdk/${entry}`), require(`@sentryagent/idp-sdk/${entry}`)];
      assert.ok(Object.keys(one).length > 0);
      assert.deepEqual(Object.keys(one).sort(), Object.keys(other).sort(), entry);
      for (const name of Object.keys(other)) assert.equal(one[name], other[name], name);
    }
  });

  it('depends on nothing', () => {
    const { dependencies, peerDependencies } = require('@sentryagent/idp-sdk/package.json');
    assert.deepEqual([dependencies, peerDependencies], [undefined, undefined]);
  });

  it('has declarations that need no library of the compiler beyond ES2022 and the DOM', () => {
    const compiler = require.resolve('typescript/bin/tsc');
    const entries = ['index.d.ts', 'generated/esm.d.mts', 'testing.d.ts', 'testing.d.mts'].map(
      (name) => `dist/${name}`,
    );
    const how = '--noEmit --strict --skipLibCheck false --module node16 --target es2022 --lib es2022,dom'.split(' ');
    const { status, stdout } = spawnSync(process.execPath, [compiler, '--ignoreConfig', ...how, ...entries], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout);
  });

  it('says in a browser or a Worker what to do instead', async () => {
    for (const condition of ['browser', 'workerd', 'edge-light']) {
      const script = `import { AgentIdPClient, AgentIdPError } from '@sentryagent/idp-sdk'; new AgentIdPClient();`;
      const { code, stderr } = await run(script, { args: [`--conditions=${condition}`] });
      assert.equal(code, 1);
      assert.match(stderr, /runs on Node\.js, Bun and Deno, not in browsers.*fetch/);
    }
  });

  it('lists the same names for browsers', async () => {
    const script = `import { readFileSync } from 'node:fs';
      console.log(readFileSync('dist/generated/unsupported.mjs', 'utf8'));`;
    const { stdout } = await run(script);
    const names = [...stdout.matchAll(/^export const (\w+) /gm)].map(([, name]) => name);
    assert.deepEqual(names.sort(), Object.keys(esm).sort());
  });

  it('names the platform when its native part is not there', async () => {
    const script = `Object.defineProperty(process, 'arch', { value: 'pdp11' });
      await import('@sentryagent/idp-sdk');`;
    const { code, stderr } = await run(script);
    assert.equal(code, 1);
    assert.match(stderr, /has no native part for \w+-pdp11/);
  });

  it('starts no thread and opens no socket by being imported and configured', async () => {
    const script = `import { existsSync, readdirSync } from 'node:fs';
      import { createRequire } from 'node:module';
      const threads = () => (existsSync('/proc/self/task') ? readdirSync('/proc/self/task').length : 0);
      const before = threads();
      // Not import(), for which Node itself starts the threads of its file pool.
      const { AgentIdPClient } = createRequire(process.cwd() + '/x.js')('@sentryagent/idp-sdk');
      new AgentIdPClient({ baseUrl: 'https://idp.example', clientId: 'a', clientSecret: 'b' });
      console.log(threads() - before);`;
    const { stdout, stderr } = await run(script);
    assert.equal(stdout, '0\n', stderr);
  });
});
