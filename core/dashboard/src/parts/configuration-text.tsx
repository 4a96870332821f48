/** The text of the configuration with line numbers, and its warnings at their lines. */
import { useEffect } from 'preact/hooks';
import type { Configuration, Warning } from '../model/configuration-replies.js';
import { linkTo, place } from '../model/location.js';
import { ends } from '../model/wording.js';
import { Badge, ErrorCode, Inline } from './text.js';

/** `line` of the place is marked, and scrolled to. */
export function ConfigurationText({ of: { text, warnings, format } }: { readonly of: Configuration }) {
  const marked = Number(place.value.query.line ?? 0);
  useEffect(() => {
    const line = document.getElementById(`line-${marked}`);
    line?.closest('details')?.setAttribute('open', '');
    line?.scrollIntoView({ block: 'center' });
    line?.focus({ preventScroll: true });
  }, [marked, text]);
  return (
    <details open>
      <summary>
        <h2 id="file">The file as it was read</h2>
      </summary>
      <p class="dim">
        {format === 'program' && 'The file is a program: this is what it exports, as YAML. '}
        <code>***</code> stands for what is or may be a secret. Variables are as they are written.
      </p>
      <ol class="lines" aria-labelledby="file">
        {text
          .replace(/\n$/, '')
          .split('\n')
          .map((line, index) => {
            const number = index + 1;
            const here = warnings.filter((warning) => warning.line === number);
            return (
              <li
                // Lines have no other name.
                key={`${number}`}
                id={`line-${number}`}
                tabIndex={-1}
                class={number === marked ? 'marked' : here.length > 0 ? 'warned' : undefined}
              >
                <code>{line}</code>
                {here.map(({ code, message }) => (
                  <p class="note warn" key={code + message}>
                    <ErrorCode code={code} /> {ends(message)}
                  </p>
                ))}
              </li>
            );
          })}
      </ol>
    </details>
  );
}

/** All warnings, each with the link to its line. */
export function Warnings({ warnings }: { readonly warnings: readonly Warning[] }) {
  return (
    <section aria-labelledby="warnings">
      <h2 id="warnings">Warnings</h2>
      {warnings.length === 0 ? (
        <p>
          <Badge level="well">none</Badge>{' '}
          <span class="dim">What is valid, but probably not meant, would be here.</span>
        </p>
      ) : (
        <ul class="plain-list">
          {warnings.map(({ code, line, path, message, hint }) => (
            <li key={`${line} ${path} ${message}`}>
              <Badge level="warn">warning</Badge> <ErrorCode code={code} />{' '}
              {line > 0 && (
                <a data-row="" href={linkTo(['configuration'], { line: String(line) })}>
                  line {line}
                </a>
              )}{' '}
              <code>{path}</code>: {ends(message)} <Inline text={hint} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
