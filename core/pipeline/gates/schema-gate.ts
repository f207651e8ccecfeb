/**
 * Gate 1: the command is one that PostgreSQL and the canonical form can hold.
 *
 * It needs no view and runs before the queue, so that what can never be written costs the lane
 * nothing. What the wire says about fields is checked by the contracts; this holds for every surface.
 */
import {deny, pass, type Unit, type Verdict} from './gate.ts';

const depthLimit = 64;
/** Characters of all texts of one command: an event's parts are at most 8 MiB together. */
const characterLimit = 8 * 1024 * 1024;

type Fault = {code: 'INVALID_FORMAT' | 'INVALID_RANGE' | 'PAYLOAD_TOO_LARGE'; message: string};

function faultOf(value: unknown, depth: number, room: {characters: number}): Fault | null {
  switch (typeof value) {
    case 'string':
      room.characters -= value.length;
      if (room.characters < 0)
        return {code: 'PAYLOAD_TOO_LARGE', message: `holds more than ${characterLimit} characters`};
      if (!value.isWellFormed() || value.includes('\u0000')) {
        return {
          code: 'INVALID_FORMAT',
          message: 'holds a text that is not well-formed Unicode without U+0000',
        };
      }
      return null;
    case 'number':
      return Number.isFinite(value)
        ? null
        : {code: 'INVALID_RANGE', message: 'holds a number that is not finite'};
    case 'object': {
      if (value === null) return null;
      if (depth === 0) return {code: 'INVALID_RANGE', message: `is deeper than ${depthLimit}`};
      for (const key in value) {
        const fault =
          key.includes('\u0000') || !key.isWellFormed()
            ? ({
                code: 'INVALID_FORMAT',
                message: 'has a member whose name is not well-formed',
              } as const)
            : faultOf((value as Record<string, unknown>)[key], depth - 1, room);
        if (fault !== null) return fault;
      }
      return null;
    }
    case 'boolean':
    case 'undefined':
      return null;
    default:
      return {code: 'INVALID_FORMAT', message: `holds a ${typeof value}`};
  }
}

export function schemaGate(u: Pick<Unit, 'command'>): Verdict {
  const fault = faultOf(u.command, depthLimit, {characters: characterLimit});
  return fault === null ? pass : deny(fault.code, `${u.command.type} ${fault.message}`);
}
