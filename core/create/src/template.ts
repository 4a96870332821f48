/** Writes the files of a template into a directory, all of them or none. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Nothing was written; the message states why. */
export class TemplateRefusal extends Error {
  override readonly name = 'TemplateRefusal';
}

const templates = fileURLToPath(new URL('../template', import.meta.url));

/** Files of a template by their paths in the directory, with `{{name}}` replaced by the value of that name. */
export async function filesOf(
  template: string,
  values: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, string>> {
  const folder = join(templates, template);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(
      paths.sort().map(async (path) => {
        const text = await readFile(path, 'utf8');
        return [targetOf(relative(folder, path)), filled(text, values)] as const;
      }),
    ),
  );
}

/** Writes files below a directory. If one of them exists, none is written. */
export async function writeFiles(directory: string, files: ReadonlyMap<string, string>): Promise<void> {
  const existing = [...files.keys()].filter((path) => existsSync(join(directory, path)));
  if (existing.length > 0)
    throw new TemplateRefusal(
      `nothing was written: ${directory} already has ${existing.join(', ')}. Choose an empty directory.`,
    );
  for (const [path, text] of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    // Another process may have made it meanwhile.
    await writeFile(join(directory, path), text, { flag: 'wx' });
  }
}

/** A name that begins with a dot would be changed or left out by `npm pack`; `.txt` is what is no code before it is filled. */
function targetOf(path: string): string {
  return path
    .split(sep)
    .map((name) => name.replace(/^_/, '.').replace(/\.txt$/, ''))
    .join('/');
}

/** `${{ … }}` is an expression of a configuration, and stays. */
function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/(?<!\$)\{\{(\w+)\}\}/g, (written, name: string) => values[name] ?? written);
}
