/** What became of the deliveries of a change of many. */
import { becameOf, changedBy, type Made, outcomesOf } from '../model/bulk.js';
import { count } from '../model/wording.js';

/** What became of them, and where they are listed. */
export function Became({ made }: { readonly made: Made }) {
  const outcomes = outcomesOf(made);
  if (outcomes.length > 0)
    return (
      <p>
        {count(changedBy(made.change), 'delivery', 'deliveries')} replayed:{' '}
        {outcomes.map(([link, text], index) => (
          <>
            {index > 0 && ', '}
            {link === null ? text : <a href={link}>{text}</a>}
          </>
        ))}
        .{'heldBack' in made.change && made.change.heldBack.map((sentence) => ` ${sentence}`)}
      </p>
    );
  return (
    <p>
      {becameOf(made).map(([link, text], index) => (
        <>
          {index > 0 && ', '}
          <a href={link}>{text}</a>
        </>
      ))}
    </p>
  );
}
