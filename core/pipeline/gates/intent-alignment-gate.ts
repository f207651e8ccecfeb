/**
 * Gate 11: the acting agent's intent, else the tenant's.
 *
 * Every event of the command is judged on the view after it; the judgement itself is
 * `judgeIntent`, which the evaluation that writes nothing asks too. Names of signals are their
 * author's text, so the facts have their place in the intent and the caller's message the name.
 */
import {isSystem} from '../../domain/actor.ts';
import type {Agent} from '../../domain/agent.ts';
import type {Row, View} from '../../domain/aggregate.ts';
import {governing, judgeIntent, type Act, type Intent, type Judged} from '../../domain/intent.ts';
import type {Tenant} from '../../domain/tenant.ts';
import type {Trajectory} from '../../domain/trajectory.ts';
import {deny, pass, skip, type Decided, type Unit, type Verdict} from './gate.ts';

function intentOf(u: Unit, v: View): Row<Intent> | null {
  if (u.actor.agentId === null || isSystem(u.actor)) return null;
  const agent = v.row<Agent>('agent', u.actor.agentId);
  const tenant = v.row<Tenant>('tenant', v.tenantId);
  const id = governing(agent?.state ?? null, tenant?.state ?? null);
  return id === null ? null : v.row<Intent>('intent', id);
}

function actOf(u: Unit, v: View, {kind, chain, entity, aggregate}: Decided): Act {
  const state =
    aggregate.columns.length === 0 ? null : v.row<object>(aggregate.name, entity)?.state;
  const trajectory = chain === null ? null : v.row<Trajectory>('trajectory', chain);
  return {
    agentId: u.actor.agentId,
    kind,
    noteType: (state as {noteType?: string} | null | undefined)?.noteType ?? null,
    trajectoryAgentId: trajectory?.state.agentId ?? null,
    entity: aggregate.name,
    state: state ?? null,
  };
}

function whyOf(intent: Row<Intent>, judged: Exclude<Judged, {is: 'pass'}>): object {
  const {reason, reading} = judged;
  const rule =
    reason === 'signal'
      ? 'signals'
      : reason === 'denied' || reason === 'not_allowed'
        ? 'boundaries'
        : 'autonomy';
  const read = reading === null ? {} : {signal: reading.index, value: String(reading.value)};
  return {intent: intent.id, rule, reason, ...read};
}

export function intentAlignmentGate(u: Unit, v: View): Verdict {
  const intent = intentOf(u, v);
  if (intent === null || u.events.length === 0) return skip;
  let warning: Verdict | null = null;
  for (const event of u.events) {
    const judged = judgeIntent(intent.state, actOf(u, v, event));
    if (judged.is === 'pass') continue;
    const why = whyOf(intent, judged) as Readonly<Record<string, unknown>>;
    const {reading} = judged;
    const cause =
      reading === null ? judged.reason : `signal:${reading.signal.name} is ${reading.value}`;
    const message = `${event.kind} is outside the intent of its agent: ${cause}`;
    if (judged.is === 'deny') return deny('GATE_REFUSED', message, why);
    warning ??= {is: 'warn', code: 'signal', why, message};
  }
  return warning ?? pass;
}
