/** What the whole run shares, and gives back at its end, failed or not. */
import { stopPostgres } from './postgres.js';

export const mochaHooks = {
  afterAll: stopPostgres,
};
