/** How the classes of the router declare what they need: `composition.ts` says which class or value serves each token. */
import 'reflect-metadata';

export { inject, injectable } from 'tsyringe';

/** What follows from the configuration. Read `value` for each request or event: nothing else may keep it. */
export interface Current<T> {
  readonly value: T;
}
