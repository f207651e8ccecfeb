import fc from 'fast-check';
import {expect, test} from 'vitest';
import type {Note} from '../../../core/domain/note.ts';
import {lowerClass} from '../../../core/domain/memory-item.ts';
import {sourceClass} from '../../../shared/wire/enums.ts';
import {beginTrajectory, keepNote} from '../../support/memory-commands.ts';
import {createWorld, idOf} from '../../support/spec.ts';

const classes = sourceClass.values;

const made = fc.array(
  fc.record({
    ceiling: fc.constantFrom(...classes),
    adds: fc.constantFrom(...classes),
    parents: fc.array(fc.nat(30), {maxLength: 4}),
  }),
  {minLength: 1, maxLength: 20},
);

test('over random lineages no item is trusted more than anything it was made from', () => {
  fc.assert(
    fc.property(made, (items) => {
      const world = createWorld().given(beginTrajectory(idOf(10)));
      items.forEach(({ceiling, adds, parents}, n) => {
        const sources = [...new Set(parents.filter((parent) => parent < n))].map((p) =>
          idOf(500 + p),
        );
        const sent = {title: `n${n}`, source_note_ids: sources};
        world.given(keepNote(idOf(500 + n), sent, {ceiling, adds}));
        const note = world.state<Note>('note', idOf(500 + n));
        for (const bound of [
          ceiling,
          adds,
          ...sources.map((id) => world.state<Note>('note', id).trust),
        ]) {
          expect(lowerClass(note.trust, bound)).toBe(note.trust);
        }
      });
    }),
    {numRuns: 60},
  );
});
