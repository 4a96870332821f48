/** `npm run docs`: writes what is made from the schemas. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generated } from './reference/generated.js';
import { repository } from './source.js';

for (const [path, text] of await generated()) await writeFile(join(repository, path), text);
