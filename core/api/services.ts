/** What use cases are given: the pipeline to write, readers to read, and nothing that a surface owns. */
import type {Id, Micros, TenantNo} from '../../shared/ids.ts';
import type {Contract} from '../../shared/wire/contract.ts';
import type {Actor, Call} from '../domain/actor.ts';
import type {Keys} from '../ledger/keys.ts';
import type {Bus} from '../ledger/bus.ts';
import type {Lane} from '../ledger/lane.ts';
import type {Tools} from '../pipeline/record.ts';
import type {Pipeline} from '../pipeline/run.ts';
import type {Store} from '../store/store.ts';
import type {Reads} from './reads.ts';

export type Services = {
  readonly pipeline: Pipeline;
  readonly store: Store;
  readonly reads: Reads;
  readonly bus: Bus;
  readonly keys: Keys;
  readonly tools: Tools;
  readonly laneOf: (tenant: TenantNo) => Lane;
  readonly now: () => Micros;
  readonly newId: <Kind extends string>() => Id<Kind>;
};

export type Request<I> = {readonly actor: Actor; readonly input: I; readonly call: Call};

/** What a use case answers; the surfaces turn it into status, headers and body. */
export type Answer = {
  /** Members as the wire spells them; text or a stream for contracts that produce another media type; null for 204. */
  readonly body: object | string | ReadableStream<Uint8Array> | null;
  readonly status?: number;
  readonly position?: number;
  /** Of a list with more behind it; a bare array's is told in a header. */
  readonly nextCursor?: string | null;
  readonly version?: number;
  readonly location?: string;
  readonly event?: {readonly id: string; readonly hash: string} | null;
  readonly isReplayed?: boolean;
  readonly isDeduplicated?: boolean;
  readonly warnings?: readonly {
    readonly gate: string;
    readonly code: string;
    readonly message: string;
  }[];
  /** The receipt of the event, made when somebody asks for it. */
  readonly receipt?: () => Promise<string>;
};

/** A contract and the function that serves it. */
export type Serving = {
  readonly contract: Contract;
  readonly run: (request: Request<never>) => Promise<Answer>;
};

/** A request whose body is another protocol's, as the binder of routes received it. */
export type OpaqueRequest<I = unknown> = Request<I> & {
  readonly request: globalThis.Request;
  readonly body: Uint8Array;
  /** Takes one more request off the caller's allowance. Throws 429 when none is left. */
  readonly admit: () => void;
};

/** A contract whose protocol reads the body and makes the whole answer itself. */
export type OpaqueServing = {
  readonly contract: Contract;
  readonly respond: (request: OpaqueRequest<never>) => Promise<Response>;
};

/** Binds a use case to its contract; its input has the contract's type. */
export const serve = <I, O>(
  contract: Contract<I, O>,
  run: (request: Request<I>) => Promise<Answer>,
): Serving => ({
  contract: contract as Contract,
  run: run as Serving['run'],
});
