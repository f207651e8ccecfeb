/** What must hold of a history: nothing lost, doubled, reordered or falsely answered. */
import {createReplay} from '../../core/ledger/replay.ts';
import {toSql} from '../../core/store/codec.ts';
import {aggregateNamed} from '../../core/domain/aggregates.ts';
import {CellError} from '../../shared/errors.ts';
import type {Id, TenantNo} from '../../shared/ids.ts';
import {equalBytes, fromHex, toHex} from '../../shared/ledger/bytes.ts';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {parseHeader, type Header} from '../../shared/ledger/header.ts';
import {kindName} from '../../shared/ledger/kinds.ts';
import type {LogRecord} from '../../shared/ledger/log-record.ts';
import {createLogVerifier} from '../../shared/ledger/log-verifier.ts';
import {parseVkey} from '../../shared/ledger/note.ts';
import {verifyInclusion} from '../../shared/ledger/tree-verify.ts';
import {appendLeaf, frontierRoot} from '../../shared/ledger/tree.ts';
import {asText, type SqlRow} from '../support/simulated-tables.ts';
import {expected, nameOf, type Expected, type World} from './world.ts';
import type {History, Sending} from './lane-run.ts';

type Event = {
  readonly leaf: number;
  readonly header: Header;
  readonly row: SqlRow;
  readonly payload: SqlRow;
};

/** Longest that a caller waits for anything, in simulated time. */
const answerLimitMicros = 400_000_000;

/** Everything that is wrong with a history, a sentence each. */
export function faultsOf(hashes: Hashes, history: History): readonly string[] {
  const faults: string[] = [];
  const claim = (holds: boolean, what: () => string): void => {
    if (!holds) faults.push(what());
  };
  for (const tenantNo of history.known.keys()) {
    const log = logOf(history, tenantNo);
    const sendings = history.sendings.filter((one) => one.tenantNo === tenantNo);
    checkLog(hashes, history, tenantNo, log, claim);
    checkTables(history, tenantNo, log, claim);
    checkAnswers(hashes, log, sendings, claim);
    checkOrder(sendings, log, claim);
    checkRules(history, tenantNo, log, sendings, claim);
  }
  faults.push(...history.viewFaults);
  for (const {id, least, found} of history.looked) {
    claim(
      found >= least,
      () => `trajectory ${id} was read at version ${found} after version ${least} was acknowledged`,
    );
  }
  return faults;
}

type Claim = (holds: boolean, what: () => string) => void;

function logOf({server}: History, tenantNo: TenantNo): readonly Event[] {
  return (server.tables.events.get(tenantNo) ?? []).map((row) => {
    const payload = server.tables.payloads.get(`${tenantNo}/${asText(row['leaf'])}`);
    if (payload === undefined) throw new Error(`leaf ${asText(row['leaf'])} has no payload`);
    return {leaf: Number(row['leaf']), header: parseHeader(String(row['header'])), row, payload};
  });
}

const bytesOf = (text: unknown): Uint8Array | null =>
  typeof text === 'string' ? fromHex(text.slice(2)) : null;

function recordOf({leaf, row, payload}: Event): LogRecord {
  return {
    leaf,
    header: String(row['header']),
    facts: String(row['facts']),
    dataSalt: bytesOf(payload['data_salt']),
    data: String(payload['data']),
    contentSalt: bytesOf(payload['content_salt']),
    content: payload['content'] as string | null,
    columns: {
      eventHash: bytesOf(row['event_hash']) ?? new Uint8Array(),
      leafHash: bytesOf(row['leaf_hash']) ?? new Uint8Array(),
      kind: Number(row['kind']),
      trajId: asText(row['traj_id']),
      trajSeq: Number(row['traj_seq']),
      depth: Number(row['depth']),
      track: Number(row['track']),
      entityId: row['entity_id'] as string | null,
      entityVer: row['entity_ver'] as number | null,
      corrId: row['corr_id'] as string | null,
      agentId: row['agent_id'] as string | null,
      idem: bytesOf(row['idem']),
      edges: [],
    },
  };
}

