// Webhooks by Standard Webhooks, and the chain of audit events.
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  AuditEvent,
  AuthenticationError,
  ConfigurationError,
  verifyAuditEvents,
  verifyWebhook,
} from '@sentryagent/idp-sdk';
import { MockServer } from '@sentryagent/idp-sdk/testing';

const secretOf = () => `whsec_${randomBytes(24).toString('base64')}`;

function signed(payload, secret, { id = 'msg_1', at = new Date() } = {}) {
  const seconds = String(Math.floor(at.getTime() / 1000));
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${payload}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': `v1,${signature}` };
}

describe('webhooks', { timeout: 60_000 }, () => {
  const secret = secretOf();
  const payload = '{"type":"agent.created","data":{"name":"ü"}}';
  const refused = (reason) => (error) =>
    error instanceof AuthenticationError &&
    error.code === 'INVALID_WEBHOOK' &&
    error.details.reason === reason &&
    !JSON.stringify(error).includes(secret.slice(6)) &&
    /webhook\.test\.mjs/.test(error.stack);

  it('gives the payload of one whose signature holds, in whatever form it comes', () => {
    const headers = signed(payload, secret);
    const wanted = JSON.parse(payload);
    assert.deepEqual(verifyWebhook(payload, headers, secret), wanted);
    assert.deepEqual(verifyWebhook(Buffer.from(payload), new Headers(headers), secret), wanted);
    assert.deepEqual(
      verifyWebhook(new TextEncoder().encode(payload), new Map(Object.entries(headers)), secret),
      wanted,
    );
    const odd = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), [value]]));
    assert.deepEqual(verifyWebhook(payload, { ...odd, host: undefined }, secret), wanted);
  });

  it('takes several secrets while one replaces the other', () => {
    assert.ok(verifyWebhook(payload, signed(payload, secret), [secretOf(), secret]));
    assert.throws(
      () => verifyWebhook(payload, signed(payload, secretOf()), [secretOf(), secret]),
      refused('signature'),
    );
  });

  it('refuses what was changed, is old or from the future, or lacks a header', () => {
    const headers = signed(payload, secret);
    assert.throws(() => verifyWebhook(`${payload} `, headers, secret), refused('signature'));
    assert.throws(() => verifyWebhook(payload, { ...headers, 'webhook-id': 'other' }, secret), refused('signature'));
    assert.throws(
      () => verifyWebhook(payload, { ...headers, 'webhook-signature': undefined }, secret),
      refused('header'),
    );
    const now = new Date('2026-01-01T00:00:00Z');
    for (const seconds of [-301, 301]) {
      const at = new Date(now.getTime() + seconds * 1000);
      assert.throws(
        () => verifyWebhook(payload, signed(payload, secret, { at }), secret, { now }),
        refused('timestamp'),
      );
      assert.ok(verifyWebhook(payload, signed(payload, secret, { at }), secret, { now, toleranceSeconds: 302 }));
    }
  });

  it('refuses a secret that is none', () => {
    assert.throws(() => verifyWebhook(payload, signed(payload, secret), 'whsec_%%%'), ConfigurationError);
  });
});

describe('audit chain', { timeout: 60_000 }, () => {
  it('holds for what the server wrote, and breaks where it was changed', async () => {
    const mock = await MockServer.start();
    const client = mock.client();
    for (let i = 0; i < 3; i++) await client.credentials.generateCredential(mock.clientId);
    const events = [];
    for await (const event of client.audit.queryAuditLogIter({ limit: 2 })) events.push(event);
    await mock.close();
    assert.ok(events.length >= 3);
    const whole = verifyAuditEvents(events);
    assert.deepEqual({ ...whole }, { verified: true, checkedCount: events.length, brokenAtEventId: null });
    assert.equal(verifyAuditEvents(events.toReversed()).verified, true);
    // As a file of JSON brings them.
    assert.equal(verifyAuditEvents(JSON.parse(JSON.stringify(events.map(AuditEvent.toJSON)))).verified, true);
    const [bad, ...rest] = events.map(AuditEvent.toJSON);
    const changed = verifyAuditEvents([AuditEvent.fromJSON({ ...bad, outcome: 'failure' }), ...rest]);
    assert.equal(changed.verified, false);
    assert.equal(changed.brokenAtEventId, bad.eventId);
    assert.equal(verifyAuditEvents(events.filter((_, i) => i !== 1)).verified, false);
  });
});
