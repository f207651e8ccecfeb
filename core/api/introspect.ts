/**
 * Introspection: whether a credential works, and whose it is (RFC 7662).
 *
 * A caller learns about its own credential alone, an edge about any; whatever else is asked about
 * does not work, whether or not it exists.
 */
import {isKeyText} from '../../shared/key-text.ts';
import {authIntrospect, type ActiveCredential} from '../../shared/wire/auth.ts';
import {isSystem, type Actor} from '../domain/actor.ts';
import {isUsable} from '../domain/api-key.ts';
import {createIdentify} from './identify.ts';
import {serve, type Services, type Serving} from './services.ts';

export function introspectUseCases(services: Services, operators: ReadonlySet<string>): Serving[] {
  const identify = createIdentify(services);

  async function introspect(actor: Actor, token: string): Promise<ActiveCredential | null> {
    const holder = isKeyText(token) ? await identify(token) : null;
    if (holder === null) return null;
    const {key, tenantId} = holder;
    if (!isUsable(key.state, services.now())) return null;
    if (!isSystem(actor) && actor.keyId !== key.id) return null;
    const {scopes, agentId, expiresAt, graceUntil} = key.state;
    const ends = [expiresAt, graceUntil].filter((at) => at !== null);
    return {
      active: true,
      tenant_id: tenantId,
      scopes: operators.has(key.id) ? [...scopes, 'operator'] : scopes,
      agent_id: agentId,
      key_id: key.id,
      exp: ends.length === 0 ? null : Math.floor(Math.min(...ends) / 1_000_000),
    };
  }

  return [
    serve(authIntrospect, async ({actor, input}) => ({
      body: (await introspect(actor, input.token)) ?? {active: false},
    })),
  ];
}
