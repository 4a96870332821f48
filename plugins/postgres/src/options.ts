/** The options both components share. */
import { secret, z } from '@switchhook/sdk';

export const url = secret('`postgres://user:password@host:5432/database`; with `?sslmode=verify-full` for TLS.').refine(
  (text) => /^postgres(?:ql)?:\/\//.test(text) && URL.canParse(text),
  { error: 'expected a URL that starts with postgres://', params: { problem: 'INVALID_VALUE' } },
);

export const connections = z.int().min(1).max(100).meta({ description: 'Most connections to the database.' });
