/**
 * The SDK's log records, handed to the loggers of the clients that they speak of.
 *
 * Owns which logger hears which client, in this environment. Refuses to print anything by itself
 * and to keep the process alive: records of a background renewal arrive while the loop runs for
 * other reasons. Without a logger no record is made at all.
 */
import type { Connection } from './connection.js';
import { native, type NativeClient, type NativeLog } from './native.js';

/** What a record is about, beside its message: never a secret. */
export type LogFields = Readonly<Record<string, unknown>>;

/** One method of a {@link Logger}. */
export type LogMethod = (message: string, fields: LogFields) => void;

/**
 * Receives the SDK's log: `console`, winston and their like as they are. A level whose method is
 * missing is not recorded, which costs nothing.
 */
export interface Logger {
  /** Every answer, every further try. */
  debug?: LogMethod | undefined;
  /** What an operator may want to know: a token was renewed. */
  info?: LogMethod | undefined;
  /** What works, but somebody should look: a failed renewal while the old token lives. */
  warn?: LogMethod | undefined;
  /** What is broken in the SDK itself. */
  error?: LogMethod | undefined;
}

type Level = keyof Logger;

/** The core's levels, by their number less one; the finest has no method of its own: `console.trace` prints stacks. */
const LEVELS: readonly Level[] = ['error', 'warn', 'info', 'debug', 'debug'];

type LogRecord = readonly [client: number | null, level: number, message: string, fields: LogFields];

/** Records of one drain. */
const ITEMS_MAX = 256;

const loggers = new Map<number, Logger>();
const failed = new WeakSet<Logger>();
const gone = new FinalizationRegistry<number>(forget);
let log: NativeLog | undefined;

/** @internal Whether it can be told something. */
export function isLogger(value: unknown): value is Logger {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return LEVELS.every((name) => ['function', 'undefined'].includes(typeof (value as Logger)[name]));
}

/** @internal From now on, `logger` hears what is said of `client`, as long as `owner` lives. */
export function listen(owner: Connection, client: NativeClient, logger: Logger): void {
  const level = LEVELS.reduce((finest, name, i) => (logger[name] === undefined ? finest : i + 1), 0);
  if (level === 0) return;
  const id = client.id();
  log ??= new native.Log(drain);
  loggers.set(id, logger);
  log.listen(id, level);
  gone.register(owner, id);
}

function forget(id: number): void {
  loggers.delete(id);
  log?.forget(id);
}

function drain(): void {
  if (log === undefined) return;
  const records = JSON.parse(log.drain(ITEMS_MAX)) as LogRecord[];
  for (const [id, level, message, fields] of records) {
    // What belongs to no client is told to all.
    const hearers = id === null ? new Set(loggers.values()) : [loggers.get(id)];
    for (const logger of hearers) if (logger !== undefined) tell(logger, LEVELS[level - 1] ?? 'debug', message, fields);
  }
  // A flood of records leaves the loop room; unreferenced, for a log alone keeps nobody alive.
  if (records.length === ITEMS_MAX) setImmediate(drain).unref();
}

function tell(logger: Logger, level: Level, message: string, fields: LogFields): void {
  try {
    logger[level]?.(message, fields);
  } catch (error) {
    // A logger's fault is no call's fault, and said once.
    if (failed.has(logger)) return;
    failed.add(logger);
    process.emitWarning(`a logger failed: ${String(error)}`, 'AgentIdPWarning');
  }
}
