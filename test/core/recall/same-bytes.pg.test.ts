/** The same memory in both databases is the same answer, to the last byte. */
import {afterAll, beforeAll, expect, test} from 'vitest';
import {assembleContext} from '../../../core/recall/assemble-context.ts';
import {gather, type ContextRequest} from '../../../core/recall/gather.ts';
import {allKinds, search, type Question} from '../../../core/recall/search.ts';
import type {TenantNo} from '../../../shared/ids.ts';
import {freshPglite, freshPostgres, type TestDatabase} from '../../support/database.ts';
import {fillMemory} from '../../support/recall-memory.ts';

const tenant: TenantNo = 7;
const now = 1_900_000_000_000_000;
let databases: TestDatabase[] = [];
let trajectory: ContextRequest['trajectory'];

beforeAll(async () => {
  databases = await Promise.all([freshPglite(), freshPostgres()]);
  for (const {admin} of databases) trajectory = await fillMemory(admin, tenant, 5, 600);
});
afterAll(() => Promise.all(databases.map((database) => database.close())));

const asked = ['w3 w40 w200', 'w1 w2', 'w300 nobody', '', 'the'];

test('search', async () => {
  for (const query of asked) {
    const question: Question = {
      tenant,
      query,
      kinds: allKinds,
      trajectoryId: null,
      scopeId: null,
      agentId: null,
      limit: 50,
      minScore: null,
      leaf: null,
      validAt: now,
      now,
      includes: new Set(),
    };
    const [one, other] = await Promise.all(
      databases.map(({store}) => store.read(tenant, (q) => search(q, question))),
    );
    expect(one?.total).toBeGreaterThan(0);
    expect(JSON.stringify(other)).toBe(JSON.stringify(one));
  }
});

test('context', async () => {
  for (const query of asked) {
    const request: ContextRequest = {
      tenant,
      trajectory,
      scopeId: null,
      userInput: null,
      relevanceQuery: query,
      budgetTokens: 4_000,
      includes: {notes: true, artifacts: true, history: true, evidence: true, hierarchy: true},
      most: {notes: 10, artifacts: 5, summaries: 5, history: 20, evidence: 40},
      minRelevance: 0,
      leaf: null,
      validAt: now,
      now,
    };
    const [one, other] = await Promise.all(
      databases.map(async ({store}) =>
        assembleContext(request, await store.read(tenant, (q) => gather(q, request))),
      ),
    );
    expect(one?.text.length).toBeGreaterThan(1_000);
    expect(other?.text).toBe(one?.text);
  }
});
