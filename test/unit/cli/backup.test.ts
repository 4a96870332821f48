import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  contentOf,
  headerOf,
  lineOfEvent,
  linesOf,
  openBackup,
  type RestorableStore,
  restoreInto,
  writeWhole,
} from '@switchhook/cli/internal';
import type { Page, Snapshot, StoredEvent, StoredText } from '@switchhook/sdk';
import { expect } from 'chai';
import fc from 'fast-check';

const receivedAtMs = Date.UTC(2026, 0, 31);

function anEvent(n: number, body: Uint8Array = Buffer.from(`{"n":${n}}`)): StoredEvent {
  const id = `01890a5d-ac96-774b-bcce-${n.toString(16).padStart(12, '0')}`;
  const event = {
    ...{ id, key: `key-${n}`, source: 'agents', type: 'conversation_ended', subject: `conv_${n}`, agent: null },
    ...{ party: '+12345678912', occurredAtMs: receivedAtMs - 5, receivedAtMs: receivedAtMs + n, body, trace: null },
  };
  const place = { route: 'calls', destination: 'crm', transforms: ['short'], eventId: id, type: event.type };
  const failed = { number: 1, startedAtMs: receivedAtMs, durationMs: 1.25, outcome: 'unavailable' } as const;
  return {
    event,
    deliveries: [
      {
        record: {
          ...{ ...place, id: `${id}.0`, subject: event.subject, state: 'waiting', reason: null, attempts: 1 },
          ...{ dueMs: receivedAtMs + 60_000, createdAtMs: receivedAtMs, settledAtMs: null, failure: 'status 503' },
        },
        attempts: [{ ...failed, reason: 'status 503', response: 'busy\n' }],
      },
      {
        record: {
          ...{ ...place, id: `${id}.1`, subject: event.subject, state: 'delivered', reason: null, attempts: 0 },
          ...{ dueMs: null, createdAtMs: receivedAtMs, settledAtMs: receivedAtMs + 1, failure: null },
          gathered: { by: `${id}.1`, events: 1, ends: true },
        },
        attempts: [],
      },
    ],
  };
}

function snapshotOf(events: readonly StoredEvent[], texts: readonly StoredText[] = []): Snapshot {
  const pageOf = <T>(all: readonly T[], after: string | null, limit: number): Page<T> => {
    const from = Number(after ?? 0);
    return { items: all.slice(from, from + limit), cursor: from + limit < all.length ? String(from + limit) : null };
  };
  const deliveries = events.flatMap((one) => one.deliveries);
  const attempts = deliveries.reduce((sum, one) => sum + one.attempts.length, 0);
  return {
    counts: { events: events.length, deliveries: deliveries.length, attempts, texts: texts.length, keys: 0 },
    oldestMs: events.at(0)?.event.receivedAtMs ?? null,
    newestMs: events.at(-1)?.event.receivedAtMs ?? null,
    events: async (after, limit) => pageOf(events, after, limit),
    texts: async (after, limit) => pageOf(texts, after, limit),
    keys: async () => ({ items: [], cursor: null }),
    close: async () => {},
  };
}

const origin = { router: '1.2.3', store: 'sqlite', takenAtMs: receivedAtMs + 1_000_000 };

async function textOf(snapshot: Snapshot): Promise<string> {
  const pieces: string[] = [];
  for await (const piece of linesOf(snapshot, headerOf(snapshot, origin), () => {})) pieces.push(piece);
  return pieces.join('');
}

/** Whether a changed byte leaves the content as it was. */
function inflatesTheSame(changed: Buffer, file: Buffer): boolean {
  try {
    return gunzipSync(changed).equals(gunzipSync(file));
  } catch {
    return false;
  }
}

async function read(path: string) {
  const { header, contents, sha256 } = await openBackup(path);
  const all: unknown[] = [];
  for await (const content of contents) all.push(content);
  return { header, all, sha256: sha256() };
}

async function failure(run: Promise<unknown>): Promise<string> {
  return run.then(
    () => 'it did not fail',
    (error: Error) => error.message,
  );
}

