/** One call of a tool: from arguments to a result, which a failure is too. */
import {createHash} from 'node:crypto';
import type {CallToolResult, ServerContext} from '@modelcontextprotocol/server';
import {CellError} from '../../../shared/errors.ts';
import {canonicalize} from '../../../shared/ledger/canonical.ts';
import type {Contract} from '../../../shared/wire/contract.ts';
import {eventsGet} from '../../../shared/wire/events.ts';
import type {Call} from '../../domain/actor.ts';
import type {Ask, Asking, Stated} from './ask.ts';
import {known, receiptKey, toolFailure, type Failures, type Receipt} from './failure.ts';
import type {Tool} from './tool.ts';

export const idempotencyKey = 'dev.cellstate/idempotency-key';
const keyForm = /^[\x20-\x7e]{1,256}$/;

export type Calling = Asking & {readonly ask: Ask; readonly failures: Failures};

/** Calls a tool. It never throws: a failure is a result that says so. */
export async function callTool(
  tool: Tool,
  stated: Stated,
  {actor, call, ask, failures}: Calling,
  context: ServerContext,
): Promise<CallToolResult> {
  try {
    const keyed = callOf(tool, stated, call, context.mcpReq._meta);
    const {structured, answer} = await tool.run(stated, {actor, call: keyed}, ask);
    for (const warning of answer.warnings ?? []) {
      await context.mcpReq.log('warning', warning, 'cellstate.gate');
    }
    const {event, position = 0} = answer;
    const receipt = event ? {receipt_id: event.id, position} : null;
    return {
      content: [{type: 'text', text: tool.text?.(structured) ?? JSON.stringify(structured)}],
      structuredContent: structured,
      ...(receipt === null ? {} : {_meta: {[receiptKey]: receipt}}),
    };
  } catch (error) {
    const failure = known(failures, error, call);
    return toolFailure(failures, failure, await receiptOf(failure, {actor, call, ask, failures}));
  }
}

/** What the request says about the call: `_meta` stands where HTTP has headers. */
function callOf(tool: Tool, stated: Stated, call: Call, meta: Stated | undefined): Call {
  const named = meta?.[idempotencyKey];
  if (named !== undefined && (typeof named !== 'string' || !keyForm.test(named))) {
    throw new CellError(
      'INVALID_FORMAT',
      `${idempotencyKey} is not 1 to 256 printable ASCII characters`,
    );
  }
  const key = named ?? call.idempotencyKey;
  // An If-Match would speak of no entity here: `expected_version` does.
  const plain = {...call, ifMatch: null, lastEventId: null};
  if (key === null) return {...plain, idempotencyKey: null, requestHash: null};
  const asked = canonicalize([tool.name, JSON.parse(JSON.stringify(stated))]);
  const digest = createHash('sha256').update(`mcp:${asked}`).digest('hex');
  return {...plain, idempotencyKey: key, requestHash: digest};
}

/** Where a recorded refusal stands: a caller of any scope gets the receipt of its own. */
async function receiptOf(
  {eventId}: CellError,
  {actor, call, ask, failures}: Calling,
): Promise<Receipt | null> {
  if (eventId === null) return null;
  const scopes = new Set([...actor.scopes, 'ledger:read'] as const);
  try {
    const asking = {actor: {...actor, scopes}, call};
    const {body} = await ask(eventsGet as Contract, {event_id: eventId}, asking);
    return {receipt_id: eventId, position: (body as {position: number}).position};
  } catch (error) {
    // The refusal itself is what the caller must learn; its receipt can be asked for by its id.
    failures.complain(error, call.requestId);
    return null;
  }
}
