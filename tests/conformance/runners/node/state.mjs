// What the runner remembers between two lines: named clients, clocks and verifiers, the log, and
// what it saw last, for the verb that shows everything.
import { ManualClock } from '@sentryagent/idp-sdk/testing';
import { operations } from './generated/operations.mjs';

export const clients = new Map();
export const managers = new Map();
export const verifiers = new Map();
const clocks = new Map();

/** What can be aborted: id of a running call -> its controller. */
export const running = new Map();

/** The latest records: a million calls must not fill the memory that is measured. */
let records = [];
const RECORDS_MAX = 10_000;
const note = (level) => (message, fields) => {
  records.push({ level, message, fields });
  if (records.length >= 2 * RECORDS_MAX) records = records.slice(-RECORDS_MAX);
};
export const recorded = () => records.slice(-RECORDS_MAX);
export const logger = Object.fromEntries(['debug', 'info', 'warn', 'error'].map((level) => [level, note(level)]));

/** The last values and errors that the SDK handed out. */
const seen = [];
const SEEN_MAX = 32;

export function remember(value) {
  if (value !== null && typeof value === 'object') seen.push(value);
  if (seen.length > SEEN_MAX) seen.shift();
  return value;
}

export const remembered = () => [...seen];

export function clock(name) {
  if (name === undefined) return undefined;
  if (!clocks.has(name)) clocks.set(name, new ManualClock());
  return clocks.get(name);
}

export function named(map, name) {
  const found = map.get(name);
  if (found === undefined) throw new Error(`nothing is named ${name}`);
  return found;
}

export function operation({ operation: id }) {
  const found = operations[id];
  if (found === undefined) throw new Error(`no operation ${id} in the generated table`);
  return found;
}
