/**
 * Stems as the numbers by which the index knows them, and dates as terms of their own.
 *
 * A term is the FNV-1a hash of its stem as PostgreSQL's int4: the index holds no word of any content.
 * Two stems may share a number; then one finds the other's items, a little lower in the order.
 */
import {LRUCache} from 'lru-cache';
import type {Micros} from '../../shared/ids.ts';
import {stemOf} from './analyze.ts';

const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;
const cacheCount = 50_000;

const encoder = new TextEncoder();
const hashes = new LRUCache<string, number>({max: cacheCount});

/** FNV-1a, 32 bits, of the UTF-8 bytes, as a signed integer. */
export function termOf(stem: string): number {
  const known = hashes.get(stem);
  if (known !== undefined) return known;
  let hash = offsetBasis;
  for (const byte of encoder.encode(stem)) hash = Math.imul(hash ^ byte, prime);
  hashes.set(stem, hash | 0);
  return hash | 0;
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
].map(stemOf);

const dayMicros = 86_400_000_000;

/** Year and month of a day since 1970 in UTC, by the civil calendar's own arithmetic. */
function monthOf(at: Micros): {year: number; month: number} {
  // Years begin in March here, so that the leap day is the last of its year.
  const day = Math.floor(at / dayMicros) + 719_468;
  const era = Math.floor(day / 146_097);
  const inEra = day - era * 146_097;
  const inYear = (n: number): number => n * 365 + Math.floor(n / 4) - Math.floor(n / 100);
  const yearOfEra = Math.floor(
    (inEra - Math.floor(inEra / 1_460) + Math.floor(inEra / 36_524) - Math.floor(inEra / 146_096)) /
      365,
  );
  const shifted = Math.floor((5 * (inEra - inYear(yearOfEra)) + 2) / 153);
  const month = shifted < 10 ? shifted + 2 : shifted - 10;
  return {year: yearOfEra + era * 400 + (month < 2 ? 1 : 0), month};
}

/** The terms of the month and the year of a moment: `@march`, `@2026`. */
export function dateTerms(at: Micros): readonly [month: number, year: number] {
  const {year, month} = monthOf(at);
  return [termOf(`@${months[month] ?? ''}`), termOf(`@${year}`)];
}

/** The date terms that a query's stems ask for. */
export function dateTermsOf(stems: readonly string[]): number[] {
  const asked = stems.filter((stem) => months.includes(stem) || /^[12]\d{3}$/.test(stem));
  return [...new Set(asked)].map((stem) => termOf(`@${stem}`));
}
