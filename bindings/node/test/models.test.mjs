// The conversions that no operation of today needs all of, apart from any model.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { ValidationError } from '@sentryagent/idp-sdk';

const { dated, dictionary, free, instant, list, model } = createRequire(import.meta.url)('../dist/values.js');

const Key = model({ name: 'Key', required: ['id'], secrets: ['secret'], fields: () => undefined });
const Box = model({
  name: 'Box',
  required: [],
  secrets: [],
  fields(o) {
    o.keys = list(o.keys, Key.decode);
    o.times = dictionary(o.times, instant);
    o.extra = free(o.extra);
  },
});

describe('models', { timeout: 60_000 }, () => {
  it('converts lists, dictionaries and free JSON through and through', () => {
    const json = {
      keys: [
        { id: 1, secret: 'hush' },
        { id: 2, secret: null },
      ],
      times: { start: '2026-01-01T00:00:00.000Z', end: null },
      extra: { deep: [{ x: 1 }] },
    };
    const box = Box.fromJSON(json);
    assert.equal(box.keys[0].secret, 'hush');
    assert.ok(box.times.start instanceof Date);
    assert.equal(box.times.end, null);
    for (const value of [box, box.keys, box.keys[0], box.times, box.extra, box.extra.deep, box.extra.deep[0]]) {
      assert.ok(Object.isFrozen(value));
    }
    assert.deepEqual(Box.toJSON(box), json);
    assert.ok(!inspect(box, { depth: 9 }).includes('hush'));
    assert.ok(!JSON.stringify(box).includes('hush'));
  });

  it('has no field that the answer had not', () => {
    const key = Key.fromJSON({ id: 1 });
    assert.deepEqual(Object.getOwnPropertyNames(key), ['id']);
    assert.equal(inspect(key), '{ id: 1 }');
  });

  it('refuses an invalid Date before it becomes null', () => {
    const good = { at: new Date(0), list: ['x'], none: null, text: '2026-01-01' };
    assert.equal(dated(good), good);
    assert.equal(dated(undefined), undefined);
    for (const [value, field] of [
      [{ expiresAt: new Date('soon') }, 'expiresAt'],
      [{ deep: { at: [new Date(NaN)] } }, 'deep.at.0'],
    ]) {
      assert.throws(
        () => dated(value),
        (e) => e instanceof ValidationError && e.errors[0].field === field && e.kind === 'validation',
      );
    }
  });
});
