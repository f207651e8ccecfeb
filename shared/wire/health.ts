/** Health: whether the process answers, and whether it can serve. */
import {z} from 'zod';
import {contract} from './contract.ts';

const versions = {
  /** The product's and the wire contract's. */
  version: z.string(),
  wire_version: z.string(),
};

export const healthPing = contract({
  id: 'health_ping',
  method: 'GET',
  path: '//health/ping',
  may: 'pub',
  summary: 'Answer, and do nothing else',
  output: z.object({status: z.literal('ok'), ...versions}),
});

export const healthLive = contract({
  id: 'health_live',
  method: 'GET',
  path: '//health/live',
  may: 'pub',
  summary: 'Tell whether the process runs; restart it when this does not answer',
  output: z.object({status: z.literal('ok'), ...versions}),
});

export const healthParts = ['database', 'migrations', 'lanes'] as const;
export type HealthPart = (typeof healthParts)[number];

export const healthReady = contract({
  id: 'health_ready',
  method: 'GET',
  path: '//health/ready',
  may: 'pub',
  summary: 'Tell whether requests can be served; 503 names the part that cannot',
  output: z.object({
    status: z.literal('ready'),
    ...versions,
    /** What an acknowledged write survives: loss of power, or the end of the process alone. */
    durability: z.enum(['disk', 'service', 'process']),
    parts: z.object({
      database: z.literal('ok'),
      migrations: z.literal('ok'),
      lanes: z.literal('ok'),
    }),
  }),
  errors: ['SERVICE_UNAVAILABLE'],
});
