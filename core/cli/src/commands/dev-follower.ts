/** Shows what the router of `switchhook dev` receives and attempts, wherever it comes from. */
import type { Router } from '@switchhook/core';
import { changePage, explanationList } from '@switchhook/core/api';
import { systemClock } from '@switchhook/core/client';
import { stringifyJson } from '@switchhook/sdk';
import { errorMessage, Sleep } from '@switchhook/sdk/internal';
import type { RouterClient } from '../api-client.js';
import { printAttempt, printReceived } from '../format/dev.js';
import type { Output } from '../output.js';
import { withoutAnswer } from './fixture.js';
import type { Sample } from './send.js';

/** Between two questions for what is new. */
const pauseMs = 100;

/** What a follower works with. */
export interface FollowerParts {
  readonly router: Router;
  readonly api: RouterClient;
  /** Whether a destination is really delivered to. */
  isReal(destination: string): boolean;
}

export class Follower {
  readonly #parts: FollowerParts;
  readonly #output: Output;
  readonly #sleep = new Sleep(systemClock);
  #cursor = '';
  #received: Sample | null = null;
  #following: Promise<void> = Promise.resolve();
  #isEnding = false;

  constructor(parts: FollowerParts, output: Output) {
    this.#parts = parts;
    this.#output = output;
  }

  /** The last event that was received and can be sent again; null where there is none. */
  get received(): Sample | null {
    return this.#received;
  }

  /** Shows what comes from now on. */
  async open(): Promise<void> {
    this.#cursor = (await this.#parts.api.get('/api/changes', changePage, { limit: '1' })).cursor;
    this.#following = this.#follow();
  }

  async close(): Promise<void> {
    this.#isEnding = true;
    this.#sleep.end();
    await this.#following;
  }

  async #follow(): Promise<void> {
    while (!this.#isEnding) {
      try {
        await this.#show();
      } catch (error) {
        if (!this.#isEnding) this.#output.note(errorMessage(error));
      }
      await this.#sleep.for(pauseMs);
    }
  }

  async #show(): Promise<void> {
    const { api, router, isReal } = this.#parts;
    const page = await api.get('/api/changes', changePage, { after: this.#cursor, limit: '200' });
    this.#cursor = page.cursor;
    for (const change of page.changes) {
      if (change.kind === 'attempt') {
        if (isReal(change.delivery.destination)) printAttempt(this.#output, change);
        continue;
      }
      const { explanations } = await api.post('/api/explain', explanationList, { event: change.event.id });
      for (const explanation of explanations) {
        printReceived(this.#output, explanation, isReal);
        const { source, data } = explanation.event;
        if (data === null) continue;
        const body = withoutAnswer(data);
        if (router.signed(source, Buffer.from(stringifyJson(body))) !== null) this.#received = { source, body };
      }
    }
  }
}
