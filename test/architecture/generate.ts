/** `npm run docs`: writes what is made from the schemas; with `-- --screenshots` also the pictures of the dashboard. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generated } from './reference/generated.js';
import { repository } from './source.js';

for (const [path, text] of await generated()) await writeFile(join(repository, path), text);
if (process.argv.includes('--screenshots')) await (await import('./screenshots.js')).writeScreenshots();
