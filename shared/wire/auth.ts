/** Authentication as the tiers ask each other about it. */
import {z} from 'zod';
import {contract} from './contract.ts';
import {text} from './scalar.ts';

/** What introspection tells of a credential that works (RFC 7662). */
export const activeCredential = z.object({
  active: z.literal(true),
  tenant_id: z.string(),
  scopes: z.array(z.string()),
  agent_id: z.string().nullable(),
  key_id: z.string(),
  /** Seconds since 1970; null for a credential that does not expire. */
  exp: z.int().nullable(),
});

/** What the tiers know of a credential that works. */
export type ActiveCredential = z.output<typeof activeCredential>;

export const authIntrospect = contract({
  id: 'auth_introspect',
  method: 'POST',
  path: '//auth/introspect',
  may: 'any',
  summary: 'Tell whether a credential works, and whose it is',
  input: {token: text(8_192).read},
  output: z.union([activeCredential, z.object({active: z.literal(false)})]),
});
