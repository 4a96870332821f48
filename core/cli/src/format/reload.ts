/** What a reload has changed, as text for people. */
import type { ReloadReport } from '@switchhook/core/api';

const sections = ['sources', 'transforms', 'destinations', 'resolvers', 'routes', 'answers'] as const;

/** A line for each section with changes, and one for the settings; nothing where all is as it was. */
export function changesIn(report: ReloadReport): readonly string[] {
  const { settings } = report;
  return [
    ...sections.flatMap((section) => changesOf(section, report)),
    ...(settings.length === 0 ? [] : [`settings: ${settings.join(', ')}`]),
  ];
}

/** `destinations: added slack; changed crm; 2 unchanged`; nothing where all are unchanged. */
function changesOf(section: (typeof sections)[number], report: ReloadReport): readonly string[] {
  const { unchanged, ...rest } = report[section];
  const { added, changed, removed } = rest;
  const changes = Object.entries({ added, changed, removed })
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${what} ${names.join(', ')}`);
  if (changes.length === 0) return [];
  return [`${section}: ${[...changes, `${unchanged.length} unchanged`].join('; ')}`];
}