/** Leaves without a gap, one order of leaves, times and ids, chains, groups, root: the whole log verifies. */
function checkLog(
  hashes: Hashes,
  history: History,
  tenantNo: TenantNo,
  log: readonly Event[],
  claim: Claim,
): void {
  const head = history.server.tables.tenants.get(tenantNo);
  if (head === undefined) throw new Error(`tenant ${tenantNo} has a head`);
  const shards = [{key: parseVkey(hashes, head.vkey), baseLeaf: 0}];
  const verifier = createLogVerifier(hashes, {
    shards,
    row: {size: head.size, root: fromHex(head.root)},
  });
  for (const event of log) verifier.add(recordOf(event));
  const {fault} = verifier.finish();
  claim(
    fault === null,
    () => `the log of tenant ${tenantNo} does not verify: ${JSON.stringify(fault)}`,
  );
  log.forEach(({leaf, header}, index) => {
    claim(leaf === index, () => `leaf ${leaf} stands at ${index}`);
    const before = log[index - 1]?.header;
    claim(
      before === undefined || (before.id < header.id && before.at < header.at),
      () => `leaf ${leaf} is not after the one before it`,
    );
  });
}

const present = (row: SqlRow): string =>
  JSON.stringify(row, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(
          Object.entries(value)
            .filter(([, one]) => one !== null && one !== undefined)
            .toSorted(([a], [b]) => (a < b ? -1 : 1)),
        )
      : value,
  );

/** Tables are what the reducers make of the log, the past included; versions have no gap. */
function checkTables(
  {server}: History,
  tenantNo: TenantNo,
  log: readonly Event[],
  claim: Claim,
): void {
  const replay = createReplay();
  const past = new Map<string, string>();
  const versions = new Map<string, number>();
  for (const {leaf, header, payload} of log) {
    const {id = '', ver = null} = header.ent ?? {};
    if (ver !== null) {
      claim(
        ver === (versions.get(id) ?? 0) + 1,
        () => `leaf ${leaf} makes version ${ver} of ${id}, which was at ${versions.get(id) ?? 0}`,
      );
      versions.set(id, ver);
    }
    const replaced = replay.add({
      leaf,
      header,
      data: JSON.parse(String(payload['data'])),
      content: payload['content'] === null ? null : JSON.parse(asText(payload['content'])),
    });
    if (replaced === null) continue;
    const {entity, row, toLeaf} = replaced;
    const aggregate = aggregateNamed(entity);
    if (aggregate === undefined) continue;
    past.set(
      `${tenantNo}/${entity}/${row.id}/${row.leaf}`,
      `${toLeaf} ${present(toSql(aggregate, tenantNo, row))}`,
    );
  }
  let rowCount = 0;
  for (const {entity, row} of replay.rows.values()) {
    const aggregate = aggregateNamed(entity);
    const stored = server.tables.mem.get(entity)?.get(`${tenantNo}/${row.id}`);
    rowCount += 1;
    claim(
      aggregate !== undefined &&
        stored !== undefined &&
        present(stored) === present(toSql(aggregate, tenantNo, row)),
      () => `${entity} ${row.id} is not what its events make of it`,
    );
  }
  const storedRows = [...server.tables.mem.values()]
    .flatMap((table) => [...table.values()])
    .filter((row) => row['tenant_no'] === tenantNo);
  claim(
    storedRows.length === rowCount,
    () => `${storedRows.length} rows are stored, the events make ${rowCount}`,
  );
  const storedPast = [...server.tables.past].filter(([, row]) => row['tenant_no'] === tenantNo);
  claim(
    storedPast.length === past.size,
    () => `${storedPast.length} past versions are stored, the events make ${past.size}`,
  );
  for (const [key, row] of storedPast) {
    claim(
      past.get(key) === `${asText(row['to_leaf'])} ${present(row['row'] as SqlRow)}`,
      () => `past version ${key} is not what its events make of it`,
    );
  }
}

/** Every caller is told the truth: what it was told is there, once, and nothing else of it is. */
function checkAnswers(
  hashes: Hashes,
  log: readonly Event[],
  sendings: readonly Sending[],
  claim: Claim,
): void {
  const byTrace = Map.groupBy(log, ({header}) => header.trace ?? '');
  const roots = rootsOf(hashes, log);
  const traces = new Set(sendings.map(({trace}) => trace));
  for (const trace of byTrace.keys())
    claim(
      trace === '' || traces.has(trace),
      () => `an event of ${trace} is there, which nobody sent`,
    );
  claim((byTrace.get('') ?? []).length === 4, () => 'the first events are there once');
  for (const sending of sendings)
    checkAnswer(hashes, sending, byTrace.get(sending.trace) ?? [], {log, roots, sendings}, claim);
  const idems = log.flatMap(({header}) => (header.idem === null ? [] : [header.idem]));
  claim(new Set(idems).size === idems.length, () => 'an idempotency key stands twice');
}

