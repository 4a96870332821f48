/** Data of others as a tree. Everything in it is text. */
import { useState } from 'preact/hooks';
import { api } from '../model/api.js';
import { isRawNumber } from '../model/json.js';
import { Loaded } from './loaded.js';
import { useResource } from './resource.js';

interface BranchProps {
  readonly name: string | null;
  readonly value: unknown;
  readonly depth: number;
}

/** Children that are shown before a click. */
const most = 100;
/** Longer texts are folded. */
const longText = 400;
/** Levels that are open from the start. */
const openLevels = 2;

/** A value with everything in it. */
export function Tree({ value }: { readonly value: unknown }) {
  return (
    <div class="tree">
      <Branch name={null} value={value} depth={0} />
    </div>
  );
}

function Branch({ name, value, depth }: BranchProps) {
  const [shown, setShown] = useState(most);
  const label = name === null ? null : <span class="key">{name}: </span>;
  if (typeof value !== 'object' || value === null || isRawNumber(value))
    return (
      <div class="leaf">
        {label}
        <Leaf value={value} />
      </div>
    );
  const entries = Object.entries(value);
  const size = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  if (entries.length === 0)
    return (
      <div class="leaf">
        {label}
        <span class="dim">{Array.isArray(value) ? '[ ]' : '{ }'}</span>
      </div>
    );
  const children = entries
    .slice(0, shown)
    .map(([key, child]) => <Branch key={key} name={key} value={child} depth={depth + 1} />);
  const rest = entries.length - shown;
  const more = rest > 0 && (
    <button type="button" onClick={() => setShown(shown + 10 * most)}>
      Show {Math.min(rest, 10 * most)} of {rest} more
    </button>
  );
  if (depth === 0)
    return (
      <>
        {children}
        {more}
      </>
    );
  return (
    <details open={depth < openLevels}>
      <summary>
        {label}
        <span class="dim">{size}</span>
      </summary>
      {children}
      {more}
    </details>
  );
}

function Leaf({ value }: { readonly value: unknown }) {
  const [open, setOpen] = useState(false);
  if (typeof value !== 'string')
    return <span class="literal">{isRawNumber(value) ? value.rawJSON : String(value)}</span>;
  const folded = !open && value.length > longText;
  return (
    <span class="string">
      {JSON.stringify(folded ? value.slice(0, longText) : value)}
      {folded && (
        <button type="button" onClick={() => setOpen(true)}>
          … all {value.length.toLocaleString('en')} characters
        </button>
      )}
    </span>
  );
}

const forms = ['Tree', 'JSON', 'Raw'] as const;

/** The data of an event: as a tree, as JSON in lines, or as the text that is kept, with its digits, order and spaces. */
export function Body({ value, event }: { readonly value: unknown; readonly event: string }) {
  const [form, setForm] = useState<(typeof forms)[number]>('Tree');
  return (
    <div class="body">
      <div class="buttons">
        {forms.map((one) => (
          <button key={one} type="button" aria-pressed={form === one} onClick={() => setForm(one)}>
            {one}
          </button>
        ))}
      </div>
      {form === 'Tree' && <Tree value={value} />}
      {form === 'JSON' && <Source text={JSON.stringify(value, null, 2)} label="JSON" />}
      {form === 'Raw' && <Raw event={event} />}
    </div>
  );
}

function Raw({ event }: { readonly event: string }) {
  const kept = useResource(`body ${event}`, (signal) =>
    api<{ readonly body: string }>(`events/${encodeURIComponent(event)}/body`, { signal }),
  );
  return <Loaded of={kept}>{({ body }) => <Source text={body} label="Raw" />}</Loaded>;
}

const mostRows = 24;

/** A text as it is, in a box that scrolls and that the keyboard reaches. */
export function Source({ text, label }: { readonly text: string; readonly label: string }) {
  const rows = Math.min(mostRows, Math.max(2, text.split('\n').length + 1));
  return <textarea class="source" readOnly rows={rows} spellcheck={false} aria-label={label} value={text} />;
}
