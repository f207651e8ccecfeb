/** `cellstate receipt get`: the receipt of an event, as its holder keeps it. */
import {isId} from '../../shared/ids.ts';
import type {Register} from './command.ts';
import {CliError, exits} from './exit.ts';
import {getText} from './http.ts';
import {json} from './terminal.ts';

type Options = {readonly open?: boolean; readonly checkpoint?: string; readonly json?: boolean};

export const registerReceipt: Register = (program, {environment, exit, terminal}) => {
  const group = program.command('receipt').description('receipts: the proof of one event');
  group
    .command('get <event-id>')
    .description('print the receipt of an event, which `cellstate verify` checks offline')
    .option('--open', "with the event's data and content, where this key may read them")
    .option('--checkpoint <size>', 'prove it under the checkpoint of this ledger size')
    .option('--json', 'print it indented, to be looked at: a receipt to be kept is printed without')
    .action(async (eventId: string, {checkpoint, json: isIndented, open}: Options) => {
      if (!isId(eventId))
        throw new CliError(
          exits.usage,
          `${eventId} is no id of an event; a mutation answers it as CellState-Receipt`,
          {code: 'USAGE'},
        );
      const text = await getText(environment, `/receipts/${eventId}`, {
        open: open ? 'true' : undefined,
        checkpoint,
      });
      if (isIndented) json(terminal, JSON.parse(text));
      else terminal.out(`${text.trimEnd()}\n`);
      exit(exits.ok);
    });
};
