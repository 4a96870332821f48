import { execFileSync } from 'node:child_process';
import { maskFor, openLog } from '@switchhook/core/internal';
import { expect } from 'chai';

describe('a line of the log', () => {
  it('holds no field of an earlier line', () => {
    const lines: string[] = [];
    const log = openLog({ level: 'info', mask: maskFor([]), to: { write: (line) => lines.push(line) } });
    log.error('call.failed', { to: '+15550100', error: new Error('failed') });
    log.info('config.reloaded', { generation: 2 });
    expect(JSON.parse(lines[1] ?? '')).to.have.all.keys('level', 'time', 'generation', 'event');
  });

  it('holds nothing of the source of translated code, but its file, line and column', () => {
    const source = encodeURIComponent(`const apiKey = "abc('def')";\nexport default apiKey;`);
    for (const file of ['?filePath=%2Fhome%2Fada%2Fcrm.ts%3Fnamespace%3D1', '']) {
      const script = `data:text/javascript,${source}${file}`;
      const error = new Error(`cannot find "./a.js" from "${script}"`);
      error.stack = `Error: no\n    at Object.resolve (${script}:2:1240)\n    at async ${script}:7:5\n    at run (node:x:1:2)`;
      const lines: string[] = [];
      const log = openLog({ level: 'info', mask: maskFor([]), to: { write: (line) => lines.push(line) } });
      log.error('call.failed', { error: new Error('failed', { cause: error }), code: script });
      const told = JSON.parse(lines.join(''));
      expect(told.code).to.equal(`data:…${file}`);
      expect(told.error.message).to.equal(`failed: cannot find "./a.js" from "data:…${file}"`);
      expect(told.error.stack).to.include(
        `\n    at Object.resolve (data:…${file}:2:1240)\n    at async data:…${file}:7:5\n    at run (node:x:1:2)`,
      );
    }
  });

  it('holds nothing that a terminal acts on, as JSON or pretty', () => {
    const hostile = '\u001b[2J\u001b]0;owned\u0007\r\b\u007f\u009b31m\u202egnp\u2028\u2029 \\u001b';
    const lines: string[] = [];
    const log = openLog({ level: 'info', mask: maskFor([]), to: { write: (line) => lines.push(line) } });
    log.error('call.failed', { response: hostile, error: new Error(hostile) });
    expect(JSON.parse(lines.join('')))
      .to.include({ response: hostile })
      .and.to.have.nested.property('error.message', hostile);
    const script = `
      process.stdout.isTTY = true;
      const { maskFor, openLog } = await import('@switchhook/core/internal');
      const hostile = ${JSON.stringify(hostile)};
      openLog({ level: 'info', mask: maskFor([]) }).error('call.failed', { response: hostile, [hostile]: { [hostile]: 1 }, error: new Error(hostile) });
      openLog({ level: 'info', mask: maskFor([]) }).error(hostile);`;
    const pretty = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      env: { ...process.env, FORCE_COLOR: '1' },
    });
    expect(pretty)
      .to.include('\u001b[31mERROR')
      .and.to.include('\\u001b]0;owned\\u0007\\r\\b\\u007f\\u009b31m\\u202egnp\\u2028\\u2029');
    for (const text of [lines.join(''), pretty.replace(/\p{Cc}\[\d+m/gu, '')])
      expect(text.match(/(?!\n)[\p{Cc}\p{Bidi_C}\u2028\u2029]/gu), text).to.equal(null);
  });
});
