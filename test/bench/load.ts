/** The load generator as its driver sees it: a process that takes a plan and answers what it saw. */
import {fileURLToPath} from 'node:url';
import type {Load, Plan} from './load-plan.ts';

export type LoadGenerator = {
  run(plan: Plan): Promise<Load>;
  close(): void;
};

type Told = {readonly ready?: true; readonly load?: Load; readonly error?: string};

const child = fileURLToPath(new URL('./load-child.ts', import.meta.url));

/** Starts the process. */
export async function startLoad(): Promise<LoadGenerator> {
  let hear: (told: Told) => void = () => {};
  const heard = (): Promise<Told> =>
    new Promise((resolve) => {
      hear = resolve;
    });
  const ready = heard();
  const generator = Bun.spawn([process.execPath, child], {
    stdio: ['ignore', 'inherit', 'inherit'],
    ipc: (told: Told) => hear(told),
  });
  await ready;
  return {
    async run(plan) {
      const answer = heard();
      generator.send(plan);
      const {load, error} = await answer;
      if (load === undefined) throw new Error(`the load generator: ${error ?? 'no answer'}`);
      if (load.refused > 0) {
        throw new Error(`${load.refused} of ${load.count} answers are refusals: ${load.complaint}`);
      }
      return load;
    },
    close: () => generator.kill(),
  };
}
