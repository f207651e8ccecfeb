/** Use cases of health: none of them needs a tenant, and none waits longer than a probe does. */
import {CellError} from '../../shared/errors.ts';
import {productVersion, wireVersion} from '../../shared/version.ts';
import {healthLive, healthPing, healthReady, type HealthPart} from '../../shared/wire/health.ts';
import {ownMigrations, readMigrations} from '../store/migration-files.ts';
import {serve, type Services, type Serving} from './services.ts';

/** How long a part may take to answer; probes give up after a few seconds. */
const patienceMs = 2_000;

/** A lane with as many units waiting is not keeping up: it soon refuses (`core/ledger/queue.ts`). */
const queuedUnitsMost = 2_048;

const versions = {version: productVersion, wire_version: wireVersion};

const applied = {
  name: 'migration_select_applied',
  text: 'select name, sha256 from ledger.migration order by number',
};

type Check = () => Promise<string | null>;

/** What is wrong with the schema of the database now: another version may have migrated it since. */
const migrationCheck = ({store}: Services): Check => {
  const files = new Map(readMigrations(ownMigrations).map(({name, sha256}) => [name, sha256]));
  return async () => {
    // No tenant has this number, and the journal belongs to none.
    const rows = await store.read(0, (q) => q.rows<{name: string; sha256: string}>(applied, []));
    const names = new Set(rows.map(({name}) => name));
    const pending = [...files.keys()].filter((name) => !names.has(name));
    const unknown = rows.filter(({name, sha256}) => files.get(name) !== sha256);
    if (pending.length > 0) return `lacks ${pending.join(', ')}`;
    return unknown.length > 0 ? `has ${unknown[0]?.name}, which this version does not know` : null;
  };
};

const laneCheck = ({store, laneOf}: Services): Check => {
  const numbers = Array.from({length: store.lanes}, (_, index) => index);
  return async () => {
    const behind = numbers.filter((index) => laneOf(index).queuedCount() > queuedUnitsMost);
    return behind.length > 0 ? `${behind.length} of ${numbers.length} do not keep up` : null;
  };
};

/** The fault of one part as a probe reads it; null where there is none. */
async function faultOf(check: Check): Promise<string | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`does not answer within ${patienceMs} ms`), patienceMs);
  });
  try {
    // The database's own words may name hosts and users: they are not for an anonymous probe.
    return await Promise.race([check().catch(() => 'does not answer'), late]);
  } finally {
    clearTimeout(timer);
  }
}

export const healthUseCases = (services: Services): Serving[] => {
  let checks: readonly (readonly [HealthPart, Check])[] | null = null;
  return [
    serve(healthPing, async () => ({body: {status: 'ok', ...versions}})),
    serve(healthLive, async () => ({body: {status: 'ok', ...versions}})),
    serve(healthReady, async () => {
      checks ??= [
        ['database', () => services.store.ping().then(() => null)],
        ['migrations', migrationCheck(services)],
        ['lanes', laneCheck(services)],
      ];
      for (const [part, check] of checks) {
        const fault = await faultOf(check);
        if (fault === null) continue;
        const details = {part, durability: services.store.durability, ...versions};
        throw new CellError('SERVICE_UNAVAILABLE', `${part}: ${fault}`, {details, isShown: true});
      }
      const parts = {database: 'ok', migrations: 'ok', lanes: 'ok'};
      const {durability} = services.store;
      return {body: {status: 'ready', ...versions, durability, parts}};
    }),
  ];
};
