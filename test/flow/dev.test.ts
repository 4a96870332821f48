/** `switchhook dev` in a process of its own: files are saved as an editor does, and what it shows is read. */
import { readFile } from 'node:fs/promises';
import { loadConfig } from '@switchhook/core/internal';
import { dryRunOf } from '@switchhook/simulator';
import { receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { linkWithoutCompiler, plugin, startDev, writeProject, yaml } from '../support/developing.js';
import { type Workplace, workplace } from '../support/workplace.js';

describe('switchhook dev', () => {
  let place: Workplace;
  let started: ReturnType<typeof startDev> | null;

  beforeEach(async () => {
    place = await workplace();
    started = null;
    await writeProject(place);
  });
  afterEach(async () => {
    started?.kill();
    await place.close();
  });

  const dev = (...args: readonly string[]) => {
    started = startDev(place, args);
    return started;
  };

  it('shows after each save what a destination would get, and which routes did not match, without a delivery; writes the schema for the editor, and reports that it cannot check types without typescript', async () => {
    await linkWithoutCompiler(place);
    const crm = await receiver();
    await place.write('switchhook.yaml', yaml(crm.url));
    const { shown, seen, stop, closed } = dev('--send', 'call_ended');
    const start = await shown(/"text": "Call \w+"/);
    expect(start).to.match(/running switchhook\.yaml at http:\/\/127\.0\.0\.1:\d+\nDeliveries are not made/);
    expect(start).to.match(/\ncall_ended {2}\w+ {2}from agents {2}event [-0-9a-f]+\n✔ notes: crm would get:/);
    await shown(/✘ long-calls: event\.data\.call\.call_id == 'none' is false/);
    await seen(/wrote schema\.json, for the editor/);
    expect(await readFile(place.path('schema.json'), 'utf8')).to.not.include('The text of the note.');
    await place.write('plugins/crm.ts', plugin({ body: 'content' }).replace("'The note.'", "'The text of the note.'"));
    expect(await shown(/"content": "Call \w+"/)).to.match(/\nreloaded in \d+m?s: destinations: changed crm/);
    // Once for each version of the plugin.
    await seen(/wrote schema\.json, for the editor[\s\S]*wrote schema\.json, for the editor/);
    expect(await readFile(place.path('schema.json'), 'utf8')).to.include('The text of the note.');
    await seen(/types: not checked, because typescript is not installed here: npm install --save-dev typescript/);
    stop();
    expect(await closed).to.equal(0);
    expect(crm.requests).to.deep.equal([]);
    await crm.close();
  });

  it('delivers where it is asked to, and shows each outcome, with the line that threw', async () => {
    await linkWithoutCompiler(place);
    const crm = await receiver(() => ({ status: 422, body: '{"error":"no such account"}' }));
    await place.write('switchhook.yaml', yaml(crm.url));
    const { shown } = dev('--send', 'call_ended', '--deliver', 'crm');
    expect(await shown(/crm: rejected: .*\n.*no such account.*\n/)).to.include('Deliveries to crm are really made');
    await place.write('plugins/crm.ts', plugin({ outcome: "{ kind: 'delivered' }" }));
    await shown(/crm: delivered \(delivered, attempt 1 took \d+ ms\)/);
    await place.write('plugins/crm.ts', plugin({ outcome: 'Object(null).a.b' }));
    const thrown = await shown(/\n *11 \| .*Object\(null\)\.a\.b;\n *\| +\^/);
    expect(thrown).to.match(
      /crm: unavailable: .*\(plugins\/crm\.ts:11:\d+\) \(waiting, attempt 1 .*next attempt (?:in|now)/,
    );
    expect(crm.requests.length).to.be.at.least(2);
    await crm.close();
  });

  it('shows where a save is wrong, keeps the last valid version running, and takes the corrected one', async () => {
    await linkWithoutCompiler(place);
    const { shown } = dev('--send', 'call_ended');
    await shown(/"text": "Call \w+"/);
    await place.write('plugins/crm.ts', plugin({ outcome: '}{' }));
    const broken = await shown(/Not reloaded: the last valid version keeps running\. Save a corrected file\./);
    expect(broken).to.match(/switchhook\.yaml:3:11 {2}PLUGIN_BROKEN .*\(plugins\/crm\.ts:11:\d+\)/);
    expect(broken).to.match(/\nplugins\/crm\.ts:11:\d+\n *11 \| +return \}\{;\n *\| +\^/);
    await place.write('plugins/crm.ts', plugin({ body: 'content' }));
    await shown(/"content": "Call \w+"/);
    await place.write('switchhook.yaml', yaml('http://127.0.0.1:9').replace('to: crm', 'to: crn'));
    expect(await shown(/Not reloaded/)).to.match(/switchhook\.yaml:11:\d+ {2}UNKNOWN_REFERENCE/);
    await place.write('switchhook.yaml', yaml('http://127.0.0.1:9').replace('"Call', '"The call'));
    await shown(/"content": "The call \w+"/);
  });

  it('waits for a right configuration where the first one is wrong', async () => {
    await linkWithoutCompiler(place);
    await place.write('plugins/crm.ts', 'export default 1;');
    const { shown, stop, closed } = dev('--send', 'call_ended');
    await shown(/plugin as its default export.*[\s\S]*Nothing runs yet\. Save a corrected file\./);
    await place.write('plugins/crm.ts', plugin());
    await shown(/"text": "Call \w+"/);
    stop();
    expect(await closed).to.equal(0);
  });

  it('shows the answer to a call: the variables, and what gave each', async () => {
    await linkWithoutCompiler(place);
    const { shown } = dev('--send', 'call_inbound');
    expect(await shown(/tier\tgold\tfresh: tier\n/)).to.match(/call {2}from calls, answered with 200\n/);
    await place.write('plugins/crm.ts', plugin({ tier: "'silver'" }));
    await shown(/tier\tsilver\tfresh: tier\n/);
    await place.write('plugins/crm.ts', plugin({ tier: 'Object(null).a.b' }));
    await shown(/tier\tnone\tdefault.*\n[\s\S]*\n *17 \| .*Object\(null\)/);
  });

  it('checks types beside it, with the file, the line and the code of each error', async () => {
    await place.link();
    const { shown } = dev();
    await shown(/types: ok, after/);
    await place.write('plugins/crm.ts', plugin({ type: 'number' }));
    const wrong = await shown(/types: 1 error, after/);
    expect(wrong).to.match(
      /plugins\/crm\.ts:3:7 {2}TS2322 {2}Type 'string' is not assignable to type 'number'\.\n *3 \| const value: number = 'a text';\n *\| {7}\^/,
    );
    await place.write('plugins/crm.ts', plugin({ outcome: ';;)' }));
    const syntax = await shown(/types: \d+ errors?\b.*, after/);
    // The import fails at the same line, which is shown once.
    expect(syntax)
      .to.match(/PLUGIN_BROKEN .*\(plugins\/crm\.ts:11:\d+\)/)
      .and.to.match(/crm\.ts:11:\d+ {2}TS1/);
    expect(syntax.match(/\| +return ;;\);/g)).to.have.length(1);
    await place.write('plugins/crm.ts', plugin());
    await shown(/types: ok, after/);
  });

  it('keeps events in memory where the configuration does, and needs no SQLite then', async () => {
    await place.link();
    await place.write('plugins/crm.ts', plugin());
    const { store } = await loadConfig(place.path('switchhook.yaml')).then(async (config) => {
      const dryRun = await dryRunOf(config);
      await dryRun.end();
      return dryRun.of(config);
    });
    expect(store.component.type).to.equal('memory');
  });

  it('names the row of a plugin that does not return', async () => {
    await linkWithoutCompiler(place);
    await place.write('plugins/crm.ts', 'for (;;);');
    const { shown } = dev();
    await shown(/PLUGIN_BLOCKED: plugins\[0\] \.\/plugins\/crm\.ts \(switchhook\.yaml:3:11\): .*crm\.ts:1:\d+ has run/);
  });

  it('names a plugin that tsconfig.json does not include, in place of calling its types right', async () => {
    await place.link();
    await place.write('tsconfig.json', JSON.stringify({ compilerOptions: { types: [] }, files: ['other.ts'] }));
    await place.write('other.ts', 'export const value = 1;\n');
    const { shown } = dev();
    await shown(/types: not checked of plugins\/crm\.ts: add them to "include" in tsconfig\.json/);
  });

  it('sends an event that a running router has received, and otherwise what it has received itself', async () => {
    await linkWithoutCompiler(place);
    const file = await place.write('other.yaml', yaml('http://127.0.0.1:9', 'server: { host: 127.0.0.1, port: 0 }\n'));
    const router = await place.serve(file);
    const sent = await place.command([
      'send',
      'call_ended',
      '--set',
      'call.call_id=captured',
      '--config',
      file,
      '--url',
      router.url,
      '--json',
    ]);
    const captured = dev('--event', JSON.parse(sent.stdout).reply.id, '--url', router.url);
    await captured.shown(/"text": "Call captured"/);
    captured.stop();
    await captured.closed;
    const { shown } = dev();
    const [, url = ''] = /--url (\S+)/.exec(await shown(/Send an event: switchhook send <sample> --url \S+\n/)) ?? [];
    await place.command([
      'send',
      'call_ended',
      '--set',
      'call.call_id=received',
      '--config',
      'switchhook.yaml',
      '--url',
      url,
    ]);
    await shown(/"text": "Call received"/);
    await place.write('plugins/crm.ts', plugin({ body: 'content' }));
    await shown(/"content": "Call received"/);
  });

  it('ends with 2 where what it is asked for is not there', async () => {
    await linkWithoutCompiler(place);
    for (const [args, said] of [
      [['--send', 'call_endet'], 'call_endet is neither a file nor a sample; samples: '],
      [['--deliver', 'crn'], 'there is no destination "crn"; did you mean "crm"?'],
      [['--send', 'call_ended', '--event', '1'], '--send and --event exclude each other: pass one of them'],
      [['--port', '70000'], 'It must be a port, from 0 to 65535.'],
    ] as const) {
      const { code, stderr } = await place.command(['dev', '--config', 'switchhook.yaml', ...args]);
      expect({ code, stderr }).to.have.property('code', 2);
      expect(stderr).to.include(said);
    }
  });
});
