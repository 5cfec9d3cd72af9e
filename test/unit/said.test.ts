import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextStep, questionsIn } from '../../src/core/said.ts';
import { hostileText } from '../support/hostile.ts';

describe('questions', () => {
  test.each<[string, string[]]>([
    ['Done. Shall I commit it?', ['Shall I commit it?']],
    ['- Which colour?\n- Which size?', ['Which colour?', 'Which size?']],
    ['Should I use v1.2 or v2?', ['Should I use v1.2 or v2?']],
    ['Is src/a.ts right? Yes.', ['Is src/a.ts right?']],
    ['See https://example.com/?q=1 for more.', []],
    ['`a ? b : c` stays.', []],
    ['```js\nwhy?\n```\nOk.', []],
    ['**Shall I go on?**', ['**Shall I go on?']],
    ['No question here.', []],
    ['Is https://example.com/?q=1 the page?', ['Is https://example.com/?q=1 the page?']],
    ['Really?? Yes.', ['Really??']],
    ['He asked "why?" and left.', ['He asked "why?']],
    ['Is it `a ? b : c` or not?', ['Is it `a ? b : c` or not?']],
    ['Wait... is it done?\n? ?', ['is it done?']],
    ['...? .env? Read .env?', ['.env?', 'Read .env?']],
    ['> Is that quoted?', ['Is that quoted?']],
    ['**All tests pass!** Shall I commit?', ['Shall I commit?']],
    ['**Shall I commit?** **Should I push?**', ['Shall I commit?', '**Should I push?']],
    ['(Is it done?) "Is it?" Yes. _Why?_ So.', ['(Is it done?', '"Is it?', '_Why?']],
    ['', []],
  ])('in %j', (said, expected) => {
    expect(questionsIn(said).map((question) => question.replace(/^\*\*|\*\*$/g, ''))).toEqual(
      expected.map((question) => question.replace(/^\*\*|\*\*$/g, '')),
    );
  });

  test('are found word for word, at most six, each at most 400 characters', () => {
    const many = Array.from({ length: 20 }, (_, n) => `Is it ${n}?`).join(' ');
    expect(questionsIn(many)).toEqual(Array.from({ length: 6 }, (_, n) => `Is it ${n + 14}?`));
    for (const question of questionsIn(`${'why '.repeat(500)}?`))
      expect(question.length).toBeLessThanOrEqual(400);
    fc.assert(
      fc.property(hostileText(), (said) => {
        for (const question of questionsIn(said))
          expect(question.endsWith('…') || said.includes(question)).toBe(true);
      }),
    );
  });

  test.each([
    ['dots', 'a.'.repeat(2000)],
    ['words', 'a '.repeat(2000)],
    ['backticks', '`'.repeat(4000)],
    ['lines', '\n'.repeat(4000)],
    ['the word', 'next '.repeat(800)],
    ['the word at the beginning of lines', 'next\n'.repeat(800)],
  ])('4,000 characters of %s come to an end', (_what, said) => {
    expect(questionsIn(said)).toEqual([]);
    expect(nextStep([], said)).toBe('');
  });
});

describe('the next step', () => {
  const todo = (text: string, status: string) => ({ id: text, text, status });
  test.each<[string, ReturnType<typeof todo>[], string, string]>([
    ['the todo in progress', [todo('a', 'pending'), todo('b', 'in_progress')], 'Next: c', 'b'],
    ['the first pending todo', [todo('a', 'completed'), todo('b', 'pending'), todo('c', 'pending')], '', 'b'],
    [
      'what was said to be next',
      [todo('a', 'completed')],
      'Done. Next step: run the tests.',
      'run the tests.',
    ],
    ['in bold', [], 'Done.\n\n**Next steps:** run the tests', 'run the tests'],
    ['in capitals', [], 'Done.\n\nNEXT STEPS:\n1. run the tests', '1. run the tests'],
    ['as a heading', [], 'Done.\n\n## Next Steps:\n\n- run the tests', '- run the tests'],
    ['in the middle', [], 'It works. Next: the docs', 'the docs'],
    ['in any case', [], 'THE NeXT Step IS to run the tests.', 'to run the tests.'],
    ['as a sentence', [], 'The next step is to run the tests.', 'to run the tests.'],
    ['in a list', [], '- **Next:** `src/*.ts`\n- Later: sleep', '`src/*.ts`'],
    ['after the letter whose small form is two characters long', [], 'İİİİ. NEXT: the docs', 'the docs'],
    ['with a verb and a colon', [], 'The next steps are: run the tests', 'run the tests'],
    ['after a tab or in the line below', [], 'Next is\trest\nNext is\nthe docs', 'rest'],
    ['in the line below', [], 'Next is\nthe docs', 'the docs'],
    ['a pattern of files', [], 'Next: *.ts files get a header', '*.ts files get a header'],
    ['bold itself', [], '**Next:** **the docs**', '**the docs**'],
    ['not another word', [], 'Next island: the docs', ''],
    ['not after blanks in the middle of a sentence', [], `Whatever${' '.repeat(40)}next: the docs`, ''],
    ['the first that says something', [], 'Next: x\nNext: the docs', 'the docs'],
    ['not in the middle of a sentence', [], 'Whatever is next: nobody knows.', ''],
    ['not too much', [], `Next: ${'x'.repeat(401)}`, ''],
    ['nothing', [], 'The next door neighbour came.', ''],
  ])('is %s', (_what, todos, said, expected) => {
    expect(nextStep(todos, said)).toBe(expected);
  });
});
