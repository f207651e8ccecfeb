/**
 * Rounds of load, death and resurrection, and what must hold of the ledger afterwards.
 *
 * Every caller notes what it was told. After each death the same requests go out again with the same
 * keys; in the end the whole log is read and compared with everything that anybody was ever told.
 */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'vitest';
import {createNativeHashes} from '../../core/ledger/hashes.ts';
import {readLog, storedLogs, type StoredRecord} from '../../core/ledger/read-log.ts';
import {openAudit} from '../../core/store/audit.ts';
import {createLogVerifier} from '../../shared/ledger/log-verifier.ts';
import {parseHeader} from '../../shared/ledger/header.ts';
import {parseVkey} from '../../shared/ledger/note.ts';
import {parseReceipt} from '../../shared/ledger/receipt.ts';
import {verifyReceipt} from '../../shared/ledger/verify.ts';
import {startCoreProcess, type CoreProcess} from '../support/core-process.ts';
import type {Random} from '../support/seeds.ts';

type Wish = {
  readonly key: string;
  readonly method: string;
  readonly path: string;
  readonly body: object;
};
type Told = {readonly eventId: string; readonly wish: Wish};

/** Steps of `03-pipeline` §1 at which the core kills itself; null: at any moment, from outside. */
const steps = ['queued', 'sequenced', 'sent', 'committed', 'absorbed', 'published', null] as const;

const writerCount = 64;
/** Under this load the embedded database commits a few batches a second. */
const stepCount = 4;
/** A request whose answer does not come is given up, and sent again. */
const patienceMs = 20_000;

export type Rounds = {
  /** Makes what the rounds share. */
  prepare(): Promise<void>;
  /** How many wishes were acknowledged. */
  acknowledgedCount(): number;
  /** Where each round's core died: at the step it was told, or from outside. */
  readonly deaths: readonly string[];
  run(round: number, dying: (core: CoreProcess, isArmed: boolean) => Promise<void>): Promise<void>;
  /** Reads the whole ledger and compares. */
  check(): Promise<void>;
  close(): Promise<void>;
};

