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

/** What follows from the configuration. Read it for each request or event: nothing else may keep it. */
export interface Current<T> {
  readonly value: T;
}

/** For what takes time. */
export interface CurrentInUse<T> extends Current<T> {
  /** `run` gets the value, whose components stay open until it has ended. */
  use<R>(run: (value: T) => Promise<R>): Promise<R>;
  /** Within `use`: its value stays in use until the returned function is called, also after the end of `run`. */
  hold(value: T): () => void;
}
