/** What of the configuration fits a filter, and what a reload would change. */
import type { ComponentType, Option, ReloadReport } from './configuration-replies.js';

const sections = ['sources', 'transforms', 'destinations', 'resolvers', 'routes', 'answers'] as const;

/** `destinations: added crm, changed slack`: a line for each section that changes. */
export function changesIn(report: ReloadReport): readonly string[] {
  const ofSections = sections.flatMap((section) => {
    const parts = (['added', 'changed', 'removed'] as const).flatMap((change) =>
      report[section][change].length === 0 ? [] : [`${change} ${report[section][change].join(', ')}`],
    );
    return parts.length === 0 ? [] : [`${section}: ${parts.join('; ')}`];
  });
  const settings = report.settings.length === 0 ? [] : [`settings: ${report.settings.join(', ')}`];
  return [...ofSections, ...settings, ...report.restart.map(({ setting }) => `${setting}: after a restart only`)];
}

/** A type with those of its options that fit. */
export interface FoundType {
  readonly type: ComponentType;
  readonly options: readonly Option[];
  /** Whether it is shown because of single options: then these are what was looked for. */
  readonly byOption: boolean;
}

/** Types that have all words of the filter in their own texts, with all options; otherwise those whose options have them. */
export function fitting(types: readonly ComponentType[], filter: string): readonly FoundType[] {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const has = (...texts: readonly (string | null)[]) => {
    const text = texts.join(' ').toLowerCase();
    return words.every((word) => text.includes(word));
  };
  return types.flatMap((type): readonly FoundType[] => {
    const { kind, use, plugin, description, options } = type;
    if (has(kind, use, plugin, description)) return [{ type, options, byOption: false }];
    const found = options.filter((option) => has(kind, use, option.name, option.description));
    return found.length === 0 ? [] : [{ type, options: found, byOption: true }];
  });
}