describe('a backup', () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'switchhook-backup-'));
    path = join(directory, 'switchhook.backup');
  });
  afterEach(() => rm(directory, { recursive: true }));

  const texts = [
    { key: 'plugin:crm:token', value: '{"a":"grüß\u2028 😀\\n"}', expiresAtMs: receivedAtMs + 5 },
    { key: '', value: '', expiresAtMs: null },
  ];
  const whole = () =>
    textOf(
      snapshotOf(
        Array.from({ length: 1_203 }, (_, n) => anEvent(n)),
        texts,
      ),
    );

  it('has all that it was made from, with the same counts and in the same order', async () => {
    await writeFile(path, gzipSync(await whole()));
    const { header, all, sha256 } = await read(path);
    expect(header).to.deep.equal({
      ...{ switchhook: 'backup', format: 1, router: '1.2.3', store: 'sqlite', takenAt: '2026-01-31T00:16:40.000Z' },
      ...{ oldestAt: '2026-01-31T00:00:00.000Z', newestAt: '2026-01-31T00:00:01.202Z' },
      counts: { events: 1_203, deliveries: 2_406, attempts: 1_203, texts: 2, keys: 0 },
    });
    expect(all).to.deep.equal([
      ...texts.map((text) => ({ kind: 'text', text })),
      ...Array.from({ length: 1_203 }, (_, n) => ({ kind: 'event', event: anEvent(n) })),
    ]);
    expect(sha256).to.match(/^[0-9a-f]{64}$/);
  });

  it('keeps bodies and texts byte for byte, whatever they hold', () => {
    const unit = fc.string({ unit: 'binary', maxLength: 40 });
    const bodies = fc.oneof(
      fc.uint8Array(),
      unit.map((text) => new Uint8Array(Buffer.from(text))),
    );
    fc.assert(
      fc.property(bodies, unit, (body, subject) => {
        const stored = anEvent(1, Buffer.from(body));
        const kept = { ...stored, event: { ...stored.event, subject } };
        const content = contentOf(lineOfEvent(kept));
        const event = content.kind === 'event' ? content.event.event : null;
        expect([Buffer.from(event?.body ?? []), event?.subject]).to.deep.equal([Buffer.from(body), subject]);
      }),
    );
  });

  it('is not ended where the store returns less than it counts', async () => {
    const snapshot = snapshotOf([anEvent(1), anEvent(2)]);
    const less = { ...snapshot, counts: { ...snapshot.counts, events: 3 } };
    expect(await failure(textOf(less))).to.equal(
      'the store counts 3 events and returned 2: it is damaged, or its plugin is wrong',
    );
  });

  it('is found damaged or truncated wherever a bit is flipped or its end is missing', async () => {
    const file = gzipSync(
      await textOf(
        snapshotOf(
          [1, 2, 3].map((n) => anEvent(n)),
          texts,
        ),
      ),
    );
    await writeFile(path, file);
    const expected = await read(path);
    const known = /is damaged: |is truncated: |is no backup of Switchhook|is empty/;
    for (let at = 0; at < file.length; at += 1) {
      const changed = Buffer.from(file);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      await writeFile(path, changed);
      // Bytes 4 to 9 of gzip are the time and the system, and the last bits before its checksum may be unused: what is read is the same.
      const isUnused = at === file.length - 9 && inflatesTheSame(changed, file);
      if ((at >= 4 && at <= 9) || isUnused) expect((await read(path)).all, `byte ${at}`).to.deep.equal(expected.all);
      else expect(await failure(read(path)), `byte ${at}`).to.match(known);
      if (at % 7 > 0) continue;
      await writeFile(path, file.subarray(0, at));
      expect(await failure(read(path)), `${at} bytes`).to.match(known);
    }
  });

  it('is refused where its lines were changed, removed or added, although they can be read', async () => {
    const text = await whole();
    const lines = text.trimEnd().split('\n');
    const written = async (changed: readonly string[]) => {
      await writeFile(path, gzipSync(`${changed.join('\n')}\n`));
      return failure(read(path));
    };
    const other = text.replaceAll('conv_7"', 'conv_8"').trimEnd().split('\n');
    expect(await written(other)).to.equal(
      `${path} is damaged: its content does not have the SHA-256 that its last line has. Use another backup, or copy the file again`,
    );
    expect(await written(lines.toSpliced(9, 1))).to.match(/is damaged: its content does not have the SHA-256/);
    expect(await written(lines.slice(0, -1))).to.match(/is truncated: its end is missing/);
    expect(await written([...lines, lines[5] ?? ''])).to.match(/is damaged: something follows its last line/);
    expect(await written(lines.with(4, '{"event":{}}'))).to.match(/is damaged: a line of it cannot be read/);
  });

  it('names what a file is that is none, or that is of a newer version', async () => {
    const refused = async (content: string | Buffer) => {
      await writeFile(path, content);
      return (await failure(read(path))).replace(path, 'FILE');
    };
    expect(await refused('')).to.equal('FILE is empty');
    expect(await refused('SQLite format 3')).to.equal('FILE is no backup of Switchhook');
    expect(await refused(gzipSync('version: 1\n'))).to.equal('FILE is no backup of Switchhook');
    expect(await refused(gzipSync(Buffer.alloc(300_000, 'x')))).to.equal('FILE is no backup of Switchhook');
    expect(await refused(gzipSync('{"switchhook":"backup","format":2,"router":"9.0.0","more":{}}\n'))).to.equal(
      'FILE has format 2, written by Switchhook 9.0.0; this version reads formats up to 1: install that version or a newer one',
    );
    expect(await failure(read(join(directory, 'other')))).to.equal(`there is no file ${join(directory, 'other')}`);
    expect(await failure(read(directory))).to.equal(`${directory} is a directory`);
  });
});

