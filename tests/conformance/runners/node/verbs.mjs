// What each line of the protocol asks for, by the public surface of the SDK alone.
import { inspect } from 'node:util';
import {
  AgentIdPClient,
  AuditChainVerification,
  AuditEvent,
  TokenManager,
  TokenVerifier,
  verifyAuditEvents,
  verifyWebhook,
} from '@sentryagent/idp-sdk';
import * as state from './state.mjs';

const client = ({ client: name }) => state.named(state.clients, name);

/** The same client, whose sections answer with what stands around a value. */
const raw = (target) => new Proxy(target, { get: (of, section) => of[section].withResponse });

/** Runs a call that the verb `cancel` can abort. */
async function abortable(message, make) {
  const controller = new AbortController();
  state.running.set(message.id, controller);
  try {
    return state.remember(await make(controller.signal));
  } catch (error) {
    throw state.remember(error);
  } finally {
    state.running.delete(message.id);
  }
}

async function call(message) {
  const { call: make, wire } = state.operation(message);
  const { args = {} } = message;
  return wire(
    await abortable(message, (signal) => make(client(message), { ...args, options: { ...args.options, signal } })),
  );
}

async function answered(message) {
  const { call: make, wire } = state.operation(message);
  const { args = {} } = message;
  const answer = await abortable(message, (signal) =>
    make(raw(client(message)), { ...args, options: { ...args.options, signal } }),
  );
  const { status, headers, requestId, data } = answer;
  return { status, headers, requestId: requestId ?? null, value: data === undefined ? null : wire(data) };
}

async function burst(message) {
  const { call: make } = state.operation(message);
  const target = client(message);
  const { args = {}, count, concurrency = count } = message;
  const errors = {};
  let [started, failed] = [0, 0];
  const caller = async () => {
    while (started < count) {
      started += 1;
      try {
        await make(target, args);
      } catch (error) {
        failed += 1;
        const code = error?.code ?? error?.name ?? 'unexpected';
        errors[code] = (errors[code] ?? 0) + 1;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, concurrency) }, caller));
  return { succeeded: count - failed, failed, errors };
}

async function pages(message) {
  const { items, item } = state.operation(message);
  if (items === undefined) throw new Error(`${message.operation} is no list`);
  const found = [];
  if (message.limit === 0) return found;
  for await (const value of items(client(message), message.args ?? {})) {
    found.push(item(value));
    if (found.length >= message.limit) break;
  }
  return found;
}

function makeClient({ client: name, config, clock, traceparent }) {
  const more = {
    clock: state.clock(clock),
    logger: state.logger,
    ...(traceparent && { traceparent: () => traceparent }),
  };
  const made = new AgentIdPClient({ ...config, ...more });
  state.clients.set(name, made);
  state.managers.set(name, new TokenManager(made));
}

async function turnClock({ clock: name, advanceMs, jumpWallMs, random }) {
  const clock = state.clock(name);
  if (advanceMs !== undefined) clock.advance(advanceMs / 1000);
  if (jumpWallMs !== undefined) clock.jumpWall(jumpWallMs / 1000);
  if (random !== undefined) clock.setRandom(random);
}

function makeVerifier({ verifier: name, config, clock, client: by }) {
  const { leewayMs, ...rest } = config;
  const made = new TokenVerifier({
    ...rest,
    leewaySeconds: leewayMs === undefined ? undefined : leewayMs / 1000,
    clock: state.clock(clock),
    client: by === undefined ? undefined : state.named(state.clients, by),
  });
  state.verifiers.set(name, made);
}

async function verify(message) {
  const verifier = state.named(state.verifiers, message.verifier);
  const { token, requiredScopes } = message;
  const verified = await abortable(message, (signal) => verifier.verify(token, { requiredScopes, signal }));
  const seconds = (date) => (date === null ? null : date.getTime() / 1000);
  return { ...verified, issuedAt: seconds(verified.issuedAt), expiresAt: seconds(verified.expiresAt) };
}

function webhook({ payload, headers, secret, nowMs, toleranceMs }) {
  try {
    return verifyWebhook(payload, headers, secret, {
      now: nowMs === undefined ? undefined : new Date(nowMs),
      toleranceSeconds: toleranceMs === undefined ? undefined : toleranceMs / 1000,
    });
  } catch (error) {
    throw state.remember(error);
  }
}

function auditChain({ events }) {
  return AuditChainVerification.toJSON(verifyAuditEvents(events.map((event) => AuditEvent.fromJSON(event))));
}

/** Every way in which a value of the SDK becomes text by itself. */
function shown(value) {
  const texts = [
    inspect(value),
    inspect(value, { depth: 20, showHidden: true, getters: false, maxStringLength: null }),
    inspect({ inner: [value] }, { depth: 20 }),
    String(value),
    `${value}`,
    JSON.stringify(value) ?? '',
    JSON.stringify({ ...value }) ?? '',
  ];
  if (value instanceof Error) texts.push(value.stack ?? '', inspect(value.cause), JSON.stringify(value.toJSON?.()));
  return texts;
}

function show({ client: name }) {
  const clients = name === undefined ? [...state.clients.values()] : [state.named(state.clients, name)];
  const values = [...clients, ...state.managers.values(), ...state.verifiers.values(), ...state.remembered()];
  for (const one of clients) values.push(...Object.values(one), one.explainConfiguration());
  return values.flatMap(shown);
}

export const verbs = {
  call,
  burst,
  pages,
  verify,
  webhook,
  auditChain,
  show,
  raw: answered,
  client: makeClient,
  clock: turnClock,
  verifier: makeVerifier,
  logs: () => state.recorded(),
  explain: (message) => client(message).explainConfiguration(),
  sleeping: async ({ clock, atMostMs }) => (await state.clock(clock).sleeping(atMostMs / 1000)) * 1000,
  token: (message) => abortable(message, (signal) => state.named(state.managers, message.client).getToken({ signal })),
  cancel: ({ call: id }) => {
    state.running.get(id)?.abort();
  },
  clearTokenCache: (message) => client(message).clearTokenCache(),
  close: (message) => client(message).close(),
};
