// The SQLite store, which logs when it has released its file, and its first commit of an event.

import { definePlugin, defineStore, Log } from '@switchhook/sdk';
import sqlite from '../../plugins/sqlite/dist/index.js';

const [plain] = sqlite.components;

export default definePlugin({
  name: 'timed',
  components: [
    defineStore({
      ...plain,
      type: 'timed',
      inject: { ...plain.inject, log: Log },
      create: (options, services) => {
        const store = plain.create(options, services);
        const { append, close } = store;
        let isFirst = true;
        store.append = async (entries) => {
          const appended = await append.call(store, entries);
          if (isFirst && entries.length > 0) services.log.info('bench.committed');
          isFirst &&= entries.length === 0;
          return appended;
        };
        store.close = async () => {
          await close.call(store);
          services.log.info('bench.released');
        };
        return store;
      },
    }),
  ],
});
