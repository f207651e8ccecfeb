/** Use cases of API keys. A key's text is in the answer that makes it and nowhere else. */
import {CellError} from '../../shared/errors.ts';
import type {Id} from '../../shared/ids.ts';
import {
  apiKey,
  apiKeysAdminList,
  apiKeysAdminRevoke,
  apiKeysCreate,
  apiKeysCurrent,
  apiKeysDelete,
  apiKeysGet,
  apiKeysList,
  apiKeysRevoke,
  apiKeysRotate,
  apiKeysUpdate,
  defaultScopes,
  usersMe,
  usersMeApiKey,
  type ApiKeyDraft,
} from '../../shared/wire/api-keys.ts';
import {covers, type Scope} from '../../shared/wire/contract.ts';
import type {Actor} from '../domain/actor.ts';
import type {Row} from '../domain/aggregate.ts';
import type {ApiKey, ApiKeyCommand} from '../domain/api-key.ts';
import {newKey} from './bootstrap.ts';
import {among, listAnswer, oneAnswer} from './list.ts';
import {mutate} from './mutate.ts';
import {notFound} from './reads.ts';
import {serve, type Answer, type Request, type Services, type Serving} from './services.ts';
import {stated} from './stated.ts';
import {actorIn} from './tenants.ts';

type Caller = Pick<Request<unknown>, 'actor' | 'call'>;

/** A key never holds more than its maker. */
function checkWidth(actor: Actor, scopes: readonly Scope[]): void {
  const wider = scopes.find((scope) => !covers(actor.scopes, scope));
  if (wider === undefined) return;
  throw new CellError(
    'FORBIDDEN',
    `a key may not be given the scope ${wider}, which its maker lacks`,
    {details: {scope: wider}},
  );
}

function checkAdminOrSelf(actor: Actor, keyId: Id): void {
  if (actor.keyId === keyId || covers(actor.scopes, 'tenant:admin')) return;
  throw new CellError('FORBIDDEN', 'only an administrator or the key itself may do this', {
    details: {required_scope: 'tenant:admin'},
  });
}

const secretWarning = {
  gate: 'IdempotencyGate',
  code: 'secret_shown_once',
  message: 'the key was shown when it was made and is not kept; rotate it if it is lost',
};

/** A key under `api_key` beside its text; in a replay the text is gone. */
function withText(answer: Answer, key: string): Answer {
  const isReplay = answer.isReplayed === true;
  const body = {api_key: answer.body, key: isReplay ? null : key};
  return {
    ...answer,
    body,
    ...(isReplay ? {warnings: [...(answer.warnings ?? []), secretWarning]} : {}),
  };
}

export const apiKeyUseCases = (services: Services): Serving[] => {
  const {reads} = services;
  const print = (actor: Actor) => (row: Row<unknown>) =>
    apiKey.print(row as Row<ApiKey>, actor.tenantId);

  const change = ({actor, call}: Caller, command: ApiKeyCommand, status: 200 | 201 | 204 = 200) =>
    mutate(services, {actor, call}, [command], {
      resource: apiKey,
      entity: 'api_key',
      id: command.id,
      status,
    });

  const create = async ({actor, input, call}: Request<ApiKeyDraft>): Promise<Answer> => {
    checkWidth(actor, input.scopes);
    const {text, made} = newKey(services);
    const command: ApiKeyCommand = {
      type: 'api_key.create',
      id: services.newId<'api_key'>(),
      draft: {...input, ...made},
    };
    return withText(await change({actor, call}, command, 201), text);
  };

  return [
    serve(apiKeysCreate, create),
    serve(usersMeApiKey, ({actor, input, call}) => {
      const draft = {
        name: input.name ?? `key ${services.newId()}`,
        scopes: defaultScopes.filter((scope) => covers(actor.scopes, scope)),
        agentId: null,
        sourceCeiling: 'user' as const,
        expiresAt: null,
        metadata: {},
      };
      return create({actor, input: draft, call});
    }),
    serve(apiKeysList, ({actor, input}) =>
      listAnswer(services, actor, input, {
        route: 'api_keys_list',
        resource: apiKey,
        filters: [among('status', input.status)],
      }),
    ),
    serve(apiKeysCurrent, async ({actor}) => {
      if (actor.keyId === null) throw notFound('api_key');
      return oneAnswer(
        services,
        actor,
        {},
        {entity: 'api_key', id: actor.keyId, print: print(actor)},
      );
    }),
    serve(apiKeysGet, ({actor, input}) =>
      oneAnswer(services, actor, input, {
        entity: 'api_key',
        id: input.apiKeyId,
        print: print(actor),
      }),
    ),
    serve(apiKeysUpdate, ({actor, input, call}) => {
      const {apiKeyId, ...set} = input;
      if (set.scopes !== undefined) checkWidth(actor, set.scopes);
      return change({actor, call}, {type: 'api_key.update', id: apiKeyId, set: stated(set)});
    }),
    serve(apiKeysDelete, ({actor, input, call}) =>
      change({actor, call}, {type: 'api_key.revoke', id: input.apiKeyId, reason: null}, 204),
    ),
    serve(apiKeysRotate, async ({actor, input, call}) => {
      const row = await reads.live<ApiKey>(actor.tenantNo, 'api_key', input.apiKeyId);
      checkAdminOrSelf(actor, row.id);
      const {text, made} = newKey(services);
      const successor = services.newId<'api_key'>();
      const command: ApiKeyCommand = {
        type: 'api_key.rotate',
        id: row.id,
        successor,
        made,
        graceSeconds: input.graceSeconds,
      };
      const answer = await change({actor, call}, command, 201);
      const previous = await reads.live<ApiKey>(actor.tenantNo, 'api_key', row.id);
      const next = await reads.live<ApiKey>(
        actor.tenantNo,
        'api_key',
        previous.state.rotatedTo ?? row.id,
      );
      const shown = withText({...answer, body: print(actor)(next)}, text);
      return {...shown, body: {...(shown.body as object), previous: print(actor)(previous)}};
    }),
    serve(apiKeysRevoke, async ({actor, input, call}) => {
      const row = await reads.live<ApiKey>(actor.tenantNo, 'api_key', input.apiKeyId);
      checkAdminOrSelf(actor, row.id);
      return change({actor, call}, {type: 'api_key.revoke', id: row.id, reason: input.reason});
    }),
    serve(apiKeysAdminList, async ({actor, input}) =>
      listAnswer(services, await actorIn(services, actor, input.tenantId), input, {
        route: 'api_keys_admin_list',
        resource: apiKey,
        filters: [among('status', input.status)],
      }),
    ),
    serve(apiKeysAdminRevoke, async ({actor, input, call}) => {
      const within = await actorIn(services, actor, input.tenantId);
      const row = await reads.live<ApiKey>(within.tenantNo, 'api_key', input.apiKeyId);
      const command = {type: 'api_key.revoke', id: row.id, reason: input.reason} as const;
      return change({actor: within, call}, command);
    }),
    serve(usersMe, async ({actor}) => ({
      body: {
        user_id: null,
        email: null,
        first_name: null,
        last_name: null,
        tenant_id: actor.tenantId,
        memberships: [],
        principal: actor.by,
        scopes: [...actor.scopes],
        agent_id: actor.agentId,
      },
    })),
  ];
};
