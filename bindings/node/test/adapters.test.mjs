// The adapters in the frameworks themselves (Fastify, Hono) and in bare node:http (Express's form).
// What tokens are refused is judged in tests/adapters; here: what a refusal looks like and what is thrown.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import fastify from 'fastify';
import { Hono } from 'hono';
import {
  ApiConnectionError,
  AuthenticationError,
  ConfigurationError,
  PermissionDeniedError,
} from '@sentryagent/idp-sdk';
import * as forExpress from '@sentryagent/idp-sdk/express';
import * as forFastify from '@sentryagent/idp-sdk/fastify';
import * as forHono from '@sentryagent/idp-sdk/hono';

const fail = (type, init) => () => Promise.reject(new type({ message: 'a "quoted"\r\n reason', ...init }));
const outcomes = {
  good: async (token, { requiredScopes }) => ({ subject: token, scopes: requiredScopes }),
  bad: fail(AuthenticationError, { code: 'INVALID_TOKEN' }),
  narrow: fail(PermissionDeniedError, {
    code: 'INSUFFICIENT_SCOPE',
    oauthError: 'insufficient_scope',
    details: { requiredScopes: ['a:b', 'c:d'] },
  }),
  // The client that introspects is refused itself: that is not the caller's fault.
  misled: fail(AuthenticationError, { code: 'invalid_client' }),
  away: fail(ApiConnectionError, { code: 'CONNECTION_ERROR' }),
  limited: fail(ApiConnectionError, { code: 'CONNECTION_ERROR', retryAfter: 11.2 }),
  closed: fail(ConfigurationError, { code: 'CLIENT_CLOSED' }),
};
const verifier = { verify: (token, options) => outcomes[token](token, options) };
const options = { scopes: ['a:b'], realm: 'reports' };

/** Each framework as `authorization -> { status, headers, body }`. */
const frameworks = {
  async express() {
    const { requireToken, tokenOf } = forExpress;
    const guard = requireToken(verifier, options);
    const server = createServer((request, response) =>
      guard(request, response, (error) => {
        response.statusCode = error === undefined ? 200 : 500;
        response.end(error === undefined ? JSON.stringify(tokenOf(request)) : '{}');
      }),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${server.address().port}`;
    return {
      get: (authorization) => fetched(fetch(url, { headers: headersOf(authorization) })),
      end: () => ended(server),
    };
  },
  async fastify() {
    const { requireToken, tokenOf } = forFastify;
    const app = fastify();
    app.get('/', { onRequest: requireToken(verifier, options) }, (request) => tokenOf(request));
    const get = async (authorization) => {
      const { statusCode, headers, body } = await app.inject({ url: '/', headers: headersOf(authorization) });
      return { status: statusCode, headers, body: JSON.parse(body) };
    };
    return { get, end: () => app.close() };
  },
  async hono() {
    const { requireToken, tokenOf } = forHono;
    const app = new Hono();
    app.onError((_, context) => context.json({}, 500));
    app.get('/', requireToken(verifier, options), (context) => context.json(tokenOf(context)));
    return {
      get: (authorization) => fetched(app.request('/', { headers: headersOf(authorization) })),
      end: () => undefined,
    };
  },
};

const headersOf = (authorization) => (authorization === undefined ? {} : { authorization });

async function fetched(asked) {
  const answer = await asked;
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.json() };
}

async function ended(server) {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

for (const [name, start] of Object.entries(frameworks)) {
  describe(`adapter for ${name}`, { timeout: 60_000 }, () => {
    const answer = async (authorization) => {
      const { get, end } = await start();
      try {
        return await get(authorization);
      } finally {
        await end();
      }
    };

    it('lets a good token through, and gives it to the handler', async () => {
      for (const scheme of ['Bearer', 'bearer', 'BEARER ']) {
        const { status, body } = await answer(`${scheme} good`);
        assert.deepEqual({ status, body }, { status: 200, body: { subject: 'good', scopes: ['a:b'] } });
      }
    });

    it('asks for a token where there is none', async () => {
      for (const authorization of [undefined, 'Basic abc', 'good']) {
        const { status, headers, body } = await answer(authorization);
        assert.equal(status, 401);
        assert.equal(headers['www-authenticate'], 'Bearer realm="reports"');
        assert.equal(body.code, 'UNAUTHORIZED');
      }
    });

    it('says what is wrong with a bad one, in a header that cannot be broken', async () => {
      const { status, headers, body } = await answer('Bearer bad');
      assert.equal(status, 401);
      const wanted = 'Bearer realm="reports", error="invalid_token", error_description="a quoted reason"';
      assert.equal(headers['www-authenticate'], wanted);
      assert.equal(headers['cache-control'], 'no-store');
      assert.match(headers['content-type'], /^application\/json/);
      assert.equal(body.code, 'UNAUTHORIZED');
    });

    it('names the scopes that are missing', async () => {
      const { status, headers, body } = await answer('Bearer narrow');
      assert.equal(status, 403);
      assert.equal(headers['www-authenticate'], 'Bearer realm="reports", error="insufficient_scope", scope="a:b c:d"');
      assert.equal(body.code, 'INSUFFICIENT_SCOPE');
    });

    it('is unavailable while nobody can verify', async () => {
      for (const [token, retryAfter] of Object.entries({ away: '5', limited: '12', misled: '5' })) {
        const { status, headers, body } = await answer(`Bearer ${token}`);
        assert.equal(status, 503);
        assert.equal(headers['retry-after'], retryAfter);
        assert.equal(headers['www-authenticate'], undefined);
        assert.equal(body.code, 'SERVICE_UNAVAILABLE');
      }
    });

    it("leaves the host's own faults to the host", async () => {
      assert.equal((await answer('Bearer closed')).status, 500);
    });
  });
}

describe('adapters', () => {
  it('are the same by import and by require', () => {
    const require = createRequire(import.meta.url);
    for (const [name, esm] of Object.entries({ express: forExpress, fastify: forFastify, hono: forHono })) {
      const cjs = require(`@sentryagent/idp-sdk/${name}`);
      assert.equal(esm.requireToken, cjs.requireToken);
      assert.equal(esm.tokenOf, cjs.tokenOf);
    }
  });

  it('refuse options that are none when the route is made, not its callers', () => {
    for (const { requireToken } of [forExpress, forFastify, forHono]) {
      assert.throws(() => requireToken(verifier, { scopes: 'agents:read' }), {
        name: 'ConfigurationError',
        message: 'scopes must be a list of strings',
      });
      for (const none of [null, 'agents:read']) assert.throws(() => requireToken(verifier, none), ConfigurationError);
    }
  });

  it('say what is missing when no token was required', () => {
    assert.throws(() => forExpress.tokenOf({}), /requireToken/);
  });
});
