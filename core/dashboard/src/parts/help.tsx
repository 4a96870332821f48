/** The list of keys, and what else helps. */
import { Dialog } from './dialog.js';
import { enableKeys, helpShown, keysEnabled } from './keyboard.js';

const keys: readonly (readonly [key: string, what: string])[] = [
  ['/', 'go to the first filter, or to those of the events'],
  ['j', 'next row'],
  ['k', 'row before'],
  ['Enter', 'open the row'],
  ['Esc', 'close a dialog, leave a field'],
  ['?', 'show this list'],
];

export function Help() {
  return (
    <Dialog
      title="Keyboard and help"
      close={() => {
        helpShown.value = false;
      }}
    >
      <table class="plain">
        <tbody>
          {keys.map(([key, what]) => (
            <tr key={key}>
              <th scope="row">
                <kbd>{key}</kbd>
              </th>
              <td>{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <label class="check">
        <input
          type="checkbox"
          checked={keysEnabled.value}
          onChange={({ currentTarget }) => enableKeys(currentTarget.checked)}
        />
        <span>Single keys are shortcuts. Switch this off if you speak to your computer.</span>
      </label>
      <p>
        Everything on this page comes from the router’s API, so that <code>curl</code> gets the same:{' '}
        <a href="api/openapi.json">its description</a>. In a terminal, <code>switchhook status</code>,{' '}
        <code>switchhook explain</code> and <code>switchhook dead</code> show it.
      </p>
    </Dialog>
  );
}
