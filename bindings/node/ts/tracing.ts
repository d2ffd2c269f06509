/**
 * Which trace a call belongs to: the client's own hook, else the active span of OpenTelemetry when
 * an application has loaded `@opentelemetry/api`.
 *
 * Owns the headers `traceparent` and `tracestate`. Refuses to depend on OpenTelemetry and to make
 * spans: the API's global object is looked up by the symbol that all of its 1.x versions share, and
 * its context manager (AsyncLocalStorage) knows in which span the caller is.
 */
import type { Connection } from './connection.js';

interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  readonly traceState?: { serialize(): string } | undefined;
}

interface Context {
  getValue(key: symbol): unknown;
}

interface OpenTelemetry {
  readonly context?: { active(): Context } | undefined;
}

const API = Symbol.for('opentelemetry.js.api.1');
const SPAN = Symbol.for('OpenTelemetry Context Key SPAN');
const NO_TRACE = /^0*$/;

/** @internal */
export type TraceHeaders = Readonly<Record<'traceparent' | 'tracestate', string | undefined>>;

/** @internal The headers that pass the caller's trace on; undefined when there is none. */
export function traceHeaders({ traceparent }: Connection): TraceHeaders | undefined {
  if (traceparent !== undefined) {
    const given = traceparent();
    return given == null || given === '' ? undefined : { traceparent: given, tracestate: undefined };
  }
  const api = (globalThis as Record<symbol, unknown>)[API] as OpenTelemetry | undefined;
  return api?.context === undefined ? undefined : ofSpan(api.context.active());
}

function ofSpan(context: Context): TraceHeaders | undefined {
  const span = context.getValue(SPAN) as { spanContext?(): SpanContext } | undefined;
  const found = span?.spanContext?.();
  if (found === undefined || NO_TRACE.test(found.traceId) || NO_TRACE.test(found.spanId)) return undefined;
  const flags = (found.traceFlags & 0xff).toString(16).padStart(2, '0');
  // An empty list of vendors' states is left out.
  const tracestate = found.traceState?.serialize() || undefined;
  return { traceparent: `00-${found.traceId}-${found.spanId}-${flags}`, tracestate };
}
