/** Starting the bare server of F3, in a process of its own as the core is. */
import {fileURLToPath} from 'node:url';

export type BareServer = {readonly url: string; stop(): void};

const child = fileURLToPath(new URL('./bare-child.ts', import.meta.url));

export async function startBareServer(): Promise<BareServer> {
  return new Promise((resolve) => {
    const server = Bun.spawn([process.execPath, child], {
      stdio: ['ignore', 'inherit', 'inherit'],
      ipc: ({url}: {url: string}) => resolve({url, stop: () => server.kill()}),
    });
  });
}
