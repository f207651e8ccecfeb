/** A random life of one tenant, and every read of it that an auditor could make. */
import type {Body, EndingApp, Reply} from '../../support/ending-app.ts';
import type {Random} from '../../support/seeds.ts';

export type World = {
  readonly of: EndingApp;
  readonly random: Random;
  /** Ids by kind, oldest first; what was deleted is still in it. */
  readonly known: Readonly<Record<Kind, string[]>>;
  /** Moves the clock, in ms. */
  readonly wait: (ms: number) => void;
};

type Kind = 'trajectory' | 'scope' | 'turn' | 'artifact' | 'note' | 'agent' | 'checkpoint';

export const newWorld = (of: EndingApp, random: Random, wait: (ms: number) => void): World => ({
  of,
  random,
  wait,
  known: {trajectory: [], scope: [], turn: [], artifact: [], note: [], agent: [], checkpoint: []},
});

const ttls = ['Persistent', 'Scope', 'Session', {Duration: 2_000}, {Duration: 60_000}, {Max: 2}];
const words = ['amber', 'birch', 'cedar', 'delta', 'ember', 'fjord', 'grove', 'heath'];

const saying = ({random}: World): string =>
  Array.from({length: 1 + random.int(6)}, () => random.pick(words)).join(' ');

type Step = (world: World) => Promise<unknown>;

const one = ({known, random}: World, kind: Kind): string =>
  known[kind].length === 0
    ? '00000000-0000-7000-8000-000000000000'
    : random.pick(known[kind].slice(-5));

/** Makes something, and keeps its id where it was made. */
async function make(world: World, kind: Kind, path: string, body: object): Promise<void> {
  const reply = await world.of.call('POST', path, body);
  const id = (reply.body as Body)[`${kind}_id`];
  if (reply.status === 201 && !world.known[kind].includes(id)) world.known[kind].push(id);
}

const itemOf = (world: World): object => ({
  content: saying(world),
  ttl: world.random.pick(ttls),
  ...(world.random.chance(0.2) ? {valid_to: '2030-01-01T00:00:00Z'} : {}),
});

async function artifact(world: World): Promise<void> {
  const scopeId = one(world, 'scope');
  const {body} = await world.of.call('GET', `/scopes/${scopeId}`);
  await make(world, 'artifact', '/artifacts', {
    trajectory_id: body.trajectory_id ?? one(world, 'trajectory'),
    scope_id: scopeId,
    artifact_type: 'Fact',
    name: saying(world),
    source_turn: 0,
    extraction_method: 'Explicit',
    ...itemOf(world),
  });
}

const note: Step = (world) =>
  make(world, 'note', '/notes', {
    note_type: 'Fact',
    title: saying(world),
    scope_id: one(world, 'scope'),
    source_trajectory_ids: [one(world, 'trajectory')],
    ...itemOf(world),
  });

const turn: Step = (world) =>
  make(world, 'turn', '/turns', {
    scope_id: one(world, 'scope'),
    role: world.random.pick(['User', 'Assistant', 'Tool']),
    content: saying(world),
    ...(world.random.chance(0.2) ? {tool_calls: [{name: saying(world)}]} : {}),
  });

const patch =
  (kind: 'artifact' | 'note'): Step =>
  (world) =>
    world.of.call('PATCH', `/${kind}s/${one(world, kind)}`, {
      ...(world.random.chance(0.5)
        ? {content: saying(world)}
        : {metadata: {seen: world.random.int(9)}}),
      ...(world.random.chance(0.3) ? {ttl: world.random.pick(ttls)} : {}),
    });

const supersede =
  (kind: 'artifact' | 'note'): Step =>
  (world) =>
    world.of.call('POST', `/${kind}s/${one(world, kind)}/supersede`, {by_id: one(world, kind)});

const drop =
  (kind: 'artifact' | 'note' | 'trajectory' | 'agent'): Step =>
  (world) =>
    world.of.call('DELETE', `/${kind}s/${one(world, kind)}`);

const scope: Step = (world) =>
  make(world, 'scope', '/scopes', {
    trajectory_id: one(world, 'trajectory'),
    name: saying(world),
    token_budget: 50,
  });

async function checkpoint(world: World): Promise<void> {
  const state = Buffer.from(saying(world)).toString('base64');
  const scopeId = one(world, 'scope');
  await world.of.call('POST', `/scopes/${scopeId}/checkpoint`, {context_state: state});
  const {body} = await world.of.call('GET', `/scopes/${scopeId}/checkpoints`);
  const [newest] = body.scope_checkpoints ?? [];
  if (newest !== undefined) world.known.checkpoint.push(newest.checkpoint_id);
}

