import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {analyze, termLimit} from '../../../core/text/analyze.ts';
import {stopWords} from '../../../core/text/stop-words.ts';
import {dateTerms, dateTermsOf, termOf} from '../../../core/text/terms.ts';
import {countTokens} from '../../../core/text/tokens.ts';
import {isoTime} from '../../../shared/wire/scalar.ts';

describe('the analyzer en1', () => {
  test.each([
    ['The importers are dropping ROWS', ['import', 'drop', 'row']],
    ["Ana's importer, don't we'll", ['ana', 'import']],
    ['ｆｕｌｌ width ﬁne', ['full', 'width', 'fine']],
    ['in 2023 test123 v3', ['2023', 'test123', 'v3']],
    ['東京都庁 and 한국어', ['東京', '京都', '都庁', '한국', '국어']],
    ['港 GPT東京x', ['港', 'gpt', '東京', 'x']],
    ['constructor __proto__ toString', ['constructor', 'proto', 'tostr']],
    ['', []],
    ['… — !', []],
  ])('%j becomes %j', (text, stems) => expect(analyze(text)).toEqual(stems));

  test('`simple` keeps stop words and endings', () => {
    expect(analyze('The importers are dropping', 'simple')).toEqual([
      'the',
      'importers',
      'are',
      'dropping',
    ]);
  });

  test('the stop words are the 127 of PostgreSQL', () => expect(stopWords.size).toBe(127));

  test('a word counts by its first 64 characters, also where they are pairs', () => {
    expect(analyze('é'.repeat(200))).toEqual(['é'.repeat(64)]);
    expect(Array.from(analyze('éè'.repeat(60), 'simple')[0] ?? '').length).toBe(64);
  });

  test('no more terms of an item are indexed than the limit', () => {
    expect(analyze('word '.repeat(termLimit + 5)).length).toBe(termLimit);
  });

  test('any text has stems, and case and width make no difference to them', () => {
    fc.assert(
      fc.property(fc.string({unit: 'binary'}), (text) => {
        const stems = analyze(text);
        expect(stems.every((stem) => stem !== '')).toBe(true);
        expect(analyze(text.normalize('NFKC'))).toEqual(stems);
      }),
    );
  });
});

describe('terms', () => {
  test.each([
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['foobar', 0xbf9cf968],
  ])('the term of %j is its FNV-1a hash as an int4', (stem, hash) =>
    expect(termOf(stem)).toBe(hash | 0),
  );

  test('the date of any moment is the calendar of UTC', () => {
    const months =
      'january february march april may june july august september october november december';
    fc.assert(
      fc.property(fc.integer({min: 0, max: 253_402_300_799}), (second) => {
        const [year = '', month = ''] = isoTime(second * 1_000_000).split('-');
        const name = months.split(' ')[Number(month) - 1] ?? '';
        const [stem] = analyze(name);
        expect(dateTerms(second * 1_000_000)).toEqual([termOf(`@${stem}`), termOf(`@${year}`)]);
      }),
    );
  });

  test('a query names months and years', () => {
    expect(dateTermsOf(analyze('what happened in March 2026, march?'))).toEqual([
      termOf('@march'),
      termOf('@2026'),
    ]);
  });
});

describe('tokens', () => {
  test.each([
    ['equal letters', 'a'.repeat(100_000)],
    ['white space', ' \n'.repeat(50_000)],
    ['emoji', '😀'.repeat(50_000)],
    ['no space', 'aé'.repeat(50_000)],
  ])(
    'a long run of %s is counted in time',
    (_, text) => expect(countTokens(text)).toBeGreaterThan(0),
    2_000,
  );

  test('control words of a tokenizer are text like any other', () => {
    expect(countTokens('<|endoftext|>')).toBeGreaterThan(1);
  });

  test('the counts of slices add up to that of the whole', () => {
    const text = 'the importer drops rows with a NUL, says Ana.\n'.repeat(500);
    expect(countTokens(text)).toBe(
      500 * countTokens('the importer drops rows with a NUL, says Ana.\n'),
    );
  });
});
