/** Kinds of lines that have one room each. */
import { only, type Part, type SourceFile } from '../source.js';
import { place, type Rule } from './rule.js';

interface Line {
  readonly what: string;
  readonly pattern: RegExp;
  /** Where it may stand; nowhere where this is left out. */
  readonly home?: RegExp;
  /** What makes a file another matter. */
  readonly unless?: RegExp;
  /** Which parts of a file are looked at. Default: code. */
  readonly among?: readonly Part['kind'][];
  /** Lines that are it. */
  readonly examples: readonly string[];
}

const lines: readonly Line[] = [
  {
    what: 'time is read and waited for',
    pattern: /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bhrtime\b|\bset(Timeout|Interval)\b/,
    home: /^core\/(router\/src\/system|dashboard\/src\/model)\/clock\.ts$/,
    examples: ['const now = Date.now();', 'const date = new Date();', 'setTimeout(stop, 10);'],
  },
  {
    what: 'the environment is read',
    pattern: /\bprocess\.env\b/,
    home: /^core\/(router\/src\/config\/load|cli\/src\/commands\/start)\.ts$/,
    examples: ['const { HOME } = process.env;'],
  },
  {
    what: 'the process is ended or listened to, and the console written to',
    pattern: /\bprocess\.(exit|exitCode|abort|kill|on|once)\b|\bconsole\./,
    // A command whose main thread is blocked is ended by the thread beside it; the log writes its last lines when the process ends.
    home: /^core\/(cli\/src\/|create\/src\/main\.ts$|router\/src\/system\/(watchdog-worker|log)\.ts$)/,
    examples: ['process.exit(1);', "process.on('SIGTERM', stop);", "console.log('hello');"],
  },
  {
    what: "Koa's context is used",
    // zod calls what a refinement is given `ctx`, too.
    pattern: /\bctx\.(?!addIssue\b)/,
    home: /^core\/router\/src\/http\//,
    examples: ['ctx.body = {};'],
  },
  {
    what: 'a status is chosen or told apart',
    pattern: /\bstatus(Code)?\b\s*(?:[=!]==|[<>]=?|[:=])\s*(?!200\b)[1-5]\d\d\b/i,
    // Commands and the outcome table read what others said; the pipeline says 200, the only status that is no error.
    home: /^core\/(sdk\/src\/(errors\/codes|http\/outcome)\.ts|router\/src\/http\/|cli\/src\/|simulator\/src\/crash\/)|^plugins\//,
    examples: ['if (response.status === 404) return null;', 'return { status: 503 };'],
  },
  {
    what: 'signatures are made and compared',
    pattern: /\bcreateHmac\b|\btimingSafeEqual\b/,
    home: /^core\/sdk\/src\/http\/signature\.ts$/,
    examples: ["const digest = createHmac('sha256', secret);"],
  },
  {
    what: 'a secret is compared in a time that depends on it: requireToken, requireTokenInPath and sameText do not',
    pattern:
      /\b\w*(token|secret|signature|digest|password)s?\b(\[\w+\])?\s*[!=]== (?!undefined|null|true|typeof)\w|[!=]== (\w+\.)*\w*(token|secret|signature|digest|password)s?\b|\b(tokens|secrets|passwords)\.(includes|indexOf)\(/i,
    // These compare what is no secret of a sender: `token` and `secret` are names of services and marks of options there.
    home: /^core\/(cli|router)\//,
    examples: [
      'if (request.query.token !== token) throw refusal;',
      'return tokens.includes(given);',
      'const isOwn = given === options.secret;',
      'if (digests[0] === expected) return;',
    ],
  },
  {
    what: 'chance is asked',
    pattern: /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\brandomInt\b|\bgetRandomValues\b/,
    home: /^core\/router\/src\/system\/(ids|random)\.ts$/,
    examples: ['const id = randomUUID();', 'const wait = Math.random() * 10;'],
  },
  {
    what: 'the network is reached without HttpClient',
    pattern: /(?<![.\w])fetch\(|\bhttps?\.(request|get)\(/,
    home: /^core\/(router\/src\/system\/http-client|dashboard\/src\/model\/api)\.ts$/,
    // A `fetch` of its own: it has been handed one.
    unless: /[{[,]\s*fetch\s*[,}\]][^;]*(=|=>|:)/,
    examples: ["await fetch('https://example.com');", "https.get('https://example.com');"],
  },
  {
    what: 'SQL is written',
    pattern:
      /['"`]\s*(select\s|insert into\s|update \S+ set\s|delete from\s|create (unique )?(table|index)\s|alter table\s|with \w+ as|begin\b|commit\b|rollback\b|pragma\s)/i,
    home: /^plugins\/(sqlite|postgres)\/src\/(store\/)?sql[\w-]*\.ts$/,
    among: ['code', 'string'],
    examples: ["const query = 'select * from events';", 'const query = `\n  DELETE FROM events`;'],
  },
  {
    what: 'a type is silenced',
    pattern: /\bas any\b|(?<!\? .*):\s*any\b|<any\b|\bany\[\]|[\w)\]]!(?=[.;,)\]([]|\s*$)/m,
    examples: ['const value = found as any;', 'function read(value: any) {}', 'return found!.name;', 'return found!;'],
  },
  {
    what: 'a check is silenced, or left for later',
    pattern: /@ts-(ignore|expect-error|nocheck)|biome-ignore|eslint-disable|\b(TODO|FIXME|XXX|HACK)\b/,
    among: ['comment', 'string'],
    examples: ['// TODO: later', '// @ts-expect-error the library is wrong'],
  },
  {
    what: 'an error disappears without a reason',
    pattern: /\bcatch\s*(\(\w+\)\s*)?\{\s*\}|\.catch\(\(\)\s*=>\s*\{\s*\}\)/,
    among: ['code', 'comment'],
    examples: ['try { stop(); } catch {}', 'await stop().catch(() => {});'],
  },
];

const stray = (example: string): SourceFile => ({ path: 'core/sdk/src/contract/stray.ts', text: `${example}\n` });

export const lineRules: readonly Rule[] = lines.map(({ what, pattern, home, unless, among = ['code'], examples }) => ({
  claim: home === undefined ? `nowhere ${what}` : `only in its module ${what}`,
  strays: (files) =>
    files
      .filter(({ path, text }) => home?.test(path) !== true && unless?.test(text) !== true)
      .flatMap((file) =>
        [...only(among, file.text).matchAll(new RegExp(pattern, `${pattern.flags}g`))].map((found) =>
          place(file, found.index, found[0]),
        ),
      ),
  planted: examples.map(stray),
}));
