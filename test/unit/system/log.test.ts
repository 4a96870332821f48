import { execFileSync, spawnSync } from 'node:child_process';
import { GatheredLines, maskFor, openLog } from '@switchhook/core/internal';
import { FakeClock } from '@switchhook/testkit';
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

describe('lines of a log', () => {
  const gathering = () => {
    const written: string[] = [];
    const clock = new FakeClock();
    const to = new GatheredLines({ write: (lines) => written.push(lines) }, clock);
    return { written, clock, log: openLog({ level: 'info', mask: maskFor([]), to }) };
  };
  const eventsIn = (lines: string | undefined): readonly string[] =>
    (lines ?? '').split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).event]));

  it('are written together, after 50 ms', async () => {
    const { written, clock, log } = gathering();
    log.info('event.received');
    log.info('delivery.attempted');
    await clock.advance(49);
    expect(written).to.deep.equal([]);
    await clock.advance(1);
    expect(written.map(eventsIn)).to.deep.equal([['event.received', 'delivery.attempted']]);
    log.info('event.received');
    await clock.advance(50);
    expect(written.map(eventsIn)).to.have.lengthOf(2);
  });

  it('are written at once when one of them is a warning or an error', () => {
    for (const level of ['warn', 'error'] as const) {
      const { written, log } = gathering();
      log.info('event.received');
      log[level]('call.failed');
      expect(written.map(eventsIn)).to.deep.equal([['event.received', 'call.failed']]);
    }
  });

  it('are written without waiting when there are many, each once', async () => {
    const { written, clock, log } = gathering();
    for (let n = 0; n < 200; n += 1) log.info('event.received', { n });
    expect(written).to.have.lengthOf.within(1, 10);
    await clock.advance(50);
    const numbers = written.flatMap((lines) => [...lines.matchAll(/"n":(\d+)/g)].map(([, n]) => Number(n)));
    expect(numbers).to.deep.equal(Array.from({ length: 200 }, (_, n) => n));
  });

  it('cost nothing else where they cannot be written, in the timer, at once, or later', async () => {
    const clock = new FakeClock();
    let writes = 0;
    const write = () => {
      writes += 1;
      throw new Error('it is closed');
    };
    const log = openLog({ level: 'info', mask: maskFor([]), to: new GatheredLines({ write }, clock) });
    log.info('event.received');
    await clock.advance(50);
    log.error('call.failed');
    log.info('event.received');
    await clock.advance(50);
    expect(writes).to.equal(3);
  });

  it('are complete when the process ends by itself, by an exit, or by an error that is not caught', () => {
    for (const end of ['', 'process.exit(0);', "setImmediate(() => { throw new Error('uncaught'); });"]) {
      const script = `const { maskFor, openLog } = await import('@switchhook/core/internal');
        const log = openLog({ level: 'info', mask: maskFor([]) });
        log.info('event.received');
        ${end}`;
      const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
      expect(eventsIn(stdout), end).to.deep.equal(['event.received']);
    }
  });
});
