import { openLog } from '@switchhook/core/internal';
import { expect } from 'chai';

describe('a line of the log', () => {
  it('holds nothing of the source of translated code, but its file, line and column', () => {
    const source = encodeURIComponent(`const apiKey = "abc('def')";\nexport default apiKey;`);
    for (const file of ['?filePath=%2Fhome%2Fada%2Fcrm.ts%3Fnamespace%3D1', '']) {
      const script = `data:text/javascript,${source}${file}`;
      const error = new Error(`cannot find "./a.js" from "${script}"`);
      error.stack = `Error: no\n    at Object.resolve (${script}:2:1240)\n    at async ${script}:7:5\n    at run (node:x:1:2)`;
      const lines: string[] = [];
      const log = openLog({ level: 'info', secrets: [], to: { write: (line) => lines.push(line) } });
      log.error('call.failed', { error: new Error('failed', { cause: error }), code: script });
      const told = JSON.parse(lines.join(''));
      expect(told.code).to.equal(`data:…${file}`);
      expect(told.error.message).to.equal(`failed: cannot find "./a.js" from "data:…${file}"`);
      expect(told.error.stack).to.include(
        `\n    at Object.resolve (data:…${file}:2:1240)\n    at async data:…${file}:7:5\n    at run (node:x:1:2)`,
      );
    }
  });
});
