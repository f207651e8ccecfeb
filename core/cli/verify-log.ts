/**
 * A whole log straight from its database: L3, and with `--replay` L4.
 *
 * The keys are those of the database's own rows, which an intruder could have changed too. So they are
 * compared with what the auditor brings: the keys of his policy, and those that the master key
 * yields, where it is at hand.
 */
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {parseCheckpoint} from '../../shared/ledger/checkpoint.ts';
import {refusalMessage} from '../../shared/ledger/verdict.ts';
import {variables} from '../config.ts';
import {auditLog, type AuditFault} from '../ledger/audit-log.ts';
import {createKeys, type Keys} from '../ledger/keys.ts';
import {storedLogs, type StoredLog} from '../ledger/read-log.ts';
import {createReplayCheck} from '../ledger/replay-check.ts';
import {ReplayRefused} from '../ledger/replay.ts';
import {openAudit, requireThisSchema, type Audit} from '../store/audit.ts';
import {databaseUrlOf, shownUrl, type Cli, type Environment} from './command.ts';
import {knownDevSecrets} from './dev-secrets.ts';
import {writeEvidence} from './evidence.ts';
import {CliError, verifierUsage} from './exit.ts';
import {tellLogs, type Judged} from './tell-log.ts';
import {json, progress} from './terminal.ts';
import type {Auditor, VerifyOptions} from './auditor.ts';

const gravest = [64, 30, 40, 20, 11];

/** Verifies the logs of a database, prints, and answers the exit code. */
export async function verifyLog(
  cli: Cli,
  auditor: Auditor,
  options: VerifyOptions,
): Promise<number> {
  const {environment, terminal} = cli;
  const url = databaseUrlOf(environment, options.database);
  const keys = keysOf(auditor.hashes, environment);
  const audit = await openAudit(url);
  const judged: Judged[] = [];
  let isMissing = false;
  try {
    if (options.replay) await requireThisSchema(audit);
    const logs = await storedLogs(audit, options.tenant ?? null);
    if (logs.length === 0 && options.tenant !== undefined) {
      throw new CliError(verifierUsage, `${shownUrl(url)} has no tenant ${options.tenant}`, {
        code: 'USAGE',
      });
    }
    checkKnown(auditor, logs);
    isMissing =
      auditor.policy?.logs.some(({name}) => !logs.some((log) => log.shards[0]?.origin === name)) ??
      false;
    const bar = progress(
      terminal,
      'events',
      logs.reduce((sum, {head}) => sum + (head?.size ?? 0), 0),
    );
    let done = 0;
    for (const log of logs) {
      judged.push(
        await judge(audit, auditor, keys, log, options, (count) => bar.to((done += count))),
      );
    }
    bar.end();
  } finally {
    await audit.close();
  }
  const exits = [...judged.map(({exit}) => exit), isMissing ? 20 : 0];
  const exit = gravest.find((code) => exits.includes(code)) ?? 0;
  const evidence = judged.flatMap(({report}) => report?.evidence ?? []);
  const evidenceFile = evidence.length === 0 ? null : writeEvidence(evidence, options.evidence);
  if (options.json)
    json(terminal, {kind: 'log', exit, tenants: judged, evidence_file: evidenceFile});
  else if (!options.quiet || exit !== 0)
    tellLogs(terminal, {url: shownUrl(url), judged, isMissing, evidenceFile});
  return exit;
}

async function judge(
  audit: Audit,
  auditor: Auditor,
  keys: Keys | null,
  log: StoredLog,
  options: VerifyOptions,
  seen: (count: number) => void,
): Promise<Judged> {
  const {hashes, known, policy} = auditor;
  const [first] = log.shards;
  const origins = log.shards.map(({origin}) => origin);
  const named = policy?.logs.filter(({name}) => name === first?.origin) ?? [];
  const check = options.replay ? createReplayCheck(audit, log.tenantNo) : null;
  const believed = named.length > 0 ? 'policy' : keys === null ? 'rows' : 'master key';
  const told = {tenantId: log.tenantId, origin: first?.origin ?? 'none', believed} as const;
  const fault = keys === null ? null : keyFault(keys, log);
  if (fault !== null) return {...told, exit: 40, fault, report: null, tileCount: 0, replay: null};
  let refused: AuditFault | null = null;
  const audited = await auditLog(audit, hashes, log, {
    trusted: named.length === 0 ? undefined : named,
    known: known.filter((note) => origins.includes(parseCheckpoint(note).origin)),
    async seen(page) {
      seen(page.length);
      if (refused !== null) return;
      try {
        await check?.add(page);
      } catch (error) {
        if (!(error instanceof ReplayRefused)) throw error;
        refused = {
          leaf: error.leaf,
          class: 'column',
          expected: 'an event that the reducers understand',
          found: error.message,
          exit: 40,
        };
      }
    },
  });
  const replay =
    check === null || audited.fault !== null || refused !== null ? null : await check.finish();
  const exit = (replay?.differences.length ?? 0) > 0 || refused !== null ? 40 : audited.exit;
  return {...told, ...audited, fault: audited.fault ?? refused, exit, replay};
}

/** The keys of the listed masters; null where none is at hand. Nothing is made. */
function keysOf(hashes: Hashes, environment: Environment): Keys | null {
  const text = environment['CELLSTATE_MASTER_KEY'] ?? knownDevSecrets()?.CELLSTATE_MASTER_KEY;
  if (text === undefined) return null;
  const masters = text.split(',').map((one) => new Uint8Array(Buffer.from(one.trim(), 'base64')));
  if (masters.some(({length}) => length !== 32))
    throw new CliError(verifierUsage, 'CELLSTATE_MASTER_KEY: is not 32 bytes in base64', {
      code: 'USAGE',
    });
  return createKeys(
    hashes,
    masters,
    environment['CELLSTATE_LOG_HOST'] ?? variables.CELLSTATE_LOG_HOST.fallback,
  );
}

function keyFault(keys: Keys, {shards, tenantId}: StoredLog): AuditFault | null {
  for (const {shard, vkey} of shards) {
    if (keys.shard(tenantId, shard, vkey) !== null) continue;
    const found = `shard ${shard}: ${vkey}`;
    return {
      leaf: null,
      class: 'key',
      expected: 'a key that a listed master key yields',
      found,
      exit: 40,
    };
  }
  return null;
}

/** A note that was kept of no log of this database is a mistake of the call. */
function checkKnown({known, policy}: Auditor, logs: readonly StoredLog[]): void {
  const origins = logs.flatMap(({shards}) => shards.map(({origin}) => origin));
  for (const note of known) {
    try {
      const {origin} = parseCheckpoint(note);
      if (origins.includes(origin) || policy?.logs.some(({name}) => name === origin)) continue;
      throw new CliError(
        verifierUsage,
        `--known: a note of ${origin}, which is no log of this database`,
        {code: 'USAGE'},
      );
    } catch (error) {
      if (error instanceof CliError) throw error;
      throw new CliError(verifierUsage, `--known: ${refusalMessage(error)}`, {code: 'USAGE'});
    }
  }
}
