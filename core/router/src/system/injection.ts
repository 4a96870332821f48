/** The decorators by which classes of the router declare their dependencies; `composition.ts` registers what serves them. */
import 'reflect-metadata';

export { inject, injectable } from 'tsyringe';

/** What follows from the configuration. Read `value` for each request or event: nothing else may keep it. */
export interface Current<T> {
  readonly value: T;
}
