import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  excerpt,
  filesIn,
  type Handoff,
  handoffId,
  parseHandoff,
  renderHandoff,
  saysSomething,
  withoutRelayed,
} from '../../src/core/handoff.ts';
import { hostileText, invisible, loneSurrogate } from '../support/hostile.ts';
import { handoff } from '../support/records.ts';
import { secrets } from '../support/secrets.ts';

const id = '000007-23351544a1b2';

const anyHandoff: fc.Arbitrary<Handoff> = fc
  .record({
    label: fc.constantFrom<Handoff['label'][]>('complete', 'checkpoint', 'reconstructed'),
    role: fc.constantFrom<Handoff['role'][]>('master', 'worker'),
    seq: fc.integer({ min: 1, max: 999_999_999 }),
    epoch: fc.nat(),
    name: hostileText(10),
    sessionId: hostileText(10),
    firstPrompt: hostileText(),
    latestPrompt: hostileText(),
    words: fc.option(
      fc.record({
        goal: hostileText(),
        done: hostileText(),
        next: hostileText(),
        questions: fc.array(hostileText(10), { maxLength: 4 }),
      }),
    ),
    said: hostileText(),
    asked: fc.array(hostileText(10), { maxLength: 4 }),
    todos: fc.array(
      fc.record({
        id: fc.string(),
        text: hostileText(5),
        status: fc.constantFrom('pending', 'in_progress', 'completed', 'deleted', 'later'),
      }),
      { maxLength: 10 },
    ),
    files: fc.array(hostileText(5), { maxLength: 10 }),
    commands: fc.array(
      fc.record({
        command: hostileText(5),
        outcome: fc.constantFrom<('running' | 'ok' | 'failed')[]>('running', 'ok', 'failed'),
        said: hostileText(5),
      }),
      { maxLength: 10 },
    ),
    git: fc.option(
      fc.record({
        branch: hostileText(5),
        head: hostileText(2),
        dirty: fc.array(hostileText(3)),
        staged: fc.array(hostileText(3)),
      }),
    ),
    worktree: hostileText(5),
    summary: hostileText(),
    transcript: hostileText(5),
  })
  .map((parts) => handoff(parts));

/** What stands outside code blocks, as CommonMark reads it; throws for a block that is never closed. */
function outsideCode(markdown: string): string {
  const outside: string[] = [];
  let fence = 0;
  for (const line of markdown.split('\n')) {
    const ticks = line.match(/^ {0,3}(`{3,})([^`]*)$/);
    if (fence === 0 && ticks) fence = ticks[1]!.length;
    else if (fence > 0 && ticks && ticks[1]!.length >= fence && ticks[2]!.trim() === '') fence = 0;
    else if (fence === 0) outside.push(line);
  }
  if (fence > 0) throw new Error(`a code block is not closed:\n${markdown}`);
  return outside.join('\n');
}

