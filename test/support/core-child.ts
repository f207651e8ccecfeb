/**
 * The core as a process of its own, which kills itself at a step of a batch once it is told to.
 *
 * Started by `core-process.ts`. One line of JSON on its output says where it listens; a line
 * `<step> <count>` on its input says at which step, and at its how-manyth time from now, it dies.
 */
import {createInterface} from 'node:readline';
import {start} from '../../core/main.ts';

let dieAt = {step: '', left: 0};

createInterface({input: process.stdin}).on('line', (line) => {
  const [step = '', count = '1'] = line.split(' ');
  dieAt = {step, left: Number(count)};
});

const running = await start(process.env, {
  onStep(step) {
    if (step !== dieAt.step) return;
    dieAt.left -= 1;
    if (dieAt.left === 0) process.kill(process.pid, 'SIGKILL');
  },
});
process.stdout.write(`${JSON.stringify({url: running.url, key: running.devKey})}\n`);
