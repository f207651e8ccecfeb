/**
 * A context: what a model should know before it answers, inside a budget of tokens.
 *
 * `gather` reads, and all the rest is pure: the same package, the same bytes. What goes in is chosen by
 * counts of the parts; the text is then counted as a whole, and loses its least item until it fits, so
 * no answer is ever over its budget.
 */
import {CellError} from '../../shared/errors.ts';
import type {Id} from '../../shared/ids.ts';
import {countTokens} from '../text/tokens.ts';
import {fill, sections, usableShare, type SectionName} from './budget.ts';
import type {ContextRequest, Package} from './gather.ts';
import {piecesOf, type ContextPiece, type ItemRef} from './pieces.ts';
import {
  cutEntry,
  groupHead,
  isUntrusted,
  renderEntry,
  renderUser,
  sectionHead,
  trustSentence,
} from './render.ts';

type BlockName = SectionName | 'system' | 'user';

export type Block = {
  readonly section: BlockName;
  readonly text: string;
  readonly tokens: number;
  /** What each number in the text stands for. */
  readonly labels: ReadonlyMap<number, ItemRef>;
};

export type Context = {
  readonly text: string;
  readonly tokens: number;
  readonly isTruncated: boolean;
  readonly blocks: readonly Block[];
  readonly pieces: readonly ContextPiece[];
};

const titles: Readonly<Record<SectionName, string>> = {
  hierarchy: 'Task',
  notes: 'Notes',
  artifacts: 'Artifacts',
  evidence: 'Evidence',
  history: 'History',
};

/** In the order of the text, which is not that of filling. */
const inText = ['hierarchy', 'notes', 'artifacts', 'evidence', 'history'] as const;

/** The mark of a context: the last, random, digits of the id of its scope. */
const recallIdOf = (id: Id): string => id.slice(-8);

/** One section as text. Numbers go on from `first`. */
function renderSection(
  name: SectionName,
  pieces: readonly ContextPiece[],
  recallId: string,
  first: number,
): {text: string; labels: Map<number, ItemRef>} {
  const labels = new Map<number, ItemRef>();
  let text = sectionHead(titles[name], recallId);
  let group: string | null = null;
  for (const piece of pieces) {
    if (piece.group !== null && piece.group.key !== group) {
      group = piece.group.key;
      text += groupHead(piece.group.title);
    }
    const label = first + labels.size;
    labels.set(label, piece.ref);
    text += renderEntry(piece.entry, label);
  }
  return {text, labels};
}

/** Everything that was chosen, as text. */
function render(
  chosen: readonly ContextPiece[],
  userInput: string | null,
  recallId: string,
): Block[] {
  const blocks: {section: BlockName; text: string; labels: Map<number, ItemRef>}[] = [];
  let next = 1;
  if (chosen.some(({entry}) => isUntrusted(entry.trust))) {
    blocks.push({section: 'system', text: `${trustSentence}\n`, labels: new Map()});
  }
  for (const name of inText) {
    const pieces = chosen
      .filter(({section}) => section === name)
      .toSorted((a, b) => (a.order < b.order ? -1 : Number(a.order > b.order)));
    if (pieces.length === 0) continue;
    const made = renderSection(name, pieces, recallId, next);
    next += pieces.length;
    blocks.push({section: name, ...made});
  }
  if (userInput !== null) {
    blocks.push({section: 'user', text: renderUser(userInput), labels: new Map()});
  }
  return blocks.map((block) => ({...block, tokens: countTokens(block.text)}));
}

/** What stands in the text whatever is chosen; the sentence about trust where it may be needed. */
function fixedTokens(of: ContextRequest, pieces: readonly ContextPiece[]): number {
  const user = of.userInput === null ? 0 : countTokens(renderUser(of.userInput));
  const system = pieces.some(({entry}) => isUntrusted(entry.trust))
    ? countTokens(trustSentence)
    : 0;
  const tokens = user + system + 1;
  const limit = Math.floor(of.budgetTokens * usableShare);
  if (tokens <= limit) return tokens;
  throw new CellError('LIMIT_EXCEEDED', `user_input is ${tokens} tokens, the budget has ${limit}`, {
    details: {limit, value: tokens, setting: 'token_budget'},
  });
}

/** Chooses and renders. */
export function assembleContext(of: ContextRequest, found: Package): Context {
  const pieces = piecesOf(of, found);
  const recallId = recallIdOf(found.scope?.id ?? of.trajectory.id);
  const headTokens = (name: SectionName): number =>
    countTokens(sectionHead(titles[name], recallId));
  const headings = Object.fromEntries(
    Object.keys(sections).map((name) => [name, headTokens(name as SectionName)]),
  ) as Record<SectionName, number>;
  const filled = fill({
    pieces,
    headings,
    fixedTokens: fixedTokens(of, pieces),
    budgetTokens: of.budgetTokens,
  });
  const cut = filled.cut.flatMap(({piece, tokens}) => {
    const entry = cutEntry(piece.entry, tokens);
    return entry === null ? [] : [{...piece, entry}];
  });
  let chosen = [...filled.kept, ...cut];
  let isTruncated = filled.isTruncated;
  for (;;) {
    const blocks = render(chosen, of.userInput, recallId);
    const text = blocks.map((block) => block.text).join('');
    const tokens = countTokens(text);
    if (tokens <= of.budgetTokens || chosen.length === 0) {
      return {text, tokens, isTruncated, blocks, pieces: chosen};
    }
    // The counts of parts did not add up to that of the whole: the least item leaves.
    const least = chosen.reduce((low, piece) => (piece.score < low.score ? piece : low));
    chosen = chosen.filter((piece) => piece !== least);
    isTruncated = true;
  }
}
