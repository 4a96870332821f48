/** The decorators by which classes of the router declare their dependencies; `composition.ts` registers what serves them. */
import 'reflect-metadata';

export {
  container as rootContainer,
  type DependencyContainer,
  type InjectionToken,
  inject,
  injectable,
  instanceCachingFactory,
} from 'tsyringe';

/** What follows from the configuration. Read `value` for each request or event: nothing else may keep it. */
export interface Current<T> {
  readonly value: T;
}
