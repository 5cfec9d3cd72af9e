/** Sentences for people in one place, a comment on everything public, and nothing in the repository that is not everybody's. */

import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { redact } from '../../src/core/redact.ts';
import { codeOf, committed, read, root, sourcesIn } from './sources.ts';

describe('every sentence for people lives in src/messages', () => {
  const printing =
    /(?:\b(?:print|fail|answer)|\bconsole\.\w+|\bstd(?:out|err)\.write)\(\s*(?:"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/g;
  const words = (text: string): number => text.match(/[A-Za-z]{2,}/g)?.length ?? 0;

  test.each(['src/cli', 'src/doctor', 'src/mcp', 'install'])(
    'what %s prints comes from there',
    (directory) => {
      const found = sourcesIn(directory).flatMap((file) =>
        [...codeOf(file).matchAll(printing)]
          .map(([, plain, template]) => plain ?? template ?? '')
          .filter((text) => words(text.replace(/\$\{[^}]*\}/g, '')) > 1)
          .map((text) => `${file}: ${text}`),
      );
      expect(found).toEqual([]);
    },
  );

  test('no sentence stands anywhere else', () => {
    // Described where the options are declared: it is the declaration.
    const declarations = ['src/cli/main.ts'];
    const elsewhere = ['src/cli', 'src/doctor', 'src/flows', 'src/config', 'src/mcp', 'install'].flatMap(
      sourcesIn,
    );
    const found = elsewhere
      .filter((file) => !declarations.includes(file))
      .flatMap((file) =>
        [...codeOf(file).matchAll(/"((?:\\.|[^"\\\n])*)"|`((?:\\.|[^`\\])*)`/g)]
          .map(([, plain, template]) => (plain ?? template ?? '').replace(/\$\{[^}]*\}/g, ''))
          .filter((text) => /^[A-Z].* .* .*[.!?:]$/.test(text) && words(text) > 3)
          .map((text) => `${file}: ${text}`),
      );
    expect(found).toEqual([]);
  });
});

test('how the command is called is written down in one place', () => {
  const found = ['src', 'install', 'hooks'].flatMap(sourcesIn).filter((file) => {
    if (file === 'src/messages/own-command.ts') return false;
    return /\bnpx (?:-\w+ )*flowloom|flowloom-hooks (?:install|uninstall|doctor|status|handoff|sync|prune|log|trust|forget|mcp)\b/.test(
      codeOf(file),
    );
  });
  expect(found).toEqual([]);
});