type About = {
  readonly log: readonly Event[];
  readonly roots: readonly string[];
  readonly sendings: readonly Sending[];
};

function checkAnswer(
  hashes: Hashes,
  sending: Sending,
  events: readonly Event[],
  {log, roots, sendings}: About,
  claim: Claim,
): void {
  const {told, trace, wanted} = sending;
  const who = `${trace.slice(-4)} (${wanted.commands.map(({type}) => type).join()})`;
  const [first] = events;
  const isWhole =
    first === undefined ||
    (events.length === first.header.grp[1] &&
      events.every(
        ({leaf, header}, index) => leaf === first.leaf + index && header.grp[0] === index,
      ));
  claim(isWhole, () => `${who}: its group is not there once and whole`);
  if (told === null) return claim(false, () => `${who}: never answered`);
  claim(
    sending.toldAt - sending.sentAt <= answerLimitMicros,
    () => `${who}: answered after ${(sending.toldAt - sending.sentAt) / 1e6} s`,
  );
  if (told.is === 'cut') return;
  if (told.is === 'ran' && told.ran.is === 'committed') {
    const {ran} = told;
    const stored = events.map(({leaf, row}) => `${leaf} ${String(row['header'])}`).join('\n');
    const said = ran.events.map(({leaf, header}) => `${leaf} ${header}`).join('\n');
    claim(
      stored === said,
      () =>
        `${who}: acknowledged ${ran.events.length} events, there are ${events.length} or others`,
    );
    const {head, paths} = ran.outcome;
    claim(
      roots[head.size] === toHex(head.root),
      () => `${who}: told another root of size ${head.size}`,
    );
    ran.events.forEach(({leaf, leafHash}, index) => {
      const proof = {
        index: leaf,
        size: head.size,
        leaf: leafHash,
        path: paths(index),
        root: head.root,
      };
      claim(verifyInclusion(hashes, proof), () => `${who}: its proof does not hold`);
      claim(
        equalBytes(leafHash, bytesOf(log[leaf]?.row['leaf_hash']) ?? new Uint8Array()),
        () => `${who}: another event is at leaf ${leaf}`,
      );
    });
    return;
  }
  if (told.is === 'ran' && told.ran.is === 'same') {
    claim(events.length === 0, () => `${who}: told that it was done before, and done`);
    const {leaf} = told.ran;
    const at = log[leaf];
    const before = sendings.find((one) => one.trace === at?.header.trace);
    const isSame =
      before !== undefined &&
      nameOf(before.wanted) === nameOf(wanted) &&
      before.wanted.digest === wanted.digest;
    claim(isSame, () => `${who}: told that leaf ${leaf} is its own`);
    return;
  }
  if (told.is === 'ran') return;
  const {error} = told;
  if (!(error instanceof CellError))
    return claim(false, () => `${who}: ${String(error instanceof Error ? error.stack : error)}`);
  if (error.code === 'TIMEOUT') return;
  const isRecorded = error.eventId !== null;
  claim(
    events.length === (isRecorded ? 1 : 0),
    () => `${who}: told ${error.code}, and ${events.length} events are there`,
  );
  if (isRecorded)
    claim(
      first?.header.id === error.eventId && kindOf(first) === 'mutation.denied',
      () => `${who}: its refusal is another event`,
    );
}

const kindOf = ({header}: Event): string => kindName(Number.parseInt(header.kind, 16));

/** Roots in hex, by size. */
function rootsOf(hashes: Hashes, log: readonly Event[]): readonly string[] {
  const nodes: Uint8Array[] = [];
  return [
    '',
    ...log.map(({row}, size) => {
      appendLeaf(hashes, nodes, size, bytesOf(row['leaf_hash']) ?? new Uint8Array());
      return toHex(frontierRoot(hashes, {size: size + 1, nodes}));
    }),
  ];
}

