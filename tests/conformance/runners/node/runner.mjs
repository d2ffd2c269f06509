// The conformance runner of the Node SDK: one JSON object a line on standard input, one a line back.
// It knows the protocol and nothing of operations: those come from the generated table.
import { createInterface } from 'node:readline';
import { AbortError, AgentIdPClient, AgentIdPError } from '@sentryagent/idp-sdk';
import { operations } from './generated/operations.mjs';

const clients = new Map();
/** What can be aborted: id of a running call -> its controller. */
const running = new Map();

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

function record(error) {
  if (!(error instanceof AgentIdPError)) {
    return {
      kind: 'unexpected',
      code: error?.name ?? 'Error',
      message: String(error?.stack ?? error),
      class: error?.name,
    };
  }
  // The class is judged by instanceof, so that a wrong name alone does not pass.
  const name = error instanceof AbortError && error.name === 'AbortError' ? 'AbortError' : error.constructor.name;
  return { ...error.toJSON(), class: name };
}

function client({ client: name }) {
  const found = clients.get(name);
  if (found === undefined) throw new Error(`no client ${name}`);
  return found;
}

function operation({ operation: id }) {
  const found = operations[id];
  if (found === undefined) throw new Error(`no operation ${id} in the generated table`);
  return found;
}

async function call(message) {
  const { call: make, wire } = operation(message);
  const controller = new AbortController();
  running.set(message.id, controller);
  try {
    const args = message.args ?? {};
    const options = { ...args.options, signal: controller.signal };
    return wire(await make(client(message), { ...args, options }));
  } finally {
    running.delete(message.id);
  }
}

async function burst(message) {
  const { call: make } = operation(message);
  const target = client(message);
  const settled = await Promise.allSettled(
    Array.from({ length: message.count }, () => make(target, message.args ?? {})),
  );
  const errors = {};
  for (const { reason, status } of settled) {
    if (status === 'rejected') {
      const code = reason?.code ?? reason?.name ?? 'unexpected';
      errors[code] = (errors[code] ?? 0) + 1;
    }
  }
  const failed = settled.filter(({ status }) => status === 'rejected').length;
  return { succeeded: settled.length - failed, failed, errors };
}

async function pages(message) {
  const { items, item } = operation(message);
  if (items === undefined) throw new Error(`${message.operation} is no list`);
  const found = [];
  if (message.limit === 0) return found;
  for await (const value of items(client(message), message.args ?? {})) {
    found.push(item(value));
    if (found.length >= message.limit) break;
  }
  return found;
}

const verbs = {
  client: ({ client: name, config }) => {
    clients.set(name, new AgentIdPClient(config));
    return null;
  },
  call,
  burst,
  pages,
  cancel: ({ call: id }) => {
    running.get(id)?.abort();
    return null;
  },
  clearTokenCache: (message) => {
    client(message).clearTokenCache();
    return null;
  },
  close: (message) => {
    client(message).close();
    return null;
  },
};

async function answer(message) {
  try {
    const verb = verbs[message.do];
    if (verb === undefined) throw new Error(`no verb ${message.do}`);
    say({ id: message.id, ok: (await verb(message)) ?? null });
  } catch (error) {
    say({ id: message.id, error: record(error) });
  }
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const message = JSON.parse(line);
  if (message.do === 'exit') {
    // No process.exit: that the process ends is what is tested.
    lines.close();
    process.stdin.destroy();
    say({ id: message.id, ok: null });
  } else {
    void answer(message);
  }
});

say({ ready: { language: 'node', mode: 'async', version: process.versions.node } });
