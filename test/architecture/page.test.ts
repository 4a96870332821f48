import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pageFolder } from '@switchhook/dashboard';
import { expect } from 'chai';
import { mostPictureBytes, pictures, picturesFolder } from './pictures.js';
import { repository } from './source.js';

const mostBytes = 90 * 1_024;
const files = readdirSync(pageFolder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));
const html = readFileSync(join(pageFolder, 'index.html'), 'utf8');

describe('The page that is published', () => {
  it(`takes at most ${mostBytes / 1_024} kB as it is sent`, () => {
    const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0);
    expect(bytes).to.be.within(1_024, mostBytes);
  });

  it('is whole, and links to its own files only, relatively', () => {
    const links = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, link = '']) => link);
    expect(links).to.have.length(3);
    for (const link of links) expect(files).to.include(join(pageFolder, link.replace(/^\.\//, '')));
  });

  it('has no inline script or style, which its policy refuses', () => {
    expect(html).not.to.match(/<script(?![^>]*\bsrc=)|<style|\bon\w+=|style=/i);
  });

  it('requests nothing from other hosts', () => {
    const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
    const named = [...text.matchAll(/https?:\/\/[\w.:-]+/g)].map(([address]) => address);
    // Names of formats, and an address of this machine in a sentence.
    expect(new Set(named)).to.deep.equal(new Set(['http://www.w3.org', 'http://127.0.0.1:8080']));
  });
});

describe('The pictures of the page', () => {
  const folder = join(repository, picturesFolder);
  const document = readFileSync(join(repository, 'docs/dashboard.md'), 'utf8');

  it(`are one for each view, shown in its documentation, and of at most ${mostPictureBytes / 1_000} kB each`, () => {
    expect(readdirSync(folder).sort()).to.deep.equal(pictures.map((name) => `${name}.png`).sort());
    for (const name of pictures) {
      expect(readFileSync(join(folder, `${name}.png`)).length, name).to.be.within(1_000, mostPictureBytes);
      expect(document, name).to.include(`](images/${name}.png)`);
    }
  });
});
