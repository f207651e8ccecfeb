/** Every tool, by set and in the order of the list. A new set adds its line here. */
import {covers} from '../../../shared/wire/contract.ts';
import type {Actor} from '../../domain/actor.ts';
import type {Tool as ListedTool} from '@modelcontextprotocol/server';
import {toolSets, type Tool} from './tool.ts';
import {coordinationTools} from './tools/coordination.ts';
import {memoryTools} from './tools/memory.ts';
import {proofTools} from './tools/proof.ts';

const all: readonly Tool[] = [...memoryTools, ...coordinationTools, ...proofTools].toSorted(
  (a, b) => toolSets.indexOf(a.set) - toolSets.indexOf(b.set),
);

/** The tools of some sets. */
export const toolsOf = (sets: readonly string[]): readonly Tool[] =>
  all.filter(({set}) => sets.includes(set));

/** A list is the same for all that hold the same scopes: at most a few hundred are ever made. */
const lists = new Map<string, readonly ListedTool[]>();
const listsMost = 1_024;

/** What is listed for a caller: the tools of the sets that its scopes let it use. */
export function listedTools(sets: readonly string[], {scopes}: Actor): ListedTool[] {
  const usable = toolsOf(sets).filter(({may}) => covers(scopes, may));
  const key = usable.map(({name}) => name).join();
  const known = lists.get(key);
  if (known !== undefined) return [...known];
  const made = usable.map(
    ({name, title, description, annotations, input, output}) =>
      ({
        name,
        title,
        description,
        inputSchema: input,
        outputSchema: output,
        annotations,
      }) as unknown as ListedTool,
  );
  if (lists.size < listsMost) lists.set(key, made);
  return [...made];
}
