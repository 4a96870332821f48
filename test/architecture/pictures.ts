/** Which views docs/dashboard.md shows, where their pictures are, and how large one may be. */

/** One picture per view, in the order of the page. */
export const pictures = [
  'overview',
  'events',
  'event',
  'conversation',
  'calls',
  'call',
  'deliveries',
  'dead',
  'live',
  'history',
  'map',
  'try',
  'configuration',
] as const;
export const picturesFolder = 'docs/images';
export const mostPictureBytes = 150_000;
