/** The documents of the repository: their blocks, links and headings. */
import { filesIn, type SourceFile } from './source.js';

/** A fenced block of a document. */
export interface Block {
  /** Path of the document. */
  readonly path: string;
  /** Line of its first line of code. */
  readonly line: number;
  /** First word after the fence. */
  readonly language: string;
  /** The words after that. */
  readonly marks: readonly string[];
  readonly code: string;
}

/** Everything a reader is shown. */
export function documents(): readonly SourceFile[] {
  return filesIn(['.'], /^(README|CONTRIBUTING|CHANGELOG)\.md$|^docs\/.*\.md$|^(core|plugins)\/[^/]+\/README\.md$/);
}

/** The blocks of a document in one of these languages. */
export function blocksOf({ path, text }: SourceFile, ...languages: readonly string[]): readonly Block[] {
  return [...text.matchAll(/^( *)```(\w+)([^\n]*)\n([\s\S]*?)^\1```/gm)]
    .map(({ index, 1: indent = '', 2: language = '', 3: marks = '', 4: code = '' }) => ({
      path,
      line: text.slice(0, index).split('\n').length + 1,
      language,
      marks: marks.split(' ').filter((mark) => mark !== ''),
      code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }))
    .filter(({ language }) => languages.includes(language));
}

/** The text outside of fenced blocks; lines keep their numbers. */
export function proseOf({ text }: SourceFile): string {
  return text.replace(/^( *)```[\s\S]*?^\1```/gm, (block) => block.replace(/[^\n]/g, ''));
}

/** Links to other places of the repository that lead nowhere: `path:line target`. */
export function deadLinks(files: readonly SourceFile[], exists: (path: string) => boolean): readonly string[] {
  const anchors = new Map(files.map((file) => [file.path, anchorsOf(file)]));
  return files.flatMap((file) => {
    const prose = proseOf(file);
    return [...prose.matchAll(/\]\((?!\w+:)([^)\s]+)\)/g)].flatMap(({ index, 1: target = '' }) => {
      const { pathname, hash } = new URL(target, `file:///${file.path}`);
      const path = decodeURIComponent(pathname).slice(1);
      const known = anchors.get(path);
      const leads = hash === '' ? exists(path) : known?.has(decodeURIComponent(hash).slice(1));
      return leads ? [] : [`${file.path}:${prose.slice(0, index).split('\n').length} ${target}`];
    });
  });
}

/** What can stand after `#`, as GitHub makes it of headings. */
export function anchorsOf(file: SourceFile): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of proseOf(file).matchAll(/^#{1,6} +(.*)$/gm)) {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    for (let count = 0, anchor = slug; ; count += 1, anchor = `${slug}-${count}`)
      if (!anchors.has(anchor)) {
        anchors.add(anchor);
        break;
      }
  }
  return anchors;
}
