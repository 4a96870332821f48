/** A resolver that does not open without its file. A plugin, for routers that are started while something is missing. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ComponentInfo, definePlugin, defineResolver, type JsonObject, z } from '@switchhook/sdk';

const shy = defineResolver({
  type: 'shy',
  description: 'Knows of everybody what stands in its file.',
  options: z.strictObject({ file: z.string().meta({ description: 'A JSON object.' }) }),
  inject: { info: ComponentInfo },
  create: ({ file }, { info: { directory } }) => {
    let facts: JsonObject = {};
    return {
      open: async () => {
        facts = JSON.parse(await readFile(resolve(directory, file), 'utf8'));
      },
      resolve: async () => facts,
    };
  },
});

export default definePlugin({ name: 'shy-resolver', components: [shy] });
