/**
 * Every contract, in one flat list: those that the files of this folder export.
 *
 * The core binds a use case to each, the edge validates and proxies them, OpenAPI, SDK and CLI are
 * made of them; a test asserts that the list and the use cases name the same contracts.
 */
import * as agents from './agents.ts';
import * as apiKeys from './api-keys.ts';
import * as artifacts from './artifacts.ts';
import * as auth from './auth.ts';
import * as batch from './batch.ts';
import * as conflicts from './conflicts.ts';
import * as context from './context.ts';
import type {Contract} from './contract.ts';
import * as events from './events.ts';
import * as health from './health.ts';
import * as intents from './intents.ts';
import * as ledger from './ledger.ts';
import * as locks from './locks.ts';
import * as mcp from './mcp.ts';
import * as openapi from './openapi.ts';
import * as notes from './notes.ts';
import * as scopes from './scopes.ts';
import * as search from './search.ts';
import * as regions from './regions.ts';
import * as tenants from './tenants.ts';
import * as trajectories from './trajectories.ts';
import * as turns from './turns.ts';

const files = [
  openapi,
  health,
  auth,
  tenants,
  apiKeys,
  agents,
  trajectories,
  scopes,
  turns,
  artifacts,
  notes,
  search,
  context,
  batch,
  locks,
  regions,
  conflicts,
  intents,
  ledger,
  events,
] as const;

const isContract = (value: unknown): value is Contract =>
  typeof value === 'object' && value !== null && 'limitBytes' in value && 'input' in value;

export const contracts: readonly Contract[] = files.flatMap((file) =>
  Object.values<unknown>(file).filter(isContract),
);

type Joined<T> = (T extends unknown ? (file: T) => void : never) extends (file: infer All) => void
  ? All
  : never;

/** What those files export, by name: the SDK's operations are typed after it. */
export type Contracts = Joined<(typeof files)[number]>;

/**
 * The paths of other protocols. Both tiers serve them as they serve the rest; OpenAPI, SDK and CLI,
 * which speak REST, know nothing of them.
 */
export const protocolContracts: readonly Contract[] = [mcp].flatMap((file) =>
  Object.values<unknown>(file).filter(isContract),
);
