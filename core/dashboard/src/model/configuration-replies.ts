/** What the page reads of the configuration. The test of the other replies compares it with the API's own schemas. */

export interface Warning {
  readonly code: string;
  /** From 1; 0 where it has none. */
  readonly line: number;
  readonly path: string;
  readonly message: string;
  readonly hint: string;
}

export interface Configuration {
  readonly file: string;
  readonly generation: number;
  readonly since: string;
  readonly digest: string;
  readonly format: 'file' | 'program';
  readonly text: string;
  readonly warnings: readonly Warning[];
  readonly files: readonly string[];
  readonly changed: readonly string[] | null;
  readonly restart: readonly { readonly setting: string; readonly reason: string }[];
}

export interface Answer {
  readonly name: string;
  readonly from: readonly string[];
  readonly where: string | null;
  readonly resolvers: readonly string[];
  readonly withinSeconds: number;
  readonly variables: { readonly [name: string]: string };
  readonly defaults: { readonly [name: string]: string };
  readonly overrideAgent: string | null;
}

export interface Option {
  readonly name: string;
  /** In Markdown. */
  readonly type: string;
  readonly unit: string | null;
  readonly required: boolean;
  readonly default: string | null;
  readonly secret: boolean;
  readonly description: string;
}

export interface ComponentType {
  readonly kind: Component['kind'];
  readonly use: string;
  readonly plugin: string | null;
  readonly version: string | null;
  readonly description: string;
  readonly options: readonly Option[];
  readonly pluginOptions: readonly Option[];
}

export interface Installed {
  readonly types: readonly ComponentType[];
  readonly kinds: readonly { readonly kind: Component['kind']; readonly options: readonly Option[] }[];
  readonly problems: readonly { readonly code: string; readonly message: string }[];
}

export interface ErrorCode {
  readonly code: string;
  readonly status: number | null;
  readonly meaning: string;
  readonly advice: string;
}

/** What a reload would change, or has changed, by section. */
export type ReloadReport = {
  readonly [Section in 'sources' | 'transforms' | 'destinations' | 'resolvers' | 'routes' | 'answers']: {
    readonly [Change in 'added' | 'changed' | 'removed']: readonly string[];
  };
} & { readonly settings: readonly string[]; readonly restart: readonly { readonly setting: string }[] };

/** A row of the configuration that names a component. */
export interface Component {
  readonly kind: 'source' | 'destination' | 'resolver' | 'transform' | 'store';
  readonly name: string;
  readonly use: string;
  readonly description: string;
  readonly receivesAt: string | null;
}
