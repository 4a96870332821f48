/** The server of a database, restarted by a command of the operator. */
import { exec } from 'node:child_process';

/** A server that is not back by then will not come. */
const longestMs = 120_000;

/** Runs it by the shell until it ends. Throws, with what it wrote, where it fails or takes longer than two minutes. Aborted: its shell is ended. */
export function restartServer(command: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    exec(command, { signal, timeout: longestMs }, (error, stdout, stderr) => {
      if (error === null || signal.aborted) resolve();
      else
        reject(
          new Error(
            `the command that restarts the server failed: ${error.killed ? `${command} did not end within ${longestMs / 1_000} s` : error.message.trim()}\n${stdout}${stderr}`.trim(),
          ),
        );
    });
  });
}
