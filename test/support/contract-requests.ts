/** From a contract and a sample to a request. */
import {routePath} from '../../shared/wire/route.ts';
import type {Contract} from '../../shared/wire/contract.ts';
import type {Outgoing} from './test-app.ts';

/** An input that a contract accepts, split by where it travels. */
export type Sample = {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** The key to call with, where it is not the caller's own. */
  readonly key?: string;
};

/** The path of a contract with its members filled in. */
export function pathOf(contract: Contract, sample: Sample, query = ''): string {
  const filled = routePath(contract.path).replaceAll(/:([a-z_]+)/g, (_, name: string) =>
    encodeURIComponent(sample.path?.[name] ?? `no-${name}`),
  );
  const all = [new URLSearchParams(sample.query).toString(), query].filter((one) => one !== '');
  return all.length === 0 ? filled : `${filled}?${all.join('&')}`;
}

/** The request that a sample makes. */
export const requestOf = (contract: Contract, sample: Sample, key: string | null): Outgoing => ({
  method: contract.method,
  path: pathOf(contract, sample),
  key,
  ...(sample.body === undefined ? {} : {body: sample.body}),
});

export const hasBody = ({method}: Contract): boolean => method !== 'GET';
