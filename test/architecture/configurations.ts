/** Configurations in documents and files, checked as the router does. */
import { dirname, join } from 'node:path';
import type { Problem } from '@switchhook/core';
import { checkConfig, documentFrom, openCatalog } from '@switchhook/core/internal';
import type { Block } from './documents.js';
import { repository } from './source.js';

/** The variables that documents and examples may use without a default. */
export const environment: Readonly<Record<string, string>> = {
  SIGMAMIND_SECRET: 'a-secret-of-the-documents',
  INBOUND_TOKEN: 'a-token-of-the-documents',
  SWITCHHOOK_ADMIN_TOKEN: 'an-admin-token-of-the-documents',
  SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/T0000/B0000/of-the-documents',
  DATABASE_URL: 'postgres://switchhook:of-the-documents@127.0.0.1:5432/switchhook',
  CRM_URL: 'https://crm.example.com/hooks/calls',
  CRM_TOKEN: 'a-crm-token-of-the-documents',
  CRM_SIGNING_SECRET: 'whsec_b2YtdGhlLWRvY3VtZW50cw==',
};

/** What is wrong with a configuration that stands in a file of the repository, or would: `path:line code: message`. */
export async function problemsOf(
  { path, line, marks, code }: Omit<Block, 'language'>,
  variables: Readonly<Record<string, string>> = environment,
): Promise<readonly string[]> {
  const file = join(repository, dirname(path), 'switchhook.yaml');
  const checked = await checkConfig(documentFrom(code, file, variables), openCatalog(dirname(file)));
  const problems = checked.kind === 'problems' ? checked.problems : [];
  return problems
    .filter((problem) => !isMachine(problem) && !(marks.includes('fragment') && isLeftOut(problem)))
    .map(
      (problem) =>
        `${path}:${line + Math.max(0, problem.line - 1)} ${problem.code}: ${problem.path} ${problem.message}`,
    );
}

/** What depends on the machine, not on the document: the files of secrets. */
function isMachine({ code }: Problem): boolean {
  return code === 'FILE_MISSING';
}

/** A fragment may leave out what it refers to, and what refers to it; plugins of others are not installed here. */
function isLeftOut({ code, path, message }: Problem): boolean {
  if (code === 'MISSING_KEY') return ['version', 'sources', 'routes'].includes(path);
  if (code === 'PLUGIN_NOT_INSTALLED') return !message.includes('@switchhook/');
  return code === 'UNUSED' || code === 'UNKNOWN_REFERENCE';
}
