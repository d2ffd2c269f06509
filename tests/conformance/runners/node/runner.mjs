// The conformance runner of the Node SDK: one JSON object a line on standard input, one a line back.
// It knows the protocol and nothing of operations: those come from the generated table.
import { createInterface } from 'node:readline';
import { AbortError, AgentIdPError } from '@sentryagent/idp-sdk';
import { verbs } from './verbs.mjs';

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

function record(error) {
  if (!(error instanceof AgentIdPError)) {
    return {
      kind: error?.kind ?? 'unexpected',
      code: error?.code ?? error?.name ?? 'Error',
      message: String(error?.stack ?? error),
      class: error?.name,
    };
  }
  // The class is judged by instanceof, so that a wrong name alone does not pass.
  const name = error instanceof AbortError && error.name === 'AbortError' ? 'AbortError' : error.constructor.name;
  return { ...error.toJSON(), class: name };
}

async function answer(message) {
  try {
    const verb = Object.hasOwn(verbs, message.do) ? verbs[message.do] : undefined;
    if (verb === undefined) {
      throw Object.assign(new Error(`no verb ${message.do}`), { kind: 'configuration', code: 'UNKNOWN_VERB' });
    }
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
