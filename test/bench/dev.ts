/** `switchhook dev`: from a save until its outcome is shown. */
import { plugin, startDev, writeProject, yaml } from '../support/developing.js';
import { workplace } from '../support/workplace.js';
import { median, type Row } from './measuring.js';

const saves = 10;
/** Between two saves: types are checked beside, and the time until the next look at the file differs. */
const pauseMs = (save: number): number => 2_000 + 37 * save;

/** A local plugin in TypeScript, and the configuration, are saved again and again; what a destination would get is shown. */
export async function dev(): Promise<Row[]> {
  const place = await workplace();
  await writeProject(place);
  await place.link();
  const { shown, kill } = startDev(place, ['--send', 'call_ended']);
  try {
    await shown(/"text": "Call /);
    await shown(/types: ok/);
    const measured = async (file: string, content: (save: number) => string, outcome: (save: number) => RegExp) => {
      const took: number[] = [];
      for (let save = 0; save < saves; save += 1) {
        await new Promise((resolve) => setTimeout(resolve, pauseMs(save)));
        const savedAt = performance.now();
        await place.write(file, content(save));
        await shown(outcome(save));
        took.push(performance.now() - savedAt);
      }
      return took;
    };
    const plugins = await measured(
      'plugins/crm.ts',
      (save) => plugin({ body: `text${save}` }),
      (save) => new RegExp(`"text${save}": "Call `),
    );
    const configurations = await measured(
      'switchhook.yaml',
      (save) => yaml('http://127.0.0.1:9').replace('"Call', `"Call${save}`),
      (save) => new RegExp(`": "Call${save} `),
    );
    return [row('dev plugin', 'a local plugin', plugins), row('dev config', 'the configuration', configurations)];
  } finally {
    kill();
    await place.close();
  }
}

function row(id: string, file: string, took: readonly number[]): Row {
  const figures = `the median of ${took.length}; the slowest ${(Math.max(...took) / 1_000).toFixed(2)}`;
  const what = `\`switchhook dev\`: from a save of ${file} to its outcome, s`;
  return { id, what, figures, ratio: median(took) / 1_000, setTarget: '≤ 1' };
}
