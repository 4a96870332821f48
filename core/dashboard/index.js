/** Where the page is. */
import { fileURLToPath } from 'node:url';

/** Absolute path of the folder with `index.html` and its files. */
export const pageFolder = fileURLToPath(new URL('./dist', import.meta.url));