describe('what is exported says what it guarantees', () => {
  const directories = ['src/core', 'src/flows', 'src/stores', 'src/io'];
  const exported =
    /^export (?:async )?(?:function\*? (\w+)|interface (\w+)|class (\w+)|const (\w+)(?:: [^=]+)? =(?= (?:async )?(?:\(|<|\w+ =>)))/;

  test.each(directories)('%s', (directory) => {
    const bare: string[] = [];
    let seen = 0;
    for (const file of sourcesIn(directory)) {
      const lines = read(file).split('\n');
      for (const [at, line] of lines.entries()) {
        const match = line.match(exported);
        if (!match) continue;
        seen++;
        if (!lines[at - 1]?.trimEnd().endsWith('*/'))
          bare.push(`${file}:${at + 1} ${match.slice(1).find(Boolean)}`);
      }
    }
    expect(seen).toBeGreaterThan(0);
    expect(bare).toEqual([]);
  });
});

/** Every string in a JSON value, with the name it stands under. */
const stringsIn = (value: unknown, name = ''): string[] => {
  if (typeof value === 'string') return [name ? JSON.stringify({ [name]: value }) : value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => stringsIn(inner, Array.isArray(value) ? name : key));
};

describe('the repository', () => {
  const everything = committed();
  const files = everything.filter((file) => lstatSync(join(root, file)).isFile());
  const isText = (file: string): boolean => !readFileSync(join(root, file)).subarray(0, 8000).includes(0);
  const texts = files.filter(isText).map((file): [string, string] => [file, read(file)]);

  /** Each line that matches, as file and line. */
  const linesWith = (pattern: RegExp, except: (file: string) => boolean = () => false): string[] =>
    texts
      .filter(([file]) => !except(file))
      .flatMap(([file, text]) =>
        text
          .split('\n')
          .flatMap((line, at) =>
            pattern.test(line) ? [`${file}:${at + 1}: ${line.trim().slice(0, 100)}`] : [],
          ),
      );

  test('is looked at', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(files).toContain('package.json');
  });

  test('names no host that packages come from', () => {
    expect(
      linesWith(
        /\bregistry\.(?!example\.)[a-z0-9-]+\.[a-z]{2,}|\bnpm\.pkg\.[a-z]+\.|\/(?:artifactory|nexus)\//i,
      ),
    ).toEqual([]);
    expect(linesWith(/^\s*(?:@[\w-]+:)?registry\s*=|"registry"\s*:/)).toEqual([]);
  });

  test('locks versions without addresses', () => {
    expect(linesWith(/"resolved"\s*:/, (file) => file !== 'package-lock.json')).toEqual([]);
  });

  test('locks everything that is asked for, or a clean install is refused', () => {
    type Entry = Partial<
      Record<'dependencies' | 'optionalDependencies' | 'devDependencies', Record<string, string>>
    >;
    const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Entry> };
    /** As Node looks for it: beside the one that asks, then further up. */
    const isLocked = (where: string, name: string): boolean => {
      if (`${where ? `${where}/` : ''}node_modules/${name}` in packages) return true;
      return (
        where !== '' && isLocked(where.slice(0, Math.max(0, where.lastIndexOf('node_modules/') - 1)), name)
      );
    };
    const missing = Object.entries(packages).flatMap(([where, entry]) =>
      Object.keys({ ...entry.dependencies, ...entry.optionalDependencies, ...entry.devDependencies })
        .filter((name) => !isLocked(where, name))
        .map((name) => `${where || 'package.json'} asks for ${name}`),
    );
    expect(missing).toEqual([]);
    const declared = JSON.parse(read('package.json')).devDependencies;
    expect(packages['']?.devDependencies).toEqual(declared);
  });

  test('names no path of one machine', () => {
    const home = ['/', 'root', '/'].join('');
    const checkout = ['/', 'work', '/'].join('');
    const found = linesWith(new RegExp(`(?<![\\w.~*-])(?:${home}|${checkout})`));
    expect(found).toEqual([]);
    expect(linesWith(/\.\.\/shared\b/)).toEqual([]);
    if (root.length > 12)
      expect(texts.filter(([, text]) => text.includes(root)).map(([file]) => file)).toEqual([]);
  });

  test('holds nothing that is built, and no leftovers', () => {
    expect(everything.filter((file) => !files.includes(file))).toEqual([]);
    expect(
      files.filter((file) =>
        /^(?:dist|node_modules|coverage)\b|\.(?:tgz|log|tmp|orig|rej|swp)$|~$/.test(file),
      ),
    ).toEqual([]);
    expect(linesWith(/^(?:<{7} |>{7} |={7}$)/)).toEqual([]);
    expect(linesWith(/\b(?:describe|it|test)\.only\(/, (file) => !file.endsWith('.ts'))).toEqual([]);
  });

  test('names its files in kebab-case', () => {
    const odd = files.filter(
      (file) =>
        /\.(?:ts|mjs)$/.test(file) &&
        !/^(?:[a-z0-9]+(?:-[a-z0-9]+)*\/)*[a-z0-9]+(?:[-.][a-z0-9]+)*$/.test(file),
    );
    expect(odd).toEqual([]);
  });

  test('holds no secret in its fixtures', () => {
    const fixtures = texts.filter(([file]) => file.startsWith('test/fixtures/'));
    expect(fixtures.length).toBeGreaterThan(10);
    for (const [file, text] of fixtures) {
      const values = file.endsWith('.jsonl') ? text.split('\n').filter(Boolean) : [text];
      for (const pair of values.flatMap((value) => stringsIn(JSON.parse(value))))
        expect([file, redact(pair)]).toEqual([file, pair]);
      expect([file, text.match(/[\w.+-]+@(?!example\b)[\w-]+\.\w+/)?.[0]]).toEqual([file, undefined]);
    }
  });

  test('holds nothing in the shape of a key anywhere', () => {
    const shapes = [
      // The one in every vendor's documentation ends so.
      'AKIA(?!\\w+EXAMPLE)[0-9A-Z]{16}',
      'gh[pousr]_[A-Za-z0-9]{36}',
      'github_pat_[A-Za-z0-9_]{40,}',
      'sk-ant-(?!dummy)[\\w-]{20,}',
      'xox[bpa]-[0-9]{10,}',
      'AIza[\\w-]{35}',
      '-----BEGIN [A-Z ]*PRIVATE KEY-----\\s*[A-Za-z0-9+/=]{60,}',
    ];
    expect(linesWith(new RegExp(shapes.join('|')))).toEqual([]);
  });

  test('links only to what is there', () => {
    const broken = texts
      .filter(([file]) => file.endsWith('.md'))
      .flatMap(([file, text]) =>
        [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/\]\((?!\w+:|#)([^)\s#]+)/g)]
          .map(([, target]) => posix.join(dirname(file), target!))
          .filter((target) => !existsSync(join(root, target)))
          .map((target) => `${file} → ${target}`),
      );
    expect(broken).toEqual([]);
  });
});
