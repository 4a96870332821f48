/** The prompt of an agent, against what the answers give it: a placeholder nobody fills may be read out to a caller. */
import { suppliedBy } from './answer-check.js';
import type { AnswerRow } from './config.js';
import { nearest } from './nearest.js';

/** A `{{ placeholder }}` of a prompt. */
export interface Placeholder {
  readonly name: string;
  /** From 1. */
  readonly line: number;
}

/** How a prompt and an answer fit together. */
export interface PromptFit {
  readonly answer: string;
  /** Placeholders that nothing of the answer fills, each once. */
  readonly unfilled: readonly (Placeholder & { readonly suggestion: string | null })[];
  /** Variables of the answer that the prompt does not use. */
  readonly unused: readonly string[];
}

/** The placeholders of a prompt, each once. */
export function placeholdersIn(prompt: string): readonly Placeholder[] {
  const found = new Map<string, Placeholder>();
  for (const [index, text] of prompt.split('\n').entries())
    for (const [, name = ''] of text.matchAll(/\{\{\s*([^{}]*?)\s*\}\}/g))
      if (!found.has(name)) found.set(name, { name, line: index + 1 });
  return [...found.values()];
}

/** How a prompt fits an answer. */
export function promptFit(prompt: string, row: AnswerRow): PromptFit {
  const placeholders = placeholdersIn(prompt);
  const supplied = suppliedBy(row);
  return {
    answer: row.name,
    unfilled: placeholders
      .filter(({ name }) => !supplied.includes(name))
      .map((placeholder) => ({ ...placeholder, suggestion: nearest(placeholder.name, supplied) })),
    unused: supplied.filter((name) => !placeholders.some((placeholder) => placeholder.name === name)),
  };
}