const burst: Step = (world) =>
  Promise.all([
    turn(world),
    turn(world),
    renameScope(world),
    turn(world),
    artifact(world),
    note(world),
  ]);

const renameScope: Step = (world) =>
  world.of.call('PATCH', `/scopes/${one(world, 'scope')}`, {name: saying(world)});

async function pass(world: World): Promise<void> {
  world.wait(1_500);
  await world.of.app.expiry.run();
  await world.of.call('PATCH', `/agents/${one(world, 'agent')}`, {name: saying(world)});
}

/** What may happen, with how often. */
const steps: readonly (readonly [weight: number, step: Step])[] = [
  [1, (world) => make(world, 'trajectory', '/trajectories', {name: saying(world)})],
  [2, scope],
  [6, turn],
  [5, artifact],
  [5, note],
  [3, burst],
  [2, patch('artifact')],
  [2, patch('note')],
  [1, supersede('artifact')],
  [1, supersede('note')],
  [1, drop('artifact')],
  [1, drop('note')],
  [1, drop('trajectory')],
  [1, (world) => make(world, 'agent', '/agents', {agent_type: 'worker', name: saying(world)})],
  [1, drop('agent')],
  [2, checkpoint],
  [1, renameScope],
  [2, pass],
  [
    2,
    (world) =>
      world.of.call('POST', `/scopes/${one(world, 'scope')}/turns/rewind`, {
        from_sequence: 1 + world.random.int(4),
        append: world.random.chance(0.5) ? [{role: 'User', content: saying(world)}] : [],
      }),
  ],
  [2, (world) => world.of.call('POST', `/scopes/${one(world, 'scope')}/close`, {})],
  [1, (world) => world.of.call('POST', `/trajectories/${one(world, 'trajectory')}/suspend`, {})],
  [1, (world) => world.of.call('POST', `/trajectories/${one(world, 'trajectory')}/resume`, {})],
  [
    1,
    (world) =>
      world.of.call('POST', `/trajectories/${one(world, 'trajectory')}/outcome`, {
        status: 'Success',
        summary: 'done',
      }),
  ],
];

const all = steps.flatMap(([weight, step]) => Array.from({length: weight}, () => step));

/** One step of the life; a call that is refused is one as well. */
export const live = (world: World, choice: number): Promise<unknown> =>
  (all[choice % all.length] ?? turn)(world);

/** Every list, and the newest entities of each kind by their ids. */
export function readsOf({known}: World): string[] {
  const newest = (kind: Kind, most: number): string[] => [...new Set(known[kind])].slice(-most);
  return [
    '/trajectories',
    '/scopes',
    '/artifacts',
    '/notes',
    '/agents',
    '/artifacts?include=superseded,expired,invalid',
    '/notes?include=superseded,expired,invalid',
    ...newest('trajectory', 2).flatMap((id) =>
      ['', '/turns', '/scopes', '/artifacts', '/notes', '/children'].map(
        (list) => `/trajectories/${id}${list}`,
      ),
    ),
    ...newest('scope', 3).flatMap((id) =>
      ['', '/turns', '/artifacts', '/checkpoints'].map((list) => `/scopes/${id}${list}`),
    ),
    ...newest('turn', 2).map((id) => `/turns/${id}`),
    ...newest('artifact', 3).map((id) => `/artifacts/${id}`),
    ...newest('note', 3).map((id) => `/notes/${id}`),
    ...newest('agent', 1).map((id) => `/agents/${id}`),
    ...newest('checkpoint', 2).map((id) => `/scope-checkpoints/${id}`),
  ];
}

/** The same read as of a position. */
export const asOf = (path: string, position: number): string =>
  `${path}${path.includes('?') ? '&' : '?'}as_of_position=${position}`;

export type Recorded = {readonly path: string; readonly position: number; readonly reply: Reply};

const contents = ['content', 'tool_calls', 'tool_results', 'context_state'];

/** An answer of then with what has ended since taken out, as the answer of now shows it to be. */
export function forgetting(then: Body, now: Body): Body {
  if (Array.isArray(then)) {
    return then.map((one, index) => forgetting(one, Array.isArray(now) ? now[index] : undefined));
  }
  if (then === null || typeof then !== 'object') return then;
  const made: Body = {};
  const isGone = then.content_state === 'present' && now?.content_state !== 'present';
  for (const [member, value] of Object.entries(then)) {
    if (member === '_links') continue;
    const isLost = member === 'context_state' ? now?.context_state === null : isGone;
    made[member] = isLost && contents.includes(member) ? null : forgetting(value, now?.[member]);
  }
  if (isGone) made.content_state = now?.content_state;
  return made;
}

/** Without what depends on the moment of asking. */
export const bare = (body: Body): Body => forgetting(body, body);
