/** A place that is none. */
import { linkTo } from '../model/location.js';
import { Empty } from '../parts/loaded.js';

export function Missing() {
  return (
    <>
      <h1>No such page</h1>
      <Empty title="This address leads nowhere.">
        <p>
          <a href={linkTo([])}>Go to the overview</a>
        </p>
      </Empty>
    </>
  );
}
