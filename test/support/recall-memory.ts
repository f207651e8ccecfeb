/**
 * Memory of a tenant straight into the tables, the same ids and texts for the same seed: for tests and
 * measurements that need much of it, or the same of it in two databases.
 */
import {aggregateNamed} from '../../core/domain/aggregates.ts';
import type {Row} from '../../core/domain/aggregate.ts';
import type {Trajectory} from '../../core/domain/trajectory.ts';
import {toSql} from '../../core/store/codec.ts';
import {indexRow, type SearchKind} from '../../core/text/index-row.ts';
import type {Id, TenantNo} from '../../shared/ids.ts';
import type {Admin} from './database.ts';
import {randomOf} from './seeds.ts';

const start = 1_770_000_000_000_000;
const chunkCount = 500;
const scopeCount = 10;
/** Words `w0`, `w1` … of which each is rarer than the one before. */
const wordCount = 500;

/** Fills it: of ten items seven are turns, two notes and one an artifact. Answers the trajectory. */
export async function fillMemory(
  admin: Admin,
  tenant: TenantNo,
  seed: number,
  items: number,
): Promise<Row<Trajectory>> {
  const random = randomOf(seed);
  let leaf = 0;
  const id = (): Id =>
    `0199${seed.toString(16).padStart(4, '0')}-0000-7000-8000-${leaf.toString(16).padStart(12, '0')}`;
  const row = (state: object): Row<object> => {
    leaf += 1;
    const at = start + leaf * 1_000_000;
    const createdBy = {kind: 'system', id: 'test', agent_id: null, on_behalf_of: null} as const;
    return {id: id(), version: 1, leaf, createdAt: at, updatedAt: at, createdBy, state};
  };
  const text = (count: number): string =>
    Array.from(
      {length: count},
      () => `w${Math.floor(wordCount ** (random.int(1_000) / 1_000))}`,
    ).join(' ');
  const put = async (entity: string, rows: readonly Row<object>[]): Promise<void> => {
    const aggregate = aggregateNamed(entity);
    if (aggregate === undefined) throw new Error(`${entity} is no entity`);
    const sql = rows.map((one) => ({
      ...toSql(aggregate, tenant, one),
      base_version: 0,
      first_leaf: one.leaf,
    }));
    await admin.rows(`select ledger.put_${entity}($1::jsonb)`, [JSON.stringify(sql)]);
  };

  const owner = row({}).id;
  const trajectoryId = id();
  const trajectory = {
    ...row({
      name: 'task',
      status: 'active',
      description: null,
      parentTrajectoryId: null,
      rootTrajectoryId: trajectoryId,
      agentId: owner,
      isDeleted: false,
      externalId: null,
    }),
    id: trajectoryId,
  };
  await put('trajectory', [trajectory]);
  const scopes = Array.from({length: scopeCount}, (_, at) =>
    row({
      name: `scope ${at}`,
      trajectoryId,
      isActive: true,
      openIn: trajectoryId,
      externalId: null,
      parentScopeId: null,
      rewound: [],
      turnsKept: false,
    }),
  );
  await put('scope', scopes);

  const shared = () => ({
    content: text(60),
    contentHash: String(leaf),
    trust: 'user',
    sourceClass: 'user',
    recalled: false,
    validFrom: start + leaf * 1_000_000,
    validTo: null,
    tokenCount: 60,
    metadata: {},
    supersededBy: null,
    expiresAt: null,
    expiresWith: null,
    isDeleted: false,
    isExpired: false,
    externalId: null,
    identityKey: null,
    maxGroup: null,
    claimKey: null,
    abstractionLevel: 'raw',
    regionId: null,
  });
  const make = (at: number): readonly [SearchKind, Row<object>] => {
    const scopeId = scopes[at % scopeCount]?.id;
    if (at % 10 < 7)
      return ['turn', row({...shared(), role: 'user', scopeId, trajectoryId, sequence: at + 1})];
    if (at % 10 === 9) {
      const artifact = {
        name: text(2),
        artifactType: 'fact',
        mediaType: 'text/plain',
        provenance: {},
      };
      return ['artifact', row({...shared(), ...artifact, trajectoryId, scopeId})];
    }
    const note = {
      title: text(4),
      noteType: 'fact',
      agentId: owner,
      scopeId: null,
      homeTrajectoryId: null,
    };
    return ['note', row({...shared(), ...note, sourceTrajectoryIds: []})];
  };
  for (let from = 0; from < items; from += chunkCount) {
    const made = Array.from({length: Math.min(chunkCount, items - from)}, (_, at) =>
      make(from + at),
    );
    for (const [kind, rows] of Map.groupBy(made, ([one]) => one)) {
      await put(
        kind,
        rows.map(([, one]) => one),
      );
    }
    const index = made.map(([kind, one]) => ({
      ...indexRow(kind, one as never, {agentName: null, ownerId: owner}),
      tenant_no: tenant,
    }));
    await admin.rows('select ledger.put_recall_item($1::jsonb)', [JSON.stringify(index)]);
  }
  return trajectory as unknown as Row<Trajectory>;
}
