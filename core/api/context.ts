/** The use case of context assembly. */
import {CellError} from '../../shared/errors.ts';
import type {Id} from '../../shared/ids.ts';
import {contextAssemble} from '../../shared/wire/context.ts';
import {trajectoryStatus} from '../../shared/wire/enums.ts';
import type {Row} from '../domain/aggregate.ts';
import type {Scope} from '../domain/scope.ts';
import type {Trajectory} from '../domain/trajectory.ts';
import {assembleContext, type Context} from '../recall/assemble-context.ts';
import {gather, type ContextRequest} from '../recall/gather.ts';
import {tokenizer} from '../text/tokens.ts';
import {liveId, momentOf} from './search.ts';
import {serve, type Services, type Serving} from './services.ts';

const defaultBudgetTokens = 8_000;

/** The scope that was named must be one of the trajectory. */
async function checkScope(
  {reads}: Services,
  tenantNo: number,
  scopeId: Id | null,
  trajectoryId: Id,
): Promise<void> {
  if (scopeId === null) return;
  const {state} = await reads.live<Scope>(tenantNo, 'scope', scopeId, 'scope_id');
  if (state.trajectoryId === trajectoryId) return;
  throw new CellError('STATE_CONFLICT', 'scope_id is a scope of another trajectory', {
    details: {reason: 'other_trajectory', field: 'scope_id'},
  });
}

const blockBody = ({section, text, tokens, labels}: Context['blocks'][number]): object => ({
  section,
  text,
  token_count: tokens,
  labels: Object.fromEntries(labels),
});

function contextBody(made: Context, of: ContextRequest, parents: readonly Row<Trajectory>[]) {
  const count = (type: string): number =>
    made.pieces.filter(({ref}) => ref.entity_type === type).length;
  const summariesCount = made.pieces.filter(
    ({isSummary, section}) => isSummary && section === 'notes',
  );
  return {
    context: made.text,
    token_count: made.tokens,
    max_tokens: of.budgetTokens,
    truncated: made.isTruncated,
    included_sections: made.blocks.map(({section}) => section),
    notes_count: count('note'),
    artifacts_count: count('artifact'),
    turns_count: count('turn'),
    summaries_count: summariesCount.length,
    hierarchy: parents.map(({id, state}) => ({
      trajectory_id: id,
      name: state.name,
      status: trajectoryStatus.print?.(state.status),
    })),
    context_receipt_id: null,
    blocks: made.blocks.map(blockBody),
    tokenizer,
    warnings: [{code: 'receipt_not_recorded', message: 'assemblies are not recorded yet'}],
  };
}

export const contextUseCases = (services: Services): Serving[] => [
  serve(contextAssemble, async ({actor, input}) => {
    const {tenantNo} = actor;
    const {reads} = services;
    const trajectoryId = await reads.resolveLive(
      tenantNo,
      'trajectory',
      input.trajectoryId,
      'trajectory_id',
    );
    const scopeId = await liveId(services, actor, 'scope', input.scopeId);
    await checkScope(services, tenantNo, scopeId, trajectoryId);
    const moment = await momentOf(services, actor, input);
    const {leaf} = moment;
    const trajectory =
      leaf === null
        ? await reads.live<Trajectory>(tenantNo, 'trajectory', trajectoryId)
        : await reads.liveAt<Trajectory>(tenantNo, 'trajectory', trajectoryId, leaf);
    const request: ContextRequest = {
      ...moment,
      tenant: tenantNo,
      trajectory,
      scopeId,
      userInput: input.userInput ?? null,
      relevanceQuery: input.relevanceQuery ?? null,
      budgetTokens: input.tokenBudget ?? input.maxTokens ?? defaultBudgetTokens,
      includes: {
        notes: input.includeNotes,
        artifacts: input.includeArtifacts,
        history: input.includeHistory,
        evidence: input.includeTurns,
        hierarchy: input.includeHierarchy,
      },
      most: {
        notes: input.maxNotes,
        artifacts: input.maxArtifacts,
        summaries: input.maxSummaries,
        history: input.maxTurns,
        evidence: input.maxRecalledTurns,
      },
      minRelevance: input.minRelevance,
    };
    const position = leaf ?? (await reads.position(tenantNo));
    const found = await services.store.read(tenantNo, (q) => gather(q, request));
    return {body: contextBody(assembleContext(request, found), request, found.parents), position};
  }),
];