/** Prepares rounds over one database. */
export function createRounds(databaseUrl: (folder: string) => string, random: Random): Rounds {
  const folder = mkdtempSync(join(tmpdir(), 'cellstate-kill-'));
  const told = new Map<string, Told>();
  const receipts: string[] = [];
  const open = new Map<string, Wish>();
  const deaths: string[] = [];
  let shared = '';
  let core: CoreProcess | null = null;

  async function send(core: CoreProcess, wish: Wish): Promise<boolean> {
    try {
      const response = await fetch(`${core.url}/api/v1${wish.path}`, {
        method: wish.method,
        headers: {
          authorization: `Bearer ${core.key}`,
          'content-type': 'application/json',
          'idempotency-key': wish.key,
          ...(random.chance(0.2) ? {prefer: 'receipt'} : {}),
        },
        body: JSON.stringify(wish.body),
        signal: AbortSignal.timeout(patienceMs),
      });
      const body = (await response.json()) as Record<string, unknown>;
      const eventId = response.headers.get('cellstate-receipt');
      if (!response.ok || eventId === null) {
        // Not known: the database was away, or the server is dying.
        expect([500, 503, 504]).toContain(response.status);
        return false;
      }
      note(wish, eventId, body);
      return true;
    } catch (error) {
      if (error instanceof Error && error.name === 'AssertionError') throw error;
      // The connection broke, so nobody knows yet.
      return false;
    }
  }

  function note(wish: Wish, eventId: string, {_receipt: receipt}: Record<string, unknown>): void {
    if (receipt !== undefined) receipts.push(JSON.stringify(receipt));
    const before = told.get(wish.key);
    if (before !== undefined) expect(eventId).toBe(before.eventId);
    told.set(wish.key, {eventId, wish});
    open.delete(wish.key);
  }

  async function load(core: CoreProcess, round: number, isOver: () => boolean): Promise<void> {
    await Promise.all(
      Array.from({length: writerCount}, async (_, writer) => {
        for (let turn = 0; !isOver(); turn += 1) {
          const key = `${round}.${writer}.${turn}`;
          const wish = random.chance(0.3)
            ? {key, method: 'PATCH', path: `/trajectories/${shared}`, body: {name: key}}
            : {key, method: 'POST', path: '/trajectories', body: {name: key}};
          open.set(key, wish);
          if (!(await send(core, wish))) return;
        }
      }),
    );
  }

  /** Sends again what nobody knows the end of, and some of what everybody does. */
  async function settle(core: CoreProcess): Promise<void> {
    for (let attempt = 0; open.size > 0 && attempt < 20; attempt += 1) {
      const done = await Promise.all([...open.values()].map((wish) => send(core, wish)));
      if (!done.every(Boolean)) await Bun.sleep(250);
    }
    expect([...open.keys()]).toEqual([]);
    const known = [...told.values()];
    const again = Array.from({length: Math.min(20, known.length)}, () => random.pick(known));
    for (const {wish} of again) expect(await send(core, wish)).toBe(true);
  }

  const start = (): Promise<CoreProcess> =>
    startCoreProcess({folder, databaseUrl: databaseUrl(folder)});

  return {
    acknowledgedCount: () => told.size,
    deaths,
    async prepare() {
      core = await start();
      const made = await fetch(`${core.url}/api/v1/trajectories`, {
        method: 'POST',
        headers: {authorization: `Bearer ${core.key}`, 'content-type': 'application/json'},
        body: '{"name":"shared"}',
      });
      shared = ((await made.json()) as {trajectory_id: string}).trajectory_id;
    },
    async run(round, dying) {
      const step = steps[round % steps.length] ?? null;
      if (core === null) throw new Error('the rounds are prepared');
      if (step !== null) core.dieAt(step, 1 + random.int(stepCount));
      let isOver = false;
      const end = core.ended.then(() => {
        isOver = true;
      });
      const loading = load(core, round, () => isOver);
      const trouble = dying(core, step !== null);
      await Promise.race([end, trouble]);
      deaths.push(isOver ? (step ?? 'by itself') : 'from outside');
      isOver = true;
      await core.kill();
      await Promise.all([loading, trouble]);
      core = await start();
      await settle(core);
    },
    async check() {
      await core?.kill();
      const hashes = await createNativeHashes();
      const audit = await openAudit(databaseUrl(folder));
      try {
        const [log] = await storedLogs(audit, null);
        const shard = log?.shards[0];
        if (log === undefined || shard === undefined || log.head === null)
          throw new Error('the database holds a ledger');
        const records: StoredRecord[] = [];
        for await (const page of readLog(audit, log.tenantNo)) records.push(...page);
        const notes = receipts.map((text) => noteIn(parseReceipt(text).proof));
        const verifier = createLogVerifier(hashes, {
          shards: [{key: parseVkey(hashes, shard.vkey), baseLeaf: 0}],
          row: {size: log.head.size, root: log.head.root},
          // Every note that was ever signed must be one of this log.
          known: notes,
        });
        for (const record of records) verifier.add(record);
        expect(verifier.finish().fault).toBeNull();
        const policy = `log ${shard.vkey}\nquorum none\n`;
        for (const receipt of receipts)
          expect(verifyReceipt(hashes, {receipt, policy}).exit).toBe(0);
        const names = records.map(
          ({data}) => (JSON.parse(data ?? '{}') as {data: {name?: string}}).data.name ?? '',
        );
        const places = Map.groupBy(names.keys(), (index) => names[index] ?? '');
        for (const [key, {eventId}] of told) {
          const found = places.get(key) ?? [];
          expect([key, found.map((index) => records[index]?.eventId)]).toEqual([key, [eventId]]);
        }
        const idems = records.flatMap(({header}) => parseHeader(header).idem ?? []);
        // Each wish is there once, and nothing that nobody wished.
        expect(idems.length).toBe(told.size);
      } finally {
        await audit.close();
      }
    },
    async close() {
      await core?.kill();
      rmSync(folder, {recursive: true, force: true});
    },
  };
}

/** The signed checkpoint of a proof: what stands behind its empty line. */
const noteIn = (proof: string): string => proof.slice(proof.indexOf('\n\n') + 2);
