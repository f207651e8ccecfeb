/** How each list is filled: the rows that a contract whose answer is a list will show. */
import {members, type Caller, type TestApp} from './test-app.ts';

export type ListCase = {
  /** Path and query that ask for the list, without paging. */
  readonly path: string;
  /** Member of the answer that holds the rows; null for a bare array. */
  readonly plural: string | null;
  readonly idKey: string;
  /** Makes one row and answers its id. */
  readonly make: () => Promise<string>;
  /** Takes one row out of the list; null where none ever leaves it. */
  readonly remove: ((id: string) => Promise<void>) | null;
};

type Call = (method: string, path: string, body?: object) => Promise<Record<string, unknown>>;

/** Calls as a tenant; throws for a refusal. */
export const callAs =
  (app: TestApp, {key}: Pick<Caller, 'key'>): Call =>
  async (method, path, body) => {
    const reply = await app.send({method, path: `/api/v1${path}`, key, body});
    if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.text}`);
    return reply.text === '' ? {} : members(reply);
  };

let numbered = 0;
const unique = (): string => {
  numbered += 1;
  return `row ${numbered}`;
};

type Entity = {
  create: string;
  idKey: string;
  body: () => object;
  /** Member of the answer to a create that holds the row, where it is not the answer itself. */
  within?: string;
  canDelete?: true;
};

/** Fills and asks for the list of a contract. Throws for one that has no line here. */
export async function listCase(id: string, call: Call): Promise<ListCase> {
  const made = async (path: string, body: object, member: string): Promise<string> =>
    String((await call('POST', path, body))[member]);
  const trajectory = await made('/trajectories', {name: 'within'}, 'trajectory_id');
  const within = {trajectory_id: trajectory};
  const scope = await made('/scopes', {...within, name: 'within'}, 'scope_id');
  const agent = await made('/agents', {agent_type: 'worker'}, 'agent_id');
  const note = () => made('/notes', {note_type: 'fact', title: 'a', content: unique()}, 'note_id');
  const [noteA, noteB] = [await note(), await note()];

  const {tenant_id: tenant} = await call('GET', '/changes/watermark');
  const keys: Entity = {
    create: '/api-keys',
    within: 'api_key',
    idKey: 'api_key_id',
    body: () => ({name: unique(), scopes: ['memory:read']}),
  };
  const trajectories: Entity = {
    create: '/trajectories',
    idKey: 'trajectory_id',
    body: () => ({name: unique()}),
    canDelete: true,
  };
  const scopes: Entity = {
    create: '/scopes',
    idKey: 'scope_id',
    body: () => ({...within, name: unique()}),
  };
  const turns: Entity = {
    create: '/turns',
    idKey: 'turn_id',
    body: () => ({scope_id: scope, role: 'user', content: unique()}),
  };
  const artifacts: Entity = {
    create: '/artifacts',
    idKey: 'artifact_id',
    body: () => ({
      ...within,
      scope_id: scope,
      artifact_type: 'fact',
      name: unique(),
      content: unique(),
      provenance: {source_turn: 0, extraction_method: 'Explicit'},
    }),
    canDelete: true,
  };
  const notes: Entity = {
    create: '/notes',
    idKey: 'note_id',
    body: () => ({
      note_type: 'fact',
      title: 'row',
      content: unique(),
      source_trajectory_ids: [trajectory],
    }),
    canDelete: true,
  };
  const ref = (noteId: string) => ({entity_type: 'note', id: noteId});
  const lists: Readonly<Record<string, [path: string, plural: string | null, Entity]>> = {
    api_keys_list: ['/api-keys', 'api_keys', keys],
    api_keys_admin_list: [`/api-keys/admin/tenants/${String(tenant)}`, 'api_keys', keys],
    agents_list: [
      '/agents',
      'agents',
      {
        create: '/agents',
        idKey: 'agent_id',
        body: () => ({agent_type: 'worker'}),
        canDelete: true,
      },
    ],
    trajectories_list: ['/trajectories', 'trajectories', trajectories],
    trajectories_children: [
      `/trajectories/${trajectory}/children`,
      'trajectories',
      {...trajectories, body: () => ({name: unique(), parent_trajectory_id: trajectory})},
    ],
    trajectories_list_scopes: [`/trajectories/${trajectory}/scopes`, null, scopes],
    trajectories_list_turns: [`/trajectories/${trajectory}/turns`, 'turns', turns],
    trajectories_list_artifacts: [`/trajectories/${trajectory}/artifacts`, 'artifacts', artifacts],
    trajectories_list_notes: [`/trajectories/${trajectory}/notes`, 'notes', notes],
    scopes_list: ['/scopes', 'scopes', scopes],
    scopes_list_turns: [`/scopes/${scope}/turns`, 'turns', turns],
    scopes_list_artifacts: [`/scopes/${scope}/artifacts`, 'artifacts', artifacts],
    artifacts_list: ['/artifacts', 'artifacts', artifacts],
    notes_list: ['/notes', 'notes', notes],
    locks_list: [
      '/locks',
      'locks',
      {
        create: '/locks/acquire',
        idKey: 'lock_id',
        body: () => ({resource_id: unique(), holder_agent_id: agent}),
      },
    ],
    regions_list: [
      '/regions',
      'regions',
      {
        create: '/regions',
        idKey: 'region_id',
        body: () => ({name: unique(), region_type: 'private', owner_agent_id: agent}),
        canDelete: true,
      },
    ],
    conflicts_list: [
      '/conflicts',
      'conflicts',
      {
        create: '/conflicts',
        idKey: 'conflict_id',
        body: () => ({
          conflict_type: 'contradicting_fact',
          item_a: ref(noteA),
          item_b: ref(noteB),
        }),
      },
    ],
    intents_list: [
      '/intents',
      'intents',
      {
        create: '/intents',
        idKey: 'intent_id',
        body: () => ({name: unique(), agent_id: agent}),
      },
    ],
  };
  const [path, plural, entity] = lists[id] ?? [];
  if (path === undefined || plural === undefined || entity === undefined) {
    throw new Error(`${id} is a list without a line in test/support/list-cases.ts`);
  }
  return {
    path,
    plural,
    idKey: entity.idKey,
    async make() {
      const answer = await call('POST', entity.create, entity.body());
      const row = entity.within === undefined ? answer : answer[entity.within];
      return String((row as Record<string, unknown>)[entity.idKey]);
    },
    remove: entity.canDelete
      ? async (rowId) => void (await call('DELETE', `${entity.create}/${rowId}`))
      : null,
  };
}