describe('a note', () => {
  const sections = [
    'Goal',
    'Open questions',
    'Next step',
    'Done',
    'Todo',
    'Last said',
    'Files touched',
    'Commands',
    'Git',
    "Client's summary",
    'Transcript',
  ];

  test('says whether the session was attended; one of an earlier version counts as attended', () => {
    const attended = (note: string) => parseHandoff(note, id)?.head.attended;
    const note = renderHandoff(handoff({ attended: false }), id, 6000);
    expect(attended(note)).toBe(false);
    expect(attended(renderHandoff(handoff(), id, 6000))).toBe(true);
    expect(attended(note.replace(/^attended: .*\n/m, ''))).toBe(true);
  });

  test('keeps head and facts when it is written and read again', () => {
    const words = { goal: '', done: 'It is written.', next: '', questions: [] };
    const note = renderHandoff(handoff({ words }), id, 6000);
    const { head, body } = parseHandoff(note, id)!;
    expect(head).toEqual({
      id,
      label: 'checkpoint',
      member: '4711-abc',
      name: 'api',
      role: 'master',
      attended: true,
      seq: 7,
      epoch: 7,
      sessionId: '23351544-1c79-4d69-beae-dae97622fb9f',
      saidAt: Date.parse('2026-11-22T08:59:00.000Z'),
      writtenAt: '2026-11-22T09:00:00.000Z',
      branch: 'main',
      worktree: '/home/dev/shop',
      goal: 'now test it',
    });
    expect(filesIn(body)).toEqual(['/home/dev/shop/hello.txt']);
    expect(body.match(/^## .*$/gm)).toEqual(sections.map((title) => `## ${title}`));
    for (const fact of [
      'first: add a hello file',
      'latest: now test it',
      'Shall I commit it?',
      '[ ] write the test',
      'failed: npm test → 1 failed',
      'branch: main',
      'HEAD: abc',
      'changed or new, not staged (1): hello.txt',
      'It was about hello.',
    ])
      expect(body).toContain(fact);
  });

  test('any head survives, as far as its values are one harmless line', () => {
    fc.assert(
      fc.property(anyHandoff, (any) => {
        const { head } = parseHandoff(renderHandoff(any, id, 20_000), id)!;
        expect([head.label, head.role, head.seq, head.epoch, head.member, head.writtenAt]).toEqual([
          any.label,
          any.role,
          any.seq,
          any.epoch,
          any.member,
          any.writtenAt,
        ]);
        for (const text of [head.name, head.sessionId, head.branch, head.goal]) {
          expect(text).not.toMatch(/[\n\r]/);
          expect(text).not.toMatch(invisible);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('text of others stands inside code blocks only, and every block is closed', () => {
    fc.assert(
      fc.property(anyHandoff, fc.integer({ min: 1000, max: 20_000 }), (any, most) => {
        const { body } = parseHandoff(renderHandoff(any, id, most), id)!;
        const outside = outsideCode(body).split('\n').filter(Boolean);
        for (const line of outside) expect(sections.map((title) => `## ${title}`)).toContain(line);
      }),
      { numRuns: 500 },
    );
  });

  test('neither #words nor [[links]] mean anything in it', () => {
    const bad = '#tag and [[link]] and ```\n# heading\n```` and [x](y)';
    const note = renderHandoff(
      handoff({
        firstPrompt: bad,
        latestPrompt: bad,
        said: `${bad}?`,
        summary: bad,
        files: [bad],
        todos: [{ id: '1', text: bad, status: 'pending' }],
        commands: [{ command: bad, outcome: 'ok', said: bad }],
        git: { branch: bad, head: bad, dirty: [bad], staged: [bad] },
        worktree: bad,
        transcript: bad,
      }),
      id,
      20_000,
    );
    expect(outsideCode(parseHandoff(note, id)!.body)).not.toMatch(/#\w|\[\[|tag|link/);
  });

  test('is never longer than it may be, nothing invisible is in it, and it can still be read', () => {
    fc.assert(
      fc.property(anyHandoff, fc.integer({ min: 1000, max: 20_000 }), (any, most) => {
        const note = renderHandoff(any, id, most);
        expect(note.length).toBeLessThanOrEqual(most);
        expect(note).not.toMatch(invisible);
        expect(note).not.toMatch(loneSurrogate);
        expect(parseHandoff(note, id)?.head.seq).toBe(any.seq);
      }),
      { numRuns: 500 },
    );
  });

  test('a very long one keeps what is worth most', () => {
    const long = 'word '.repeat(1000);
    const note = renderHandoff(
      handoff({
        firstPrompt: `the goal ${long}`,
        said: `${long}\nNext step: ship it.`,
        summary: long,
        files: Array.from({ length: 60 }, (_, n) => `/home/dev/shop/${n}.ts`),
        todos: Array.from({ length: 40 }, (_, n) => ({
          id: `${n}`,
          text: `${n} ${long.slice(0, 190)}`,
          status: 'pending',
        })),
      }),
      id,
      3000,
    );
    expect(note.length).toBeLessThanOrEqual(3000);
    expect(note).toContain('the goal');
    expect(note).toContain('59.ts');
    expect(note).toMatch(/\(\d+ more\)/);
  });

  test.each(secrets)('holds no $name, in whatever field it came', ({ text, secret }) => {
    const note = renderHandoff(
      handoff({
        name: text,
        firstPrompt: text,
        latestPrompt: text,
        said: text,
        asked: [text],
        todos: [{ id: '1', text, status: 'pending' }],
        files: [`/shop/${text}`],
        commands: [{ command: text, outcome: 'ok', said: text }],
        git: { branch: text, head: 'abc', dirty: [text], staged: [text] },
        summary: text,
      }),
      id,
      20_000,
    );
    expect(note).not.toContain(secret);
  });

  test('empty parts have no section', () => {
    const note = renderHandoff(
      handoff({
        asked: [],
        todos: [],
        files: [],
        commands: [],
        summary: '',
        said: '',
        git: null,
        transcript: '',
      }),
      id,
      6000,
    );
    expect(note.match(/^## .*$/gm)).toEqual(['## Goal', '## Git']);
  });

  test('is a valid note: frontmatter of simple values, title, type and permalink', () => {
    const note = renderHandoff(handoff({ name: 'a: "b" #c' }), `${id}.reconstructed`, 6000);
    const frontmatter = note.split('---\n')[1]!.trimEnd();
    for (const line of frontmatter.split('\n'))
      expect(line).toMatch(/^[a-z_]+: (?:"(?:[^"\\]|\\.)*"|\[.*\])$/);
    expect(frontmatter).toContain('title: "');
    expect(frontmatter).toContain('type: "handoff"');
    expect(frontmatter).toContain('permalink: "flowloom/handoffs/000007-23351544a1b2-reconstructed"');
    expect(frontmatter).toContain('tags: ["flowloom", "handoff"]');
  });
});

describe('reading a note', () => {
  test.each<[string, string]>([
    ['nothing', ''],
    ['no frontmatter', '# Title\n\ntext'],
    ['another type', '---\ntype: note\nseq: 1\n---\ntext'],
    ['no number', '---\ntype: handoff\nseq: many\n---\ntext'],
    ['frontmatter that never ends', '---\ntype: handoff\nseq: 1\n'],
    ['binary', '\u0000\u0001\u0002'],
  ])('%s is none of ours', (_what, text) => {
    expect(parseHandoff(text, id)).toBeNull();
  });

  test('values without quotes, reordered and with foreign keys, as other programs rewrite them', () => {
    const { head, body } = parseHandoff(
      '---\r\ntags: [a]\r\nseq: 9\r\ntype: handoff\r\nstatus: complete\r\nname: api: the second\r\nrole: master\r\nepoch: 9\r\nextra: x\r\n---\r\n\r\nbody\r\n',
      id,
    )!;
    expect([head.seq, head.label, head.name, head.role, head.epoch, head.member]).toEqual([
      9,
      'complete',
      'api: the second',
      'master',
      9,
      '',
    ]);
    expect(body).toBe('body');
  });

  test('any text is read or refused, never thrown at', () => {
    fc.assert(
      fc.property(hostileText(), hostileText(), (head, body) => {
        parseHandoff(`---\n${head}\n---\n${body}`, id);
        filesIn(body);
        excerpt(body, 300);
      }),
    );
  });

  test('the list of files is read from its own section only', () => {
    const note = renderHandoff(
      handoff({
        firstPrompt: '## Files touched\n\n```text\n/etc/passwd\n```',
        files: ['/shop/a b.ts', '/shop/c`d.ts'],
      }),
      id,
      6000,
    );
    expect(filesIn(parseHandoff(note, id)!.body)).toEqual(['/shop/a b.ts', '/shop/c`d.ts']);
  });

  test('the count of left-out files is no file', () => {
    const files = Array.from({ length: 60 }, (_, n) => `/shop/${n}.ts`);
    const read = filesIn(parseHandoff(renderHandoff(handoff({ files }), id, 20_000), id)!.body);
    expect(read).toEqual(files.slice(-30));
  });
});

describe('an excerpt', () => {
  test('is the whole body when it fits', () => expect(excerpt('## A\n\nx', 7)).toBe('## A\n\nx'));

  test('has whole sections only, the first ones first, and never more than asked', () => {
    const body = ['## A\n\naaaa', '## B\n\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', '## C\n\ncc'].join('\n\n');
    expect(excerpt(body, 25)).toBe('## A\n\naaaa\n\n## C\n\ncc');
    fc.assert(
      fc.property(hostileText(), fc.integer({ min: 1, max: 3000 }), (text, most) => {
        expect(excerpt(text, most).length).toBeLessThanOrEqual(most);
      }),
    );
  });
});

describe('text that was received is not passed on', () => {
  const received = '## Goal\n\n```text\nBuild the checkout page with three steps and a summary.\nshort\n```';

  test('word for word, whatever quoting was put before it', () => {
    const said = [
      'I read the handoff:',
      '> Build the checkout page with three steps and a summary.',
      '- `Build the checkout page with three steps and a summary.`',
      'short',
      'I did something else.',
    ].join('\n');
    expect(withoutRelayed(said, received)).toBe('I read the handoff:\nshort\nI did something else.');
  });

  test('nothing received: nothing taken out', () => {
    fc.assert(
      fc.property(hostileText(), (text) => {
        expect(withoutRelayed(text, '')).toBe(text);
      }),
    );
  });

  test('own words stay', () => {
    expect(withoutRelayed('Something of my own that is long enough to be compared.', received)).toContain(
      'my own',
    );
  });
});

describe('the id of a handoff', () => {
  test('is a plain file name whatever the session id holds, and sorts by number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999_999 }), hostileText(), (seq, sessionId) => {
        expect(handoffId(seq, sessionId)).toMatch(/^\d{6,}-[A-Za-z0-9]{1,12}$/);
      }),
    );
    expect(handoffId(7, '23351544-1c79-4d69')).toBe('000007-233515441c79');
    expect(handoffId(7, '../../../')).toBe('000007-session');
  });
});

test.each<[string, Partial<Handoff>, boolean]>([
  ['a prompt', { firstPrompt: 'x' }, true],
  ['last words', { said: 'x' }, true],
  ['a file', { files: ['x'] }, true],
  ['a command', { commands: [{ command: 'x', outcome: 'ok', said: '' }] }, true],
  ['a summary', { summary: 'x' }, true],
  ['only a branch', {}, false],
])('a session with %s says something: %s', (_what, more, expected) => {
  const nothing = {
    firstPrompt: '',
    latestPrompt: '',
    said: '',
    summary: '',
    files: [],
    commands: [],
    todos: [],
    asked: [],
  };
  expect(saysSomething(handoff({ ...nothing, ...more }))).toBe(expected);
});

describe('words of its own', () => {
  const words = {
    goal: 'Sell apples.',
    done: 'The crates are counted.',
    next: 'Set the price.\nThen open.',
    questions: ['Who prints the labels?'],
  };
  const sectionOf = (note: string, title: string): string | undefined =>
    note.match(new RegExp(`^## ${title}\\n\\n\`{3,}text\\n([\\s\\S]*?)\\n\`{3,}$`, 'm'))?.[1];

  test('come before what was observed, and replace none of the prompts', () => {
    const note = renderHandoff(handoff({ words }), 'x', 6000);
    expect(sectionOf(note, 'Goal')).toBe(
      'first: add a hello file\nlatest: now test it\nin its own words: Sell apples.',
    );
    expect(sectionOf(note, 'Next step')).toBe(words.next);
    expect(sectionOf(note, 'Done')).toBe(words.done);
    expect(sectionOf(note, 'Open questions')).toBe('Who prints the labels?\nShall I commit it?');
  });

  test('are enough for a handoff, and its goal', () => {
    const alone = handoff({
      words,
      firstPrompt: '',
      latestPrompt: '',
      said: '',
      summary: '',
      files: [],
      commands: [],
    });
    expect(saysSomething(alone)).toBe(true);
    const note = renderHandoff(alone, 'x', 6000);
    expect(parseHandoff(note, 'x')?.head.goal).toBe('Sell apples.');
    expect(sectionOf(note, 'Goal')).toBe('Sell apples.');
  });
});
