/**
 * Inclusion proofs: c2sp.org/tlog-proof@v1, kept verbatim in a receipt.
 *
 * The `extra` line is opaque and authenticated by nothing; the plain-text proof route puts the
 * header there, a receipt leaves it out.
 */
import {fromBase64, toBase64} from './bytes.ts';
import {parseCheckpoint, parseSize} from './checkpoint.ts';
import type {SignedCheckpoint} from './checkpoint.ts';
import {hashBytes} from './hashes.ts';
import {FormatRefusal} from './refusal.ts';

/** A proof as it was read, not yet verified. */
export type Proof = {
  readonly extra: Uint8Array | null;
  readonly index: number;
  readonly path: readonly Uint8Array[];
  readonly checkpoint: SignedCheckpoint;
};

/** What a proof is rendered from; `note` is the signed checkpoint, verbatim. */
export type ProofParts = {
  readonly extra?: Uint8Array;
  readonly index: number;
  readonly path: readonly Uint8Array[];
  readonly note: string;
};

const firstLine = 'c2sp.org/tlog-proof@v1';
/** A tree of 2^53 leaves has paths of 53 hashes; a longer one proves nothing. */
const pathLimitCount = 64;

/** The text of a proof. */
export function renderProof({extra, index, path, note}: ProofParts): string {
  const lines = [firstLine];
  if (extra !== undefined) lines.push(`extra ${toBase64(extra)}`);
  lines.push(`index ${index}`, ...path.map(toBase64), '', note);
  return lines.join('\n');
}

/** Reads a proof and the checkpoint in it. */
export function parseProof(text: string): Proof {
  const end = text.indexOf('\n\n');
  if (end === -1) throw new FormatRefusal('proof', 'has no empty line before its checkpoint');
  const lines = text.slice(0, end).split('\n');
  if (lines.shift() !== firstLine) throw new FormatRefusal('proof', `does not begin ${firstLine}`);
  const extra = lines[0]?.startsWith('extra ') ? fromBase64(lines.shift()?.slice(6) ?? '') : null;
  const index = lines.shift() ?? '';
  if (!index.startsWith('index ')) throw new FormatRefusal('proof', 'has no line with the index');
  if (lines.length > pathLimitCount) {
    throw new FormatRefusal('proof', `${lines.length} hashes, limit ${pathLimitCount}`);
  }
  return {
    extra,
    index: parseSize('proof', index.slice('index '.length)),
    path: lines.map(parseHash),
    checkpoint: parseCheckpoint(text.slice(end + 2)),
  };
}

function parseHash(line: string): Uint8Array {
  const hash = fromBase64(line);
  if (hash.length !== hashBytes) throw new FormatRefusal('proof', 'a hash is not of 32 bytes');
  return hash;
}
