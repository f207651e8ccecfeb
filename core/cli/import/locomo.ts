/**
 * LoCoMo: long conversations of two people over many sessions (`benchmarks` §5).
 *
 * A conversation is a trajectory and its speakers are two agents; a session is a scope that stays
 * open, a line a turn that was true at its session's time. The benchmark wants a tenant for each
 * conversation: whoever measures picks one and brings that tenant's key.
 */
import {z} from 'zod';
import {agentsCreate} from '../../../shared/wire/agents.ts';
import {scopesCreate} from '../../../shared/wire/scopes.ts';
import {trajectoriesCreate} from '../../../shared/wire/trajectories.ts';
import {turnsCreate} from '../../../shared/wire/turns.ts';
import {digestOf, readJson, usage} from './read-file.ts';
import {idOf, type Part, type Planned, type Writer} from './writer.ts';

const lineSchema = z.object({
  speaker: z.string(),
  text: z.string(),
  blip_caption: z.string().optional(),
});
const conversationSchema = z.looseObject({speaker_a: z.string(), speaker_b: z.string()});
const fileSchema = z.array(z.object({sample_id: z.string(), conversation: conversationSchema}));

type Line = z.infer<typeof lineSchema>;
type Session = {readonly number: number; readonly atMs: number; readonly lines: readonly Line[]};
type Talk = {
  readonly id: string;
  /** The first speaks as the user, the second as the assistant. */
  readonly speakers: readonly [string, string];
  readonly sessions: readonly Session[];
  readonly digest: string;
};

const counted = ['conversations', 'agents', 'sessions', 'turns', 'captions'];

/** Understands a file, or one conversation of it. */
export function planLocomo(file: string, only: string | undefined): Planned {
  const all = readJson(file, 'locomo', fileSchema);
  const wanted = all.filter(({sample_id}) => only === undefined || sample_id === only);
  if (wanted.length === 0) {
    throw usage(
      `${file} has no conversation ${only ?? ''}: it has ${all.map(({sample_id}) => sample_id).join(', ')}`,
    );
  }
  return {
    counted,
    parts: wanted.map(({conversation, sample_id: id}) => partOf(talkOf(file, id, conversation))),
  };
}

function partOf(talk: Talk): Part {
  const lineCount = talk.sessions.reduce((sum, {lines}) => sum + lines.length, 0);
  return {
    writeCount: 1 + talk.speakers.length + talk.sessions.length + lineCount,
    write: (writer) => writeTalk(writer, talk),
  };
}

function talkOf(file: string, id: string, conversation: z.infer<typeof conversationSchema>): Talk {
  const sessions = Object.keys(conversation).flatMap((member) => {
    const number = /^session_(\d+)$/.exec(member)?.[1];
    if (number === undefined) return [];
    const lines = z.array(lineSchema).safeParse(conversation[member]);
    const at = conversation[`${member}_date_time`];
    const atMs = timeOf(String(at));
    if (!lines.success || atMs === null) {
      throw usage(
        `${file}: ${id}, ${member}: ${lines.success ? `"${String(at)}" is no time such as "1:56 pm on 8 May, 2023"` : 'is no list of {speaker, text}'}`,
      );
    }
    return [{number: Number(number), atMs, lines: lines.data}];
  });
  const {speaker_a, speaker_b} = conversation;
  return {
    id,
    speakers: [speaker_a, speaker_b],
    sessions: sessions.toSorted((a, b) => a.number - b.number),
    digest: digestOf(conversation),
  };
}

const months = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];

/** "1:56 pm on 8 May, 2023", which is taken for UTC; null for any other text. */
export function timeOf(text: string): number | null {
  const match = /^(\d{1,2}):(\d\d) (am|pm) on (\d{1,2}) (\w+), (\d{4})$/i.exec(text.trim());
  const month = months.indexOf((match?.[5] ?? '').toLowerCase());
  if (match === null || month === -1) return null;
  const hour = (Number(match[1]) % 12) + (match[3]?.toLowerCase() === 'pm' ? 12 : 0);
  return Date.UTC(Number(match[6]), month, Number(match[4]), hour, Number(match[2]));
}

/** Both speak in scopes that neither of them opened. */
const everything = [{memory_type: 'all', scope: 'global'}];

async function writeTalk(writer: Writer, {digest, id, sessions, speakers}: Talk): Promise<void> {
  const key = (what: string): string => `import/locomo@1/${digest}/${what}`;
  const external = (what: string): string => `locomo:${id}:${digest}${what}`;
  const agentIds: string[] = [];
  for (const [index, name] of speakers.entries()) {
    const agent = {
      agent_type: 'speaker',
      name,
      memory_access: {read: everything, write: everything},
      external_id: external(`:${index}`),
      metadata: {source: 'locomo', conversation: id},
    };
    agentIds.push(
      idOf(
        await writer.write(agentsCreate, agent, {key: key(`agent/${index}`), counts: ['agents']}),
        'agent_id',
      ),
    );
  }
  const trajectory = {
    name: `${id}: ${speakers.join(' and ')}`,
    external_id: external(''),
    metadata: {source: 'locomo', conversation: id},
  };
  const trajectory_id = idOf(
    await writer.write(trajectoriesCreate, trajectory, {
      key: key('trajectory'),
      counts: ['conversations'],
    }),
    'trajectory_id',
  );
  for (const {atMs, lines, number} of sessions) {
    const scope = {
      trajectory_id,
      name: `session ${number}`,
      external_id: external(`:session_${number}`),
      token_budget: tokenBudget,
    };
    const scope_id = idOf(
      await writer.write(scopesCreate, scope, {key: key(`scope/${number}`), counts: ['sessions']}),
      'scope_id',
    );
    for (const [index, line] of lines.entries()) {
      const who = line.speaker === speakers[0] ? 0 : 1;
      await writer.write(turnsCreate, turnOf(line, scope_id, index + 1, atMs, who), {
        key: key(`turn/${number}/${index}`),
        counts: ['turns', ...(line.blip_caption === undefined ? [] : ['captions'])],
        agentId: agentIds[who],
      });
    }
  }
}

/** More than any session says. */
const tokenBudget = 128_000;

function turnOf(line: Line, scope_id: string, sequence: number, atMs: number, who: 0 | 1) {
  const {blip_caption: caption, speaker, text} = line;
  return {
    scope_id,
    sequence,
    role: who === 0 ? 'User' : 'Assistant',
    content: text,
    // A second a line, so that the order of a session can be read off its times.
    valid_from: new Date(atMs + sequence * 1_000).toISOString(),
    metadata: {speaker, ...(caption === undefined ? {} : {caption})},
  };
}
