/** How a command ends that could not do what it was asked. */

/** Exit codes; 78 is EX_CONFIG of sysexits.h. */
export const exitCodes = { done: 0, failed: 1, usage: 2, configuration: 78 } as const;

/** Ends a command: the message, if there is one, is printed, and the process ends with the code. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';

  constructor(
    readonly exitCode: (typeof exitCodes)[keyof typeof exitCodes],
    message = '',
  ) {
    super(message);
  }
}
