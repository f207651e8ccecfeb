/** Receipts: the exact header and a proof under a signed checkpoint, made when somebody asks. */
import {CellError} from '../../shared/errors.ts';
import {encodeUtf8} from '../../shared/ledger/bytes.ts';
import {signCheckpoint} from '../../shared/ledger/checkpoint.ts';
import {parseHeader} from '../../shared/ledger/header.ts';
import {kindName} from '../../shared/ledger/kinds.ts';
import {renderProof} from '../../shared/ledger/proof.ts';
import {renderReceipt, type Opened} from '../../shared/ledger/receipt.ts';
import type {Actor} from '../domain/actor.ts';
import {loadLedger} from '../ledger/head.ts';
import {consistencyFrom, inclusionOf, rootAt} from '../ledger/proof.ts';
import type {Ran} from '../pipeline/run.ts';
import type {Head} from '../store/store.ts';
import {mayReadPayload} from './may-read.ts';
import type {Services} from './services.ts';

type Stored = {
  leaf: number;
  header: string;
  data_salt: Uint8Array | null;
  data: string | null;
  content_salt: Uint8Array | null;
  content: string | null;
};

const eventById = {
  name: 'event_select_receipt',
  text: `select e.leaf, e.header, p.data_salt, p.data, p.content_salt, p.content
    from ledger.event e left join ledger.payload p using (tenant_no, leaf) where e.tenant_no = $1 and e.event_id = $2`,
};

/** The head of a tenant's ledger as its lane holds it. */
export async function headOf(services: Services, actor: Actor): Promise<Head> {
  const {memory} = services.laneOf(actor.tenantNo);
  return (await loadLedger(services.store, memory, services.tools.hashes, actor.tenantNo)).head;
}

function signerOf(services: Services, head: Head) {
  const key = services.keys.shard(head.tenantId, head.shard, head.vkey);
  if (key !== null) return key.signer;
  throw new CellError('LEDGER_HALTED', 'no listed master key yields the key of this ledger');
}

/** The signed checkpoint over a tree size and root. */
export const noteOf = (services: Services, head: Head, size: number, root: Uint8Array): string =>
  signCheckpoint({origin: head.origin, size, root}, signerOf(services, head));

/** The receipt of a mutation just made, from the lane's memory. */
export async function freshReceipt(
  services: Services,
  actor: Actor,
  ran: Extract<Ran, {is: 'committed'}>,
): Promise<string> {
  const {event, outcome} = ran;
  if (event === null)
    throw new CellError('INVALID_INPUT', 'the request changed nothing, so there is no receipt');
  const head = outcome.head;
  if (head.size !== ran.position + 1) return storedReceipt(services, actor, event.id, {});
  const note = noteOf(services, head, head.size - head.baseLeaf, head.root);
  const proof = renderProof({index: event.leaf - head.baseLeaf, path: outcome.paths(0), note});
  return renderReceipt({header: event.header, proof, open: null});
}

type ReceiptOptions = {
  readonly open?: boolean | undefined;
  readonly checkpoint?: number | undefined;
};

async function provenEvent(
  services: Services,
  actor: Actor,
  eventId: string,
  checkpoint: number | undefined,
) {
  const {tenantNo} = actor;
  const head = await headOf(services, actor);
  const size = checkpoint ?? head.size;
  const [event] = await services.store.read(tenantNo, (q) =>
    q.rows<Stored>(eventById, [tenantNo, eventId]),
  );
  if (event === undefined) throw new CellError('ENTITY_NOT_FOUND', 'no such event');
  if (size > head.size || size <= event.leaf) {
    throw new CellError(
      'INVALID_RANGE',
      `checkpoint ${size} is not between ${event.leaf + 1} and ${head.size}`,
    );
  }
  const {path, root} = await inclusionOf(
    services.store,
    services.tools.hashes,
    head,
    event.leaf,
    size,
  );
  return {event, head, path, note: noteOf(services, head, size - head.baseLeaf, root)};
}

/** The receipt of any event at any size, as text. */
export async function storedReceipt(
  services: Services,
  actor: Actor,
  eventId: string,
  {open, checkpoint}: ReceiptOptions,
): Promise<string> {
  const {event, head, path, note} = await provenEvent(services, actor, eventId, checkpoint);
  const proof = renderProof({index: event.leaf - head.baseLeaf, path, note});
  return renderReceipt({
    header: event.header,
    proof,
    open: open === true && mayOpen(actor, event) ? openedOf(event) : null,
  });
}

/** The same as a C2SP tlog-proof with the header as its extra line. */
export async function proofText(
  services: Services,
  actor: Actor,
  eventId: string,
): Promise<string> {
  const {event, head, path, note} = await provenEvent(services, actor, eventId, undefined);
  return renderProof({
    index: event.leaf - head.baseLeaf,
    path,
    note,
    extra: encodeUtf8(event.header),
  });
}

/** What was written is opened to those alone that could read the entity by id. */
const mayOpen = (actor: Actor, {header}: Stored): boolean =>
  mayReadPayload(actor, kindName(Number.parseInt(parseHeader(header).kind, 16)));

function openedOf(event: Stored): Opened {
  const part = (salt: Uint8Array | null, body: string | null) =>
    salt === null || body === null ? null : {salt, body: encodeUtf8(body)};
  return {
    data: part(event.data_salt, event.data),
    content: part(event.content_salt, event.content),
  };
}

/** The signed checkpoint of any committed size; the newest without one. */
export async function checkpointText(
  services: Services,
  actor: Actor,
  size: number | undefined,
): Promise<string> {
  const head = await headOf(services, actor);
  const at = size ?? head.size;
  if (at > head.size || at <= head.baseLeaf)
    throw new CellError(
      'INVALID_RANGE',
      `size ${at} is not between ${head.baseLeaf + 1} and ${head.size}`,
    );
  const root = await rootAt(services.store, services.tools.hashes, head, at);
  return noteOf(services, head, at - head.baseLeaf, root);
}

/** Proof that the ledger of `from` leaves is a prefix of that of `to`: hashes in base64, then the note of `to`. */
export async function consistencyText(
  services: Services,
  actor: Actor,
  from: number,
  to: number,
): Promise<string> {
  const head = await headOf(services, actor);
  if (from > to || to > head.size || from <= head.baseLeaf) {
    throw new CellError(
      'INVALID_RANGE',
      `from ${from} and to ${to} are not ascending sizes up to ${head.size}`,
    );
  }
  const {path, root} = await consistencyFrom(services.store, services.tools.hashes, head, from, to);
  const lines = path.map((hash) => Buffer.from(hash).toString('base64'));
  return [...lines, '', noteOf(services, head, to - head.baseLeaf, root)].join('\n');
}
