/** The server of a database, restarted by a command of the operator. */
import { exec } from 'node:child_process';

/** Runs it by the shell until it ends. Throws, with what it wrote, where it fails. Aborted: it is ended. */
export function restartServer(command: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    exec(command, { signal }, (error, stdout, stderr) => {
      if (error === null || signal.aborted) resolve();
      else
        reject(
          new Error(`the command that restarts the server failed: ${error.message.trim()}\n${stdout}${stderr}`.trim()),
        );
    });
  });
}
