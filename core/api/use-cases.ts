/** Every use case. A surface serves these and nothing else. */
import {agentUseCases} from './agents.ts';
import {apiKeyUseCases} from './api-keys.ts';
import {artifactUseCases} from './artifacts.ts';
import {batchUseCases} from './batch.ts';
import {changeUseCases} from './changes.ts';
import {conflictUseCases} from './conflicts.ts';
import {contextUseCases} from './context.ts';
import {eventUseCases} from './events.ts';
import {healthUseCases} from './health.ts';
import {intentUseCases} from './intents.ts';
import {introspectUseCases} from './introspect.ts';
import {ledgerUseCases} from './ledger.ts';
import {lockUseCases} from './locks.ts';
import {regionUseCases} from './regions.ts';
import {noteUseCases} from './notes.ts';
import {scopeCheckpointUseCases} from './scope-checkpoints.ts';
import {scopeUseCases} from './scopes.ts';
import {searchUseCases} from './search.ts';
import type {Services, Serving} from './services.ts';
import {tenantUseCases} from './tenants.ts';
import {trajectoryUseCases} from './trajectories.ts';
import {turnUseCases} from './turns.ts';

export const useCases = (
  services: Services,
  operators: ReadonlySet<string> = new Set(),
): Serving[] => [
  ...healthUseCases(services),
  ...introspectUseCases(services, operators),
  ...tenantUseCases(services),
  ...apiKeyUseCases(services),
  ...agentUseCases(services),
  ...trajectoryUseCases(services),
  ...scopeUseCases(services),
  ...scopeCheckpointUseCases(services),
  ...turnUseCases(services),
  ...artifactUseCases(services),
  ...noteUseCases(services),
  ...searchUseCases(services),
  ...contextUseCases(services),
  ...batchUseCases(services),
  ...lockUseCases(services),
  ...regionUseCases(services),
  ...conflictUseCases(services),
  ...intentUseCases(services),
  ...ledgerUseCases(services),
  ...eventUseCases(services),
  ...changeUseCases(services),
];