describe('a file that is written as a whole', () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'switchhook-whole-'));
    path = join(directory, 'file');
  });
  afterEach(() => rm(directory, { recursive: true }));
  const content = (text: string) => (stream: NodeJS.WritableStream) => pipeline(Readable.from([text]), stream);

  it('gets its name at the end, and belongs to its owner only', async () => {
    await writeWhole(path, {}, async (stream) => {
      expect(await readdir(directory)).to.deep.equal([`file.${process.pid}.tmp`]);
      await content('one')(stream);
      expect(await readdir(directory)).to.deep.equal([`file.${process.pid}.tmp`]);
    });
    expect([await readdir(directory), await readFile(path, 'utf8')]).to.deep.equal([['file'], 'one']);
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
  });

  it('replaces a file only with force, never a directory or a device', async () => {
    await writeWhole(path, {}, content('one'));
    expect(await failure(writeWhole(path, {}, content('two')))).to.equal(
      `${path} exists: pass --force to replace it, or name another file`,
    );
    await writeWhole(path, { force: true }, content('three'));
    expect(await readFile(path, 'utf8')).to.equal('three');
    expect(await failure(writeWhole(directory, { force: true }, content('four')))).to.match(/is a directory/);
    expect(await failure(writeWhole('/dev/null', { force: true }, content('five')))).to.match(/is not a regular file/);
    const elsewhere = join(directory, 'none', 'file');
    expect(await failure(writeWhole(elsewhere, {}, content('six')))).to.equal(
      `${elsewhere} was not written: the directory does not exist (ENOENT)`,
    );
  });

  it('leaves what was there, and nothing else, where writing fails', async () => {
    await writeWhole(path, {}, content('one'));
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    });
    const fail = async (stream: NodeJS.WritableStream): Promise<void> => {
      stream.write('half of it');
      throw full;
    };
    expect(await failure(writeWhole(path, { force: true }, fail))).to.equal(
      `${path} was not written: the disk is full: free some space, or write to another disk (ENOSPC)`,
    );
    expect([await readdir(directory), await readFile(path, 'utf8')]).to.deep.equal([['file'], 'one']);
  });

  it('does not replace a file that another process has written meanwhile', async () => {
    const late = async (stream: NodeJS.WritableStream): Promise<void> => {
      await content('two')(stream);
      await writeFile(path, 'of the other one');
    };
    expect(await failure(writeWhole(path, {}, late))).to.match(/ exists: /);
    expect([await readdir(directory), await readFile(path, 'utf8')]).to.deep.equal([['file'], 'of the other one']);
  });

  it('removes what a killed process has left, and not what another one writes', async () => {
    const left = join(directory, 'file.4194305.tmp');
    const written = join(directory, `file.${process.ppid}.tmp`);
    for (const one of [left, written]) await writeFile(one, 'half');
    await writeWhole(path, {}, content('one'));
    expect((await readdir(directory)).sort()).to.deep.equal(['file', `file.${process.ppid}.tmp`].sort());
  });
});