/** Who is sent after somebody was told comes after them. */
function checkOrder(sendings: readonly Sending[], log: readonly Event[], claim: Claim): void {
  const first = new Map<string, number>();
  for (const {leaf, header} of log)
    if (header.trace !== null && !first.has(header.trace)) first.set(header.trace, leaf);
  for (const {trace, from} of sendings) {
    const leaf = first.get(trace);
    claim(
      leaf === undefined || leaf >= from,
      () =>
        `${trace.slice(-4)} stands at ${leaf}, before ${from - 1}, which was acknowledged when it was sent`,
    );
  }
}

/** Every decision is the one that the rules give at its place. */
function checkRules(
  history: History,
  tenantNo: TenantNo,
  log: readonly Event[],
  sendings: readonly Sending[],
  claim: Claim,
): void {
  const known = history.known.get(tenantNo);
  if (known === undefined) return;
  const byTrace = new Map(sendings.map((one) => [one.trace, one]));
  let world = firstWorld(known.defaultAgentId, known.adminKeyId);
  // What left no event was decided somewhere between its sending and its answer.
  const open = new Set(history.isAlone ? sendings.filter(isQuiet) : []);
  const settleAt = (size: number): void => {
    for (const one of open) {
      if (size >= one.from && size <= one.to && isAnswer(expected(world, one.wanted), one))
        open.delete(one);
    }
  };
  settleAt(4);
  for (let leaf = 4; leaf < log.length;) {
    const first = log[leaf];
    const sending = byTrace.get(first?.header.trace ?? '');
    if (first === undefined || sending === undefined) return;
    const events = log.slice(leaf, leaf + first.header.grp[1]);
    const should = expected(world, sending.wanted);
    const is = events.map(kindOf).join();
    const code =
      is === 'mutation.denied'
        ? (JSON.parse(String(first.payload['data'])) as {data: {code: string}}).data.code
        : null;
    const isRight =
      code === null
        ? should.is === 'events' && should.kinds.join() === is
        : should.is === 'denied' && should.isRecorded && should.code === code;
    claim(
      isRight,
      () =>
        `leaf ${leaf} is ${code ?? is}, should be ${nameOfExpected(should)}: ${JSON.stringify(sending.wanted)}`,
    );
    if (!isRight || should.is === 'same') return;
    world = should.after;
    leaf += events.length;
    settleAt(leaf);
  }
  for (const one of open)
    claim(
      false,
      () =>
        `${one.trace.slice(-4)}: ${toldOf(one)} was never true from ${one.from} to ${one.to}: ${JSON.stringify(one.wanted)}`,
    );
}

const nameOfExpected = (of: Expected): string =>
  of.is === 'events' ? of.kinds.join() : of.is === 'same' ? 'the same' : of.code;

const firstWorld = (agentId: Id, keyId: Id): World => ({
  depthLimit: 10,
  needsIfMatch: false,
  tenantVersion: 1,
  trajectories: new Map(),
  agents: new Map([
    [
      agentId,
      {
        status: 'idle',
        isDeleted: false,
        isKilled: false,
        externalId: null,
        isDefault: true,
        version: 1,
      },
    ],
  ]),
  keys: new Map([[keyId, {status: 'active', name: 'admin', version: 1}]]),
  seen: new Map(),
});

/** Errors of the machinery are no decisions. */
const machinery: ReadonlySet<string> = new Set([
  'TIMEOUT',
  'SERVICE_UNAVAILABLE',
  'DATABASE_ERROR',
  'CONCURRENT_MODIFICATION',
]);

function isQuiet({told}: Sending): boolean {
  if (told?.is === 'ran') return told.ran.is === 'same' || told.ran.events.length === 0;
  if (told?.is !== 'error' || !(told.error instanceof CellError)) return false;
  const {code, eventId} = told.error;
  // Taken in another tenant's ledger, which no rule of this one knows.
  return eventId === null && !machinery.has(code) && code !== 'ENTITY_ALREADY_EXISTS';
}

function isAnswer(should: Expected, {told}: Sending): boolean {
  if (told?.is === 'ran')
    return told.ran.is === 'same'
      ? should.is === 'same'
      : should.is === 'events' && should.kinds.length === 0;
  return (
    told?.is === 'error' &&
    told.error instanceof CellError &&
    should.is === 'denied' &&
    !should.isRecorded &&
    should.code === told.error.code
  );
}

const toldOf = ({told}: Sending): string =>
  told?.is === 'error' && told.error instanceof CellError
    ? told.error.code
    : told?.is === 'ran'
      ? told.ran.is
      : '';
