/** Pieces of the API's data that live as long as what shows them. */
import { useEffect, useMemo } from 'preact/hooks';
import { type Again, LiveResource, type Load, type Resource } from '../model/resource.js';

export type { Resource } from '../model/resource.js';

/** Loads for a key, which stands for everything that `load` uses: another key is another piece. */
export function useResource<T>(key: string, load: Load<T>, again: Again<T> = () => null): Resource<T> {
  const resource = useMemo(() => new LiveResource(load, again), [key]);
  useEffect(() => resource.start(), [resource]);
  return resource;
}
