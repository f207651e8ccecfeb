/**
 * Verifies one receipt without network, account or trust in its server: levels L0 and L1.
 *
 * L0: the header is canonical with exactly its keys, and what is opened matches its commitments.
 * L1: the event is included under a checkpoint signed by a key of the policy, whose origin is the
 * header's own. Kept checkpoints are compared where they speak of the same size.
 *
 * Every text is a stranger's, so nothing here throws for what it is fed: each refusal is a check.
 */
import {decodeUtf8, toHex} from './bytes.ts';
import {checkCheckpoint, parseCheckpoint} from './checkpoint.ts';
import type {SignedCheckpoint} from './checkpoint.ts';
import {compareCheckpoints} from './consistency.ts';
import type {Hashes} from './hashes.ts';
import {eventHash, parseHeader} from './header.ts';
import type {Header} from './header.ts';
import type {VerifierKey} from './note.ts';
import {commitContent, commitData, parseContent, parseData} from './payload.ts';
import {parsePolicy} from './policy.ts';
import type {Policy} from './policy.ts';
import {parseProof} from './proof.ts';
import {parseReceipt} from './receipt.ts';
import type {Receipt} from './receipt.ts';
import {leafHash} from './tree.ts';
import {verifyInclusion} from './tree-verify.ts';
import {beginExamination, exitOf} from './verdict.ts';
import type {Check, Examination, Exit} from './verdict.ts';

/** What a receipt is judged by. */
export type ReceiptCase = {
  readonly receipt: string;
  /** A tlog-policy file; without one the answer is at most L0 and "cannot decide". */
  readonly policy?: string | undefined;
  /** Checkpoints of this log that the auditor kept. */
  readonly known?: readonly string[] | undefined;
};

/** What was shown of a receipt. */
export type ReceiptVerdict = {
  readonly level: 'none' | 'L0' | 'L1';
  readonly exit: Exit;
  readonly checks: readonly Check[];
  readonly header: Header | null;
  readonly eventHash: string | null;
  /** Where the event stands, in the tree of `header.log`; null below L1. */
  readonly index: number | null;
  readonly size: number | null;
  /** Two notes that exclude each other, when the exit is 30. */
  readonly evidence: readonly [string, string] | null;
};

/** Verifies a receipt. */
export function verifyReceipt(hashes: Hashes, input: ReceiptCase): ReceiptVerdict {
  const exam = beginExamination();
  const receipt = exam.read('receipt', 40, () => parseReceipt(input.receipt));
  if (receipt === null) return answer(exam, {});
  exam.claim('receipt', true, 40, 'has exactly its members');

  const header = exam.read('header', 40, () => parseHeader(receipt.header));
  if (header === null) return answer(exam, {});
  const hash = eventHash(hashes, receipt.header);
  exam.claim('header', true, 40, `event ${header.id}, hash ${toHex(hash)}`);
  const isOpen = checkParts(hashes, exam, receipt, header);
  const shown = {header, eventHash: toHex(hash)};
  if (!isOpen) return answer(exam, shown);

  const policy = readPolicy(hashes, exam, input.policy);
  const proof = exam.read('proof', 40, () => parseProof(receipt.proof));
  if (proof === null) return answer(exam, {...shown, level: 'L0'});
  exam.claim('proof', proof.extra === null, 40, 'a receipt has a proof without an extra line');
  const {checkpoint, index, path} = proof;
  const {size, root} = checkpoint;
  exam.claim('origin', header.log === checkpoint.origin, 40, `header: ${header.log}`);
  const isIncluded = verifyInclusion(hashes, {
    index,
    size,
    leaf: leafHash(hashes, hash),
    path,
    root,
  });
  exam.claim('inclusion', isIncluded, 40, `leaf ${index} in the tree of size ${size}`);
  if (policy === null) return answer(exam, {...shown, level: 'L0'});
  const isSigned = checkSignature(hashes, exam, policy, checkpoint);
  // Only a signed head can contradict one: a forged receipt is no evidence against anybody.
  const heads = isSigned ? [checkpoint] : [];
  const evidence = compareKnown(hashes, exam, policy, heads, input.known ?? []);
  if (exam.checks.some(({ok}) => !ok)) return answer(exam, {...shown, level: 'L0', evidence});
  return answer(exam, {...shown, level: 'L1', index, size});
}

