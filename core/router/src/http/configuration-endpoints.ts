/** The endpoints about the configuration at work. */
import { ERRORS } from '@switchhook/sdk/internal';
import { answerList, componentList, configuration, errorList } from '../api/configuration-responses.js';
import { routeJson } from '../api/mapping.js';
import { componentQuery, nothing } from '../api/requests.js';
import { iso } from '../api/responses.js';
import { routeList } from '../api/route-responses.js';
import { type Endpoint, endpoint } from './endpoint.js';

const none = { query: nothing, body: nothing, refusals: [] } as const;

export const configurationEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/configuration',
    summary: 'The configuration that the router works with, without secrets, and whether its files have changed since.',
    ...{ ...none, reply: configuration },
    answer: async (_, { info, generation: { number, sinceMs, digest }, mask }) => {
      const { isFile, text } = info.configuration.shown();
      const warnings = info.configuration.warnings.map(({ message, hint, ...rest }) => {
        return { ...rest, message: mask(message), hint: mask(hint), excerpt: null };
      });
      return {
        ...{ file: info.file, generation: number, since: iso(sinceMs), digest },
        format: isFile ? ('file' as const) : ('program' as const),
        // Line by line: a secret may have several, and each stays where it is.
        text: text.split('\n').map(mask).join('\n'),
        warnings,
        files: info.configuration.files,
        changed: await info.configuration.changed(),
        restart: info.configuration.restart,
      };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/routes',
    summary: 'The routes, in the order of the file.',
    ...{ ...none, reply: routeList },
    answer: async (_, { info, mask }) => ({
      routes: info.routes.map((route, index) => ({
        ...routeJson(route),
        where: maskedOrNull(info.conditions[index] ?? null, mask),
      })),
    }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/answers',
    summary: 'The answers to calls, in the order of the file.',
    ...{ ...none, reply: answerList },
    answer: async (_, { info, mask }) => ({
      answers: info.answers.map(({ variables, defaults, where, overrideAgent, ...rest }) => ({
        ...rest,
        ...{ where: maskedOrNull(where, mask), overrideAgent: maskedOrNull(overrideAgent, mask) },
        ...{ variables: maskedValues(variables, mask), defaults: maskedValues(defaults, mask) },
      })),
    }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/components',
    summary:
      'The components that are configured; with `installed`, also the types that are installed, with their options.',
    ...{ ...none, query: componentQuery, reply: componentList },
    answer: async ({ query }, { info }) => ({
      components: info.components,
      ...(query.installed === true && { installed: await info.installed() }),
    }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/errors',
    summary: 'What each error code means, and what to do.',
    ...{ ...none, reply: errorList },
    answer: async () => ({
      errors: Object.entries(ERRORS).map(([code, { status = null, sentence, hint }]) => {
        return { code, status, meaning: sentence, advice: hint, page: `docs/errors.md#${code.toLowerCase()}` };
      }),
    }),
  }),
];

type Mask = (text: string) => string;

function maskedOrNull(text: string | null, mask: Mask): string | null {
  return text === null ? null : mask(text);
}

function maskedValues(values: Readonly<Record<string, string>>, mask: Mask): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, text]) => [name, mask(text)]));
}
