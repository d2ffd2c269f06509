// A Node client under the referee's orders: one line in, one turn, one line out.
//
//     worker.mjs <client> <base url>
//
// A turn is `in_flight` async functions that make the same number of calls each. A call that fails
// ends the worker: a failure has no rate.
import { createInterface } from 'node:readline';
import { clients } from './clients.mjs';
import { verifiers } from './verifiers.mjs';

const AGENT = '0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8000';
const PAGE = 100;

/** User and system time of this process so far, all its threads, in seconds. */
function cpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Reads what a caller reads, and checks it. */
function look({ email, status, createdAt }) {
  if (!email.endsWith('.com') || status !== 'active' || createdAt.getUTCFullYear() !== 2026) {
    throw new Error('an agent is not what the server sent');
  }
}

async function take(client, { operation, in_flight: inFlight, calls }) {
  const each = calls / inFlight;
  const single = async () => {
    for (let i = 0; i < each; i++) look(await client.get(AGENT));
  };
  const lists = async () => {
    for (let i = 0; i < each; i++) {
      const { data } = await client.list(PAGE);
      if (data.length !== PAGE) throw new Error('a page is not what the server sent');
      data.forEach(look);
    }
  };
  const verifications = async () => {
    for (let i = 0; i < each; i++) await client.verify(operation);
  };
  const caller = { get: single, list: lists }[operation] ?? verifications;
  const [began, used] = [performance.now(), cpu()];
  await Promise.all(Array.from({ length: inFlight }, caller));
  return { seconds: (performance.now() - began) / 1000, cpu: cpu() - used };
}

const [, , name, baseUrl] = process.argv;
const client = await { ...clients, ...verifiers }[name](baseUrl);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
say({ client: client.name, runtime: `Node.js ${process.versions.node}` });
for await (const line of createInterface({ input: process.stdin })) say(await take(client, JSON.parse(line)));
process.exit(0);
