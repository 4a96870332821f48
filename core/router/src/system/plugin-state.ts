/** The service `State`: what each plugin keeps in the router's store, apart from all others. */
import {
  type Clock,
  isRefusal,
  type JsonObject,
  type JsonValue,
  type NamedToken,
  parseJson,
  refuse,
  type State,
  type StateEntry,
  type StateOptions,
  type Store,
  stringifyJson,
  token,
} from '@switchhook/sdk';
import { errorMessage } from '@switchhook/sdk/internal';
import { newVersion } from './ids.js';

/** Makes the `State` of a plugin by its name. Throws where the store keeps none. */
export type StateOf = (plugin: string) => State;
export const StateOf: NamedToken<StateOf> = token('switchhook.StateOf');

const maxKey = 200;
/** What a store allows. */
const maxStoreKey = 512;
const maxBytes = 65_536;

/** Where the state of plugins is kept; `stateIn` unless it is registered. */
export type StateKept = typeof stateIn;
export const StateKept: NamedToken<StateKept> = token('switchhook.StateKept');

/** The state of all plugins in a store. */
export function stateIn(store: Pick<Store, 'state' | 'setState'>, clock: Clock): StateOf {
  return (plugin) => {
    const { state, setState } = store;
    if (state === undefined || setState === undefined)
      throw Object.assign(new Error('it requires State, and the store has no state and setState'), {
        code: 'STATE_NOT_KEPT',
      });
    return new PluginState({ get: state.bind(store), set: setState.bind(store) }, plugin, clock);
  };
}

/** For a router whose store is never opened, as that of `check --connect`: empty at first, and gone with the process. */
export const temporaryState: StateKept = (store, clock) => {
  // A store that keeps none is reported as by `start`.
  if (store.state === undefined || store.setState === undefined) return stateIn({}, clock);
  const kept = new Map<string, { readonly text: string; readonly untilMs: number }>();
  const textOf = (id: string): string | null => {
    const entry = kept.get(id);
    return entry !== undefined && entry.untilMs > clock.now() ? entry.text : null;
  };
  const setState: NonNullable<Store['setState']> = async (id, next, expected, expiresAtMs) => {
    if (textOf(id) !== expected) return false;
    if (next === null) kept.delete(id);
    else kept.set(id, { text: next, untilMs: expiresAtMs ?? Number.POSITIVE_INFINITY });
    return true;
  };
  return stateIn({ state: async (id) => textOf(id), setState }, clock);
};

interface Texts {
  readonly get: NonNullable<Store['state']>;
  readonly set: NonNullable<Store['setState']>;
}

class PluginState implements State {
  readonly #texts: Texts;
  readonly #plugin: string;
  readonly #clock: Clock;

  constructor(texts: Texts, plugin: string, clock: Clock) {
    this.#texts = texts;
    this.#plugin = plugin;
    this.#clock = clock;
  }

  async get(key: string): Promise<StateEntry | null> {
    const id = this.#idOf(key);
    const text = await this.#kept(key, 'read', () => this.#texts.get(id));
    return this.#entryIn(key, text);
  }

  async set(key: string, value: JsonValue, { ifVersion, expiresInMs }: StateOptions = {}): Promise<boolean> {
    const id = this.#idOf(key);
    const next = value === null ? null : this.#textOf(key, value);
    if (expiresInMs !== undefined && !(expiresInMs > 0 && Number.isFinite(expiresInMs)))
      throw new RangeError(`${this.#named(key)}: expiresInMs is ${expiresInMs}, and must be a number above 0`);
    const expiresAtMs = expiresInMs === undefined ? null : Math.ceil(this.#clock.now() + expiresInMs);
    for (;;) {
      const text = await this.#kept(key, 'read', () => this.#texts.get(id));
      if (ifVersion !== undefined && (this.#entryIn(key, text)?.version ?? null) !== ifVersion) return false;
      if (await this.#kept(key, 'written', () => this.#texts.set(id, next, text, expiresAtMs))) return true;
    }
  }

  /** A colon cannot be part of the encoded name, so that no key of one plugin is one of another. */
  #idOf(key: string): string {
    if (typeof key !== 'string' || key === '' || key.length > maxKey)
      throw new RangeError(`${this.#named(key)}: a key has 1 to ${maxKey} characters`);
    if (/[\0\p{Surrogate}]/u.test(key))
      throw new RangeError(`${this.#named(key)}: a key has no U+0000 and no halves of characters`);
    const id = `plugin:${encodeURIComponent(this.#plugin)}:${key}`;
    if (id.length > maxStoreKey) throw new RangeError(`${this.#named(key)}: the name of the plugin is too long`);
    return id;
  }

  #textOf(key: string, value: JsonValue): string {
    const json = stringifyJson(value);
    if (json === undefined) throw new TypeError(`${this.#named(key)}: the value is no JSON`);
    const bytes = Buffer.byteLength(json);
    if (bytes > maxBytes)
      throw new RangeError(`${this.#named(key)}: the value has ${bytes} bytes as JSON, ${maxBytes} are allowed`);
    return `{"version":"${newVersion()}","value":${json}}`;
  }

  #entryIn(key: string, text: string | null): StateEntry | null {
    if (text === null) return null;
    // What `#textOf` wrote.
    const { value, version } = parseJson(text) as JsonObject & StateEntry;
    if (value === undefined || typeof version !== 'string')
      throw new Error(`${this.#named(key)}: the store holds a text in another form, of a newer version of the router`);
    return { value, version };
  }

  async #kept<T>(key: string, done: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (cause) {
      const reason = isRefusal(cause) ? cause.message : `the store failed: ${errorMessage(cause)}`;
      throw refuse('STORE_UNAVAILABLE', `${this.#named(key)} could not be ${done}: ${reason}`, { cause });
    }
  }

  #named(key: string): string {
    return `State of plugin ${this.#plugin}, key ${JSON.stringify(String(key).slice(0, maxKey))}`;
  }
}
