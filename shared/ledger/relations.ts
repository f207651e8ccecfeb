/**
 * What an event says about another one: the typed parents of the event DAG.
 *
 * The name stands in the header, the code in `ledger.edge.rel`.
 */
export const relationCodes = {
  causes: 1,
  delegates: 2,
  result: 3,
  fork: 4,
  merge: 5,
  acks: 6,
  compensates: 7,
  supersedes: 8,
  erases: 9,
  foreign: 10,
} as const;

/** Name of a relation. */
export type Relation = keyof typeof relationCodes;

/** Whether a text names a relation. */
export function isRelation(text: string): text is Relation {
  return Object.hasOwn(relationCodes, text);
}

const namesByCode = new Map<number, string>(
  Object.entries(relationCodes).map(([name, code]) => [code, name]),
);

/** Name of a relation's code; undefined for a code that no relation has. */
export function relationName(code: number): Relation | undefined {
  const name = namesByCode.get(code);
  return name !== undefined && isRelation(name) ? name : undefined;
}