describe('a backup that is restored', () => {
  /** A store that takes everything. `sets`: whether it accepts changes of texts. */
  const storeThat = (sets: boolean) =>
    ({ restore: async () => {}, state: async () => null, setState: async () => sets }) as unknown as RestorableStore;
  const restored = async (
    store: RestorableStore,
    {
      verified,
      events = [anEvent(1), anEvent(2)],
      erased = [anEvent(2).event.id],
    }: {
      readonly verified?: string;
      readonly events?: readonly StoredEvent[];
      readonly erased?: readonly string[];
    } = {},
  ): Promise<unknown> => {
    const directory = await mkdtemp(join(tmpdir(), 'switchhook-'));
    const path = join(directory, 'one.backup');
    try {
      await writeFile(path, gzipSync(await textOf(snapshotOf(events))));
      const backup = await openBackup(path);
      for await (const _ of backup.contents);
      const plan = { path, sha256: verified ?? backup.sha256(), takenAt: '2026-01-31', destinations: ['crm'] };
      const parts = { erased: new Set(erased), paused: false, nowMs: 0, onProgress: () => {} };
      return await restoreInto(store, { ...plan, ...parts }).catch(({ message }: Error) =>
        message.replace(directory, ''),
      );
    } finally {
      await rm(directory, { recursive: true });
    }
  };

  it('skips, with a reason, what an erased event had gathered and not delivered', async () => {
    const [first, sent, other] = [anEvent(1), anEvent(2), anEvent(3)];
    const gatheredBy = ({ event }: StoredEvent, index: number, of: StoredEvent): StoredEvent => {
      const gathered = { by: `${event.id}.${index}`, events: 2, ends: false };
      const ended = { state: 'gathered', dueMs: null, settledAtMs: receivedAtMs, attempts: 0, failure: null } as const;
      const [one] = of.deliveries;
      if (one === undefined) throw new Error('an event without deliveries');
      return { event: of.event, deliveries: [{ record: { ...one.record, ...ended, gathered }, attempts: [] }] };
    };
    const all = [
      ...[first, sent, other],
      ...[gatheredBy(first, 0, anEvent(4)), gatheredBy(sent, 1, anEvent(5)), gatheredBy(other, 0, anEvent(6))],
    ];
    const kept: StoredEvent[] = [];
    const store = {
      ...storeThat(true),
      restore: async (events: readonly StoredEvent[]) => void kept.push(...events),
    };
    const result = await restored(store, { events: all, erased: [first.event.id, sent.event.id] });
    // The first delivery of each event of this file is open.
    expect(result).to.deep.include({ leftBehind: 1, cancelled: 2 });
    const reason = 'the event with which it was to be delivered was erased: a replay delivers it alone';
    const found = kept
      .slice(3)
      .map(({ deliveries: [one] }) => [
        ...[one?.record.state, one?.record.failure, one?.record.gathered?.by],
        ...(one?.attempts ?? []).map((attempt) => [attempt.outcome, attempt.reason]),
      ]);
    expect(found).to.deep.equal([
      ['skipped', reason, undefined, ['skipped', reason]],
      ['gathered', null, `${sent.event.id}.1`],
      ['gathered', null, `${other.event.id}.0`],
    ]);
  });

  it('counts what the store passes over because it was erased', async () => {
    const { ended, passedOver } = (await restored(storeThat(true))) as Awaited<ReturnType<typeof restoreInto>>;
    expect([ended, passedOver]).to.deep.equal([0, { events: 1, deliveries: 2, attempts: 1, texts: 0, keys: 0 }]);
  });

  it('is not complete where another file has taken its place since it was verified', async () => {
    expect(await restored(storeThat(true), { verified: 'f00d' })).to.equal(
      '/one.backup was replaced by another file while it was restored: restore again, with --force',
    );
  });

  it('is not complete where another process has changed the pauses: they would stay', async () => {
    expect(await restored(storeThat(false))).to.match(/^Another process changed the store while it was restored\./);
  });
});
