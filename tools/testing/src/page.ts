import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { testExample } from './readme.js';

const block = /^```(\w+)\n([\s\S]*?)^```$/gm;

/**
 * Follows a page literally, block by block, in a new folder: `ts` blocks as in `testReadme`, a `yaml` block is written
 * into the file that its first line names (`# study.yaml`), and each `$ command` of a `console` block must print what
 * stands below it. Numbers and the engine may differ, and `…` stands for anything. With UPDATE_DOCS=1 the page's outputs
 * are rewritten.
 *
 * @param options.program The script that `npx bag` stands for.
 */
export function testPage(url: URL, { program }: { program: string }): void {
  const path = fileURLToPath(url);
  const text = readFileSync(path, 'utf8');
  const name = path.split('/').slice(-2).join('-').replace('.md', '');
  const folder = fileURLToPath(new URL(`node_modules/.pages/${name}/`, new URL('.', url)));
  describe(path.split('/docs/')[1] ?? path, () => {
    beforeAll(() => {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
    });
    for (const [i, [, language, content = '']] of [...text.matchAll(block)].entries()) {
      const title = `${i + 1}: ${content.split('\n')[0] ?? ''}`;
      if (language === 'ts') testExample(title, content, join(folder, `example-${i + 1}.mjs`));
      else if (language === 'yaml') {
        test(title, () => {
          const [, file] = /^# (\S+\.yaml)/.exec(content) ?? [];
          expect(file, 'the first line of a yaml block names its file').toBeDefined();
          writeFileSync(join(folder, file as string), content);
        });
      } else if (language === 'console') {
        for (const { command, output } of commandsOf(content)) {
          test(`${i + 1}: $ ${command}`, () => {
            followed(command, output);
          });
        }
      } else {
        test(title, () => {
          expect(['mermaid', 'text'], 'a block that no test runs').toContain(language);
        });
      }
    }
  });

  /** Commands may be there twice, so a rewritten page is searched from here on. */
  let updatedTo = 0;

  function followed(command: string, output: string): void {
    const shell = `npx() { shift; '${process.execPath}' '${program}' "$@"; }\n(${command}) 2>&1`;
    const { stdout } = spawnSync('sh', ['-c', shell], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, COLUMNS: '80' },
    });
    // How many lines of progress there are depends on the machine.
    const printed = stdout.replace(/^\d+ %, .* left {2}.*\n/gm, '').trimEnd();
    const pattern = new RegExp(`^${shape(output).split('…').map(escaped).join('[\\s\\S]*')}$`);
    const keep = output.includes('…') && pattern.test(shape(printed));
    if (process.env['UPDATE_DOCS'] !== undefined && !keep) {
      const page = readFileSync(path, 'utf8');
      const before = `$ ${command}\n${output === '' ? '' : `${output}\n`}`;
      const after = `$ ${command}\n${printed === '' ? '' : `${printed}\n`}`;
      const at = page.indexOf(before, updatedTo);
      expect(at).toBeGreaterThan(-1);
      writeFileSync(path, page.slice(0, at) + after + page.slice(at + before.length));
      updatedTo = at + after.length;
    } else {
      expect(shape(printed), `$ ${command}\n${printed}\n`).toMatch(pattern);
    }
  }
}

function commandsOf(content: string): { command: string; output: string }[] {
  return content
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = '', ...output] = part.trimEnd().split('\n');
      return { command, output: output.join('\n').trimEnd() };
    });
}

/**
 * What does not depend on the machine: the engine and what it computes in, the processor's name, numbers, widths and
 * curves drawn in the terminal do.
 */
function shape(output: string): string {
  return output
    .replace(/^on \d+ × .*/gm, 'on #')
    .replace(/"processor":"[^"]*"/g, '"processor":"#"')
    .replace(/[-−+]?\d[\d.,e+-]*/g, '#')
    .replace(/^engine: .*/gm, 'engine: #')
    .replace(/^(?:warning: )?precision: .*/gm, 'precision: #')
    .replace(/# thread\b/g, '# threads')
    .replace(/│.*/g, '│')
    .replace(/─+/g, '─')
    .replace(/[ \t]+/g, ' ')
    .replace(/# (h|min|s) # (min|s)\b/g, '# $2')
    .replace(/# (h|min|s)\b/g, '# s')
    .replace(/ $/gm, '');
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
