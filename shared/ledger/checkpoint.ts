/**
 * Checkpoints: c2sp.org/tlog-checkpoint, the signed head of one shard's tree.
 *
 * A checkpoint says size and root of one origin and nothing else; extension lines, which the
 * specification allows and discourages, are refused. The key's name is the origin.
 */
import {fromBase64, toBase64} from './bytes.ts';
import {hashBytes} from './hashes.ts';
import type {Hashes} from './hashes.ts';
import {checkNote, parseNote, signNote} from './note.ts';
import type {Note, Signer, VerifierKey} from './note.ts';
import {FormatRefusal} from './refusal.ts';

/** Size and root of a tree under its origin. Sizes here are of the tree, not of the ledger. */
export type Checkpoint = {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
};

/** A checkpoint with the note it was read from. */
export type SignedCheckpoint = Checkpoint & {readonly note: Note};

const sizePattern = /^(?:0|[1-9][0-9]{0,15})$/;

/** The three lines that are signed. */
export function renderCheckpointBody({origin, size, root}: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** The signed note of a checkpoint. Ed25519 is deterministic: the same head, the same note. */
export function signCheckpoint(checkpoint: Checkpoint, signer: Signer): string {
  if (signer.name !== checkpoint.origin) {
    throw new FormatRefusal('checkpoint', 'the key is named for another origin');
  }
  return signNote(renderCheckpointBody(checkpoint), signer);
}

/** Reads the note of a checkpoint; its signature is not verified yet. */
export function parseCheckpoint(text: string): SignedCheckpoint {
  const note = parseNote(text);
  const [origin = '', size = '', root = '', ...rest] = note.text.split('\n');
  if (rest.length !== 1) throw new FormatRefusal('checkpoint', 'is not of exactly three lines');
  if (origin === '') throw new FormatRefusal('checkpoint', 'has no origin');
  const hash = fromBase64(root);
  if (hash.length !== hashBytes) throw new FormatRefusal('checkpoint', 'root is not of 32 bytes');
  return {origin, size: parseSize('checkpoint', size), root: hash, note};
}

/** Reads a decimal number of at most 2^53 - 1, without leading zeros. */
export function parseSize(part: 'checkpoint' | 'proof', text: string): number {
  const size = Number(text);
  if (!sizePattern.test(text) || !Number.isSafeInteger(size)) {
    throw new FormatRefusal(part, 'not a plain decimal number below 2^53');
  }
  return size;
}

/** Whether a checkpoint is the word of the log whose key is given. */
export function checkCheckpoint(
  hashes: Hashes,
  checkpoint: SignedCheckpoint,
  key: VerifierKey,
): 'absent' | 'bad' | 'good' | 'other-origin' {
  if (checkpoint.origin !== key.name) return 'other-origin';
  return checkNote(hashes, checkpoint.note, key);
}
