/** The steps of a Dockerfile in plain folders: what they copy and run, and how their result is started. No container engine is needed. */
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, posix } from 'node:path';

/** One line, without its keyword's case and with its options apart. */
interface Instruction {
  readonly keyword: string;
  /** Of `--from=packages`: `{ from: 'packages' }`. */
  readonly options: Readonly<Record<string, string>>;
  readonly rest: string;
}

/** The last stage, as a folder. */
export interface Image {
  /** What is `/` in the image. */
  readonly root: string;
  /** Of the process; paths of the image are below `root`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute path, in the folder. */
  readonly directory: string;
  readonly command: readonly string[];
  readonly healthCheck: readonly string[];
  readonly user: string;
  readonly ports: readonly number[];
  remove(): Promise<void>;
}

/** What a build needs from outside. */
export interface Surroundings {
  /** Folder whose files `COPY` copies. */
  readonly context: string;
  /** What the base images have, by its path in the image: a file of this machine. */
  readonly base: Readonly<Record<string, string>>;
  /** Runs a command of `RUN` in a folder. */
  run(command: string, directory: string): Promise<void>;
}

/** The instructions of a Dockerfile. */
export function instructionsOf(text: string): readonly Instruction[] {
  return text
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .map((line) => {
      const [, keyword = '', given = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
      const [, written = '', rest = ''] = /^((?:--\S+\s+)*)(.*)$/.exec(given) ?? [];
      const pairs = [...written.matchAll(/--([\w-]+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]);
      return { keyword: keyword.toUpperCase(), options: Object.fromEntries(pairs), rest };
    });
}

async function linked(file: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(file, path);
}

/** Builds the last stage. Throws where a file is missing, a command fails, or the Dockerfile uses what this does not know. */
export async function build(dockerfile: string, { context, base, run }: Surroundings): Promise<Image> {
  const roots = new Map<string, string>();
  let stage = { root: '', directory: '/' };
  const found = { environment: {}, command: [], healthCheck: [], user: 'root', ports: [] } as {
    -readonly [K in 'environment' | 'command' | 'healthCheck' | 'user' | 'ports']: Image[K];
  };
  for (const { keyword, options, rest } of instructionsOf(await readFile(dockerfile, 'utf8'))) {
    const inStage = (path: string): string => join(stage.root, posix.resolve(stage.directory, path));
    if (keyword === 'FROM') {
      const [, , name = `stage ${roots.size}`] = /^(\S+)(?: AS (\S+))?$/.exec(rest) ?? [];
      stage = { root: await mkdtemp(join(tmpdir(), 'switchhook-image-')), directory: '/' };
      roots.set(name, stage.root);
      if (roots.size === 1) for (const [path, file] of Object.entries(base)) await linked(file, join(stage.root, path));
    } else if (keyword === 'WORKDIR') {
      stage = { ...stage, directory: rest };
      await mkdir(inStage('.'), { recursive: true });
    } else if (keyword === 'RUN') await run(rest, inStage('.'));
    else if (keyword === 'COPY') {
      const paths = rest.split(/\s+/);
      const target = paths.at(-1) ?? '';
      const from = options.from === undefined ? context : roots.get(options.from);
      if (from === undefined) throw new Error(`COPY names no stage: ${options.from}`);
      for (const path of paths.slice(0, -1))
        await cp(join(from, path), target.endsWith('/') ? join(inStage(target), basename(path)) : inStage(target), {
          recursive: true,
          verbatimSymlinks: true,
        });
    } else if (keyword === 'ENV')
      found.environment = Object.fromEntries(rest.split(/\s+/).map((pair) => pair.split('=', 2)));
    else if (keyword === 'USER') found.user = rest;
    else if (keyword === 'EXPOSE') found.ports = rest.split(/\s+/).map(Number);
    else if (keyword === 'CMD') found.command = JSON.parse(rest);
    else if (keyword === 'HEALTHCHECK') found.healthCheck = JSON.parse(rest.replace(/^CMD\s+/, ''));
    else if (keyword !== 'VOLUME') throw new Error(`${keyword} is no instruction that is known here`);
  }
  const located = Object.entries(found.environment).map(([name, value]) => [
    name,
    value.startsWith('/') ? join(stage.root, value) : value,
  ]);
  return {
    ...found,
    environment: Object.fromEntries(located),
    root: stage.root,
    directory: join(stage.root, stage.directory),
    remove: async () => {
      for (const root of roots.values()) await rm(root, { recursive: true, force: true });
    },
  };
}
