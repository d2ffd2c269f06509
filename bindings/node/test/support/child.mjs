// Runs a script as a process of its own, to see how it ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Runs ES module text; a child that has not ended after `limitMs` is killed and says so in `signal`. */
export async function run(script, { env = {}, args = [], limitMs = 20_000 } = {}) {
  const child = spawn(process.execPath, [...args, '--input-type=module', '--eval', script], {
    // The package is resolved from here, as its users resolve it.
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const [code, signal] = await once(child, 'close');
  return { code, signal, stdout, stderr };
}
