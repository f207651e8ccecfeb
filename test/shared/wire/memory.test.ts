import {describe, expect, test} from 'vitest';
import {CellError} from '../../../shared/errors.ts';
import {artifact, artifactsCreate, artifactsSupersede} from '../../../shared/wire/artifacts.ts';
import {batchArtifacts, batchTurns} from '../../../shared/wire/batch.ts';
import {readInput, type Contract} from '../../../shared/wire/contract.ts';
import {provenanceOf} from '../../../shared/wire/memory-item.ts';
import {note, notesCreate} from '../../../shared/wire/notes.ts';
import {scope, scopesCheckpoint, scopesCreate} from '../../../shared/wire/scopes.ts';
import {ttl, type Ttl} from '../../../shared/wire/ttl.ts';
import {scopesRewind, turn, turnsCreate} from '../../../shared/wire/turns.ts';

const id = '01990000-0000-7000-8000-000000000001';
type Sent = Readonly<Record<string, unknown>>;

function codesOf(of: Contract, sent: Sent): string[] {
  try {
    readInput(of, sent);
    return [];
  } catch (error) {
    if (!(error instanceof CellError)) throw error;
    return error.issues.map(({path, code}) => `${code} ${path}`);
  }
}

const least = {
  scope: [scope, scopesCreate, {trajectory_id: 't', name: 'n'}],
  turn: [turn, turnsCreate, {scope_id: 's', role: 'user', content: 'x'}],
  artifact: [
    artifact,
    artifactsCreate,
    {
      trajectory_id: 't',
      scope_id: 's',
      artifact_type: 'fact',
      name: 'n',
      content: 'x',
      source_turn: 1,
      extraction_method: 'LlmExtraction',
    },
  ],
  note: [note, notesCreate, {note_type: 'Fact', title: 't', content: 'x'}],
} as const;

describe.each(Object.entries(least))('%s', (_, [resource, contract, sent]) => {
  test('takes what it requires and nothing less', () => {
    expect(codesOf(contract as Contract, sent)).toEqual([]);
    for (const [key, field] of Object.entries(resource.fields)) {
      if (field.presence !== 'required' || !(key in sent)) continue;
      const {[key]: _missing, ...rest} = sent as Sent;
      expect(codesOf(contract as Contract, rest)).toEqual([`MISSING_FIELD /${key}`]);
    }
  });

  test('refuses every member that only the server sets', () => {
    for (const [key, field] of Object.entries(resource.fields)) {
      if (field.presence !== 'server') continue;
      const found = codesOf(contract as Contract, {...sent, [key]: 1});
      expect(found).toEqual([`INVALID_INPUT /${key}`]);
    }
  });
});

describe('lifetimes', () => {
  const spellings: readonly (readonly [Ttl, unknown, readonly unknown[]])[] = [
    ['persistent', 'Persistent', ['persistent', 'PERMANENT', 'Permanent']],
    ['session', 'Session', ['session']],
    ['scope', 'Scope', ['scope', 'Ephemeral']],
    ['short_term', 'ShortTerm', ['short_term', 'shortterm', 'SHORT-TERM']],
    ['medium_term', 'MediumTerm', ['medium_term']],
    ['long_term', 'LongTerm', ['long term']],
    [{Duration: 1_000}, {Duration: 1_000}, [{duration: 1_000}]],
    [{Max: 10_000}, {Max: 10_000}, [{max: 10_000}]],
  ];

  test('each is read in all its spellings and shown in one', () => {
    for (const [value, shown, others] of spellings) {
      for (const sent of [shown, ...others]) expect(ttl.read.parse(sent)).toEqual(value);
      expect(ttl.print?.(value)).toEqual(shown);
      expect(ttl.shown.safeParse(shown).success).toBe(true);
    }
  });

  test('numbers keep their limits', () => {
    for (const sent of [{Duration: 999}, {Duration: 315_360_000_001}, {Max: 0}, {Max: 10_001}]) {
      expect(ttl.read.safeParse(sent).success).toBe(false);
    }
    for (const sent of ['forever', {Max: 1, Duration: 1_000}, {}, null, 5]) {
      expect(ttl.read.safeParse(sent).success).toBe(false);
    }
  });
});

describe('turns', () => {
  const sent = least.turn[2];

  test('content may be empty where tools speak for it', () => {
    expect(codesOf(turnsCreate as Contract, {...sent, content: ''})).toEqual([
      'INVALID_RANGE /content',
    ]);
    const withTools = {...sent, content: '', tool_calls: [{name: 'x'}]};
    expect(codesOf(turnsCreate as Contract, withTools)).toEqual([]);
  });

  test('a rewind reads what it appends by the rules of a turn', () => {
    const rewind = (append: unknown) => ({scope_id: 's', from_sequence: 1, append: [append]});
    expect(codesOf(scopesRewind as Contract, rewind({role: 'User', content: 'x'}))).toEqual([]);
    expect(codesOf(scopesRewind as Contract, rewind({role: 'User', content: ''}))).toEqual([
      'INVALID_RANGE /append/0/content',
    ]);
  });
});

