/**
 * What every section's client and the client itself are built on: one call, one answer.
 *
 * Owns the envelope of a call's arguments and how a completion becomes a value or is thrown.
 * Refuses to know operations: the generated classes name them by their index.
 */
import { ABORTED, FAILED, start, type Completion, type Meta } from './channel.js';
import { abortError, errorFrom, type ErrorInit, type Frame } from './errors.js';
import type { Connection } from './connection.js';
import { optionsOf, settingsOf } from './given.js';
import type { ApiResponse, CallOptions } from './options.js';
import { traceHeaders, type TraceHeaders } from './tracing.js';
import type { Model } from './values.js';

/** @internal The wire's names; what is undefined is left out. */
export interface Args {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: object | undefined;
  readonly body?: object | undefined;
}

/** @internal Models by status, where the answers of an operation differ. */
export type ByStatus = Readonly<Record<number, Decoder | undefined>>;

type Decoder = Pick<Model<unknown>, 'receive'>;

/** The methods of a service, each with the answer's status and headers around its value. */
export type WithResponse<S> = {
  readonly [
    K in Exclude<keyof S, 'withResponse'> as S[K] extends (...args: never[]) => Promise<unknown> ? K : never
  ]: S[K] extends (...args: infer A) => Promise<infer T> ? (...args: A) => Promise<ApiResponse<T>> : never;
};

/** The base of every section's client. */
export abstract class Service {
  readonly #connection: Connection;
  readonly #raw: boolean;

  /** @hidden Services are made by the client. */
  constructor(connection: Connection, raw = false) {
    this.#connection = connection;
    this.#raw = raw;
  }

  /** The same methods, each answering {@link ApiResponse}: the value with status, headers and request id. */
  get withResponse(): WithResponse<this> {
    const type = this.constructor as new (connection: Connection, raw: boolean) => unknown;
    return new type(this.#connection, true) as WithResponse<this>;
  }

  /** @internal */
  protected send(operation: number, args: Args, options: CallOptions | undefined): Promise<Completion> {
    const given = optionsOf(options, optionsOf);
    const trace = traceHeaders(this.#connection);
    const said = args.query ? { ...args, query: settingsOf(args.query) } : args;
    const envelope = given === undefined && trace === undefined ? said : withOptions(said, given, trace);
    return start(this.#connection.client, operation, JSON.stringify(envelope), this.#raw, given?.signal ?? undefined);
  }
}

/** The caller's own headers win over the trace's, whatever their case. */
function withOptions(args: Args, options: CallOptions | undefined, trace: TraceHeaders | undefined): object {
  // A signal is no JSON: undefined is left out.
  const rest = settingsOf({ ...options, signal: undefined });
  if (trace === undefined) return { ...args, options: rest };
  const own = new Set(Object.keys(rest.headers ?? {}).map((name) => name.toLowerCase()));
  const added = own.has('traceparent') ? {} : trace;
  return { ...args, options: { ...rest, headers: { ...added, ...rest.headers } } };
}

/** @internal A completion's value; to be called behind an `await` in the user's call, so that an error's stack leads there. */
export function settle<T>(completion: Completion, type: Model<T> | undefined): T {
  return value(completion, type, settle) as T;
}

/** @internal The same, where the model depends on the status. */
export function settleByStatus<T>(completion: Completion, types: ByStatus): T {
  return value(completion, types[completion[1]], settleByStatus) as T;
}

function value(completion: Completion, type: Decoder | undefined, hide: Frame): unknown {
  const [, status, body, meta] = completion;
  if (status === FAILED) throw errorFrom(body as ErrorInit, hide);
  if (status === ABORTED) throw abortError(body, hide);
  const data = type?.receive(body);
  return meta === undefined ? data : response(data, status, meta);
}

function response<T>(data: T, status: number, { headers, requestId, retryCount }: Meta): ApiResponse<T> {
  const joined: Record<string, string> = {};
  for (const [name, value] of headers) {
    joined[name] = joined[name] === undefined ? value : `${joined[name]}, ${value}`;
  }
  return Object.freeze({
    data,
    status,
    headers: Object.freeze(joined),
    requestId: requestId ?? undefined,
    retryCount,
  });
}