function answer(exam: Examination, shown: Partial<ReceiptVerdict>): ReceiptVerdict {
  const nothing = {header: null, eventHash: null, index: null, size: null, evidence: null};
  const {checks} = exam;
  return {level: 'none', ...nothing, ...shown, checks, exit: exitOf(checks)};
}

/** Whether every part that is opened is the one that was committed. */
function checkParts(hashes: Hashes, exam: Examination, receipt: Receipt, header: Header): boolean {
  const {data, content} = receipt.open ?? {data: null, content: null};
  let isSound = true;
  if (data !== null) {
    const found = exam.read('data', 40, () => {
      const text = decodeUtf8(data.body);
      parseData(text);
      return commitData(hashes, data.salt, text);
    });
    const holds = found !== null && exam.claim('data', found === header.pay.d, 40, 'is pay.d');
    isSound &&= holds;
  }
  if (content !== null) {
    const found = exam.read('content', 40, () => {
      const text = decodeUtf8(content.body);
      parseContent(text);
      return commitContent(hashes, content.salt, text);
    });
    const holds = found !== null && exam.claim('content', found === header.pay.c, 40, 'is pay.c');
    isSound &&= holds;
  }
  return isSound;
}

function readPolicy(hashes: Hashes, exam: Examination, text: string | undefined): Policy | null {
  if (text === undefined) {
    exam.claim('policy', false, 20, 'without a policy no key is trusted');
    return null;
  }
  const policy = exam.read('policy', 64, () => parsePolicy(hashes, text));
  if (policy === null) return null;
  exam.claim('witnesses', !policy.needsWitnesses, 20, 'no quorum of witnesses can be checked yet');
  const names = `names ${policy.logs.length} logs`;
  return exam.claim('policy', policy.logs.length > 0, 20, names) ? policy : null;
}

function checkSignature(
  hashes: Hashes,
  exam: Examination,
  policy: Policy,
  checkpoint: SignedCheckpoint,
): boolean {
  const {origin} = checkpoint;
  const key = keyOf(policy, origin);
  if (key === undefined) {
    // A later shard of a log of the policy may be good: its opened first leaves would say so.
    const isFollower = policy.logs.some(({name}) => isLaterShard(name, origin));
    return exam.claim('key', false, isFollower ? 20 : 40, `the policy has no key of ${origin}`);
  }
  const found = checkCheckpoint(hashes, checkpoint, key);
  return exam.claim('signature', found === 'good', 40, `by ${key.name}+${key.keyId}: ${found}`);
}

function keyOf(policy: Policy, origin: string): VerifierKey | undefined {
  return policy.logs.find(({name}) => name === origin);
}

function isLaterShard(first: string, origin: string): boolean {
  return origin.startsWith(`${first}/`) && /^[1-9][0-9]*$/.test(origin.slice(first.length + 1));
}

/** Compares signed heads with those that were kept; two that exclude each other are evidence. */
function compareKnown(
  hashes: Hashes,
  exam: Examination,
  policy: Policy,
  heads: readonly SignedCheckpoint[],
  known: readonly string[],
): readonly [string, string] | null {
  let evidence: readonly [string, string] | null = null;
  for (const text of known) {
    const kept = exam.read('known', 64, () => parseCheckpoint(text));
    if (kept === null) continue;
    const key = keyOf(policy, kept.origin);
    const isSigned = key !== undefined && checkCheckpoint(hashes, kept, key) === 'good';
    if (!exam.claim('known', isSigned, 64, `${kept.origin} at ${kept.size} is signed`)) continue;
    for (const head of heads.filter(({origin}) => origin === kept.origin)) {
      const relation = compareCheckpoints(hashes, kept, head);
      const detail = `kept at ${kept.size}, in the receipt at ${head.size}: ${relation}`;
      if (exam.claim('consistency', relation !== 'diverged', 30, detail)) continue;
      evidence ??= [text, head.note.source];
    }
  }
  return evidence;
}