describe('provenance', () => {
  const {source_turn: _, extraction_method: __, ...bare} = least.artifact[2];
  const whole = {source_turn: -3, extraction_method: 'explicit'};

  test('whole and flat spelling are one provenance, and none is no provenance', () => {
    const flat = readInput(artifactsCreate, {...bare, ...whole, confidence: 0.5});
    const joined = readInput(artifactsCreate, {...bare, provenance: {...whole, confidence: 0.5}});
    expect(provenanceOf(flat)).toEqual(provenanceOf(joined));
    expect(provenanceOf(flat)).toMatchObject({source_turn: 0, source_turn_id: null});
    expect(codesOf(artifactsCreate as Contract, bare)).toEqual(['MISSING_FIELD /provenance']);
    expect(codesOf(artifactsCreate as Contract, {...bare, source_turn: 1})).toEqual([
      'MISSING_FIELD /extraction_method',
    ]);
    expect(codesOf(artifactsCreate as Contract, {...bare, ...whole, provenance: whole})).toEqual([
      'INVALID_INPUT /provenance',
    ]);
  });

  test('each form of evidence has its members and no others', () => {
    const evidence = (one: object) => ({...bare, provenance: {...whole, evidence_refs: [one]}});
    const good = [
      {type: 'doc_chunk', doc_id: 'd', chunk_id: 'c', offset: 0, length: 1},
      {type: 'event', event_id: id},
      {type: 'tool_result', tool_execution_id: id, result_index: 0},
      {type: 'url', url: 'https://x.example', accessed_at: '2026-01-01T00:00:00Z'},
      {type: 'artifact', artifact_id: id},
      {type: 'note', note_id: id},
      {type: 'turn', turn_id: id},
      {type: 'manual', user_id: 'u', description: 'd'},
    ];
    for (const one of good) {
      expect(codesOf(artifactsCreate as Contract, evidence(one))).toEqual([]);
      expect(codesOf(artifactsCreate as Contract, evidence({...one, more: 1}))).toHaveLength(1);
    }
  });
});

describe('superseding', () => {
  test('a successor is named or made, not both and not neither', () => {
    const by = {artifact_id: id, by_id: id};
    expect(codesOf(artifactsSupersede as Contract, by)).toEqual([]);
    expect(codesOf(artifactsSupersede as Contract, {...by, name: 'n'})).toEqual([
      'INVALID_INPUT /name',
    ]);
    const {name: _, ...nameless} = least.artifact[2];
    expect(codesOf(artifactsSupersede as Contract, {artifact_id: id, ...nameless})).toEqual([
      'MISSING_FIELD /name',
    ]);
  });
});

describe('batches', () => {
  const create = least.artifact[2];

  test('each operation takes its own members', () => {
    const items = [
      {operation: 'create', create},
      {operation: 'update', artifact_id: id, update: {name: 'x'}, expected_version: 3},
      {operation: 'delete', artifact_id: id},
    ];
    const read = readInput(batchArtifacts, {items}) as {items: readonly object[]};
    expect(read.items).toMatchObject([
      {operation: 'create', id: null, create: {artifactType: 'fact', ttl: 'persistent'}},
      {operation: 'update', id, update: {name: 'x'}, expectedVersion: 3},
      {operation: 'delete', id, create: null, update: null, expectedVersion: null},
    ]);
    const wrong: readonly (readonly [object, string])[] = [
      [{operation: 'create'}, 'MISSING_FIELD /items/0/create'],
      [{operation: 'create', create, artifact_id: id}, 'INVALID_INPUT /items/0/artifact_id'],
      [{operation: 'update', update: {name: 'x'}}, 'MISSING_FIELD /items/0/artifact_id'],
      [{operation: 'update', artifact_id: id, update: {}}, 'MISSING_FIELD /items/0/update'],
      [{operation: 'delete', artifact_id: id, create}, 'INVALID_INPUT /items/0/create'],
    ];
    for (const [item, fault] of wrong) {
      expect(codesOf(batchArtifacts as Contract, {items: [item]})).toEqual([fault]);
    }
  });

  test('1 to 100 items, and turns are only created', () => {
    const item = {operation: 'create', create: least.turn[2]};
    const many = (n: number) => ({items: Array.from({length: n}, () => item)});
    expect(codesOf(batchTurns as Contract, many(1))).toEqual([]);
    expect(codesOf(batchTurns as Contract, many(100))).toEqual([]);
    for (const n of [0, 101]) {
      expect(codesOf(batchTurns as Contract, many(n))).toEqual(['INVALID_RANGE /items']);
    }
    const removal = {items: [{operation: 'delete', turn_id: id}]};
    expect(codesOf(batchTurns as Contract, removal)).not.toEqual([]);
  });
});

test('a saved state is bytes in either form, and some', () => {
  const save = (state: unknown) => ({scope_id: 's', context_state: state});
  expect(readInput(scopesCheckpoint, save([1, 255]))).toMatchObject({contextState: 'Af8='});
  expect(codesOf(scopesCheckpoint as Contract, save('Af8='))).toEqual([]);
  for (const state of ['', []]) {
    expect(codesOf(scopesCheckpoint as Contract, save(state))).toEqual([
      'INVALID_RANGE /context_state',
    ]);
  }
});
