/** What a comparison counts: events with examples, and expressions that fail. */
import type { EventRecord } from '@switchhook/sdk';
import type { Mask } from '../system/mask.js';

/** An event that shows a difference. */
export interface Example {
  /** Id of the event. */
  readonly event: string;
  readonly type: string;
  /** Id of the conversation or call; null where there is none. */
  readonly subject: string | null;
  /** Why; null where there is nothing to say. */
  readonly reason: string | null;
}

/** What can fail for an event. */
export interface Failing {
  /** `condition`: a `where` of a route. `answer-condition`: of an answer. `transform`: of a route. `variable`: an expression of an answer. */
  readonly kind: 'condition' | 'answer-condition' | 'transform' | 'variable';
  /** Of the route or the answer. */
  readonly name: string;
  /** The expression as written, the names of the transforms, or the name of the variable. */
  readonly text: string | null;
  /** `file:line:column` of the expression; null where it is not known. */
  readonly position: string | null;
}

/** Something that fails for some events. Each example has its reason. */
export interface Failure extends Failing {
  readonly events: number;
  readonly examples: readonly Example[];
}

/** Of each difference. */
const mostExamples = 3;

/** Counts events, and keeps the first three. */
export class Examples {
  readonly #examples: Example[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get examples(): readonly Example[] {
    return this.#examples;
  }

  get counted(): { readonly events: number; readonly examples: readonly Example[] } {
    return { events: this.#count, examples: this.#examples };
  }

  /** `reason` is made for those events only that are kept. */
  add({ id: event, type, subject }: EventRecord, reason: (() => string) | null): void {
    this.#count += 1;
    if (this.#examples.length < mostExamples)
      this.#examples.push({ event, type, subject, reason: reason === null ? null : reason() });
  }
}

/** What fails, by what it is. */
export class Failures {
  readonly #found = new Map<string, { readonly failing: Failing; readonly examples: Examples }>();
  readonly #mask: Mask;

  constructor(mask: Mask) {
    this.#mask = mask;
  }

  /** Those that fail most often first. */
  get list(): readonly Failure[] {
    return [...this.#found.values()]
      .map(({ failing, examples }) => ({ ...failing, ...examples.counted }))
      .sort((a, b) => b.events - a.events);
  }

  add(failing: Failing, record: EventRecord, reason: string): void {
    const key = JSON.stringify([failing.kind, failing.name, failing.text]);
    const known = this.#found.get(key) ?? { failing, examples: new Examples() };
    this.#found.set(key, known);
    known.examples.add(record, () => this.#mask(reason));
  }
}
