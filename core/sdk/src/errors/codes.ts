/** Every error code of the router: what it means and what to do. `docs/errors.md` has a heading for each. */
import { configurationCodes, type ErrorRow } from './configuration-codes.js';

const table = {
  // A request is refused.
  MALFORMED: {
    status: 400,
    sentence: 'The request cannot be read.',
    hint: 'Correct what the reason names: it is in the log line request.refused, or in the reply of the API.',
  },
  UNVERIFIED: {
    status: 401,
    sentence: 'The request is not proven to come from the sender.',
    hint: 'Compare the secret or token, and the signature settings of the source, with the sender.',
  },
  NOT_FOUND: {
    status: 404,
    sentence: 'This path does not exist.',
    hint: 'Hooks are at /hooks/{source}, with the source named as in the configuration file.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    sentence: 'The path exists, but not for this method.',
    hint: 'Use a method of the Allow header.',
  },
  BODY_TOO_SLOW: {
    status: 408,
    sentence: 'The body did not arrive in time.',
    hint: 'server.bodyTimeout is the limit.',
  },
  BODY_TOO_LARGE: { status: 413, sentence: 'The body is larger than allowed.', hint: 'server.bodyLimit is the limit.' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    sentence: 'The content type or encoding of the request is not one that is read here.',
    hint: 'A request to the API has Content-Type: application/json, as webhooks of SigmaMind have, and is not compressed.',
  },
  OVERLOADED: {
    status: 429,
    sentence: 'Too many request bodies are being read at the same time.',
    hint: 'All bodies in progress exceed 128 MB (calls: 16 MB), and this was the largest. A sender is slow, or sends very large bodies.',
  },
  STORE_BEHIND: {
    status: 429,
    sentence: 'The store has too many uncommitted events.',
    hint: 'The sender retries. If it lasts, check the disk or the database.',
  },
  SOURCE_FAILED: {
    status: 500,
    sentence: 'The source failed on this request.',
    hint: 'This is a fault of the plugin. The log has the stack trace.',
  },
  EMITTED_IN_A_LOOP: {
    status: 508,
    sentence: 'Too many events were emitted because of each other.',
    hint: 'Routes lead the events of a destination back to it. Remove it from `from` or `to` of one of them, or make its keys stable.',
  },
  INTERNAL: {
    status: 500,
    sentence: 'The router failed on this request.',
    hint: 'This is a fault of the router. The log line http.failed has the stack trace. Please report it.',
  },
  STORE_UNAVAILABLE: {
    status: 503,
    sentence:
      'The store cannot be used: an event was not committed, so it was not acknowledged; or what was asked for could not be read.',
    hint: "The sender of an event retries. The log contains the store's error; GET /readyz says when it can be used again.",
  },
  SHUTTING_DOWN: {
    status: 503,
    sentence: 'The router is stopping.',
    hint: 'The sender retries and reaches the next router.',
  },

  // The API refuses a request.
  API_TOKEN_WRONG: {
    status: 401,
    sentence: 'The API requires its bearer token.',
    hint: 'Send Authorization: Bearer with the value of server.admin.token; the command line takes --token.',
  },
  API_TOKEN_NEEDED: {
    status: 403,
    sentence: 'Without a configured token, the API accepts requests from its own machine only.',
    hint: 'Set server.admin.token, which is also needed behind a proxy.',
  },
  API_ORIGIN_WRONG: {
    status: 403,
    sentence: 'A browser sends this change for a page of another address.',
    hint: 'Open the dashboard at the address of the router. A proxy in front must pass on the header Host.',
  },
  SIGN_IN_LIMITED: {
    status: 429,
    sentence: 'Too many wrong tokens came from this address.',
    hint: 'Wait ten minutes, then sign in with server.admin.token. Requests with a bearer token are not limited.',
  },
  NOT_KEPT: {
    status: 404,
    sentence: 'The router does not have this event, delivery or call.',
    hint: 'It was never received, it was refused (switchhook refused lists such requests), or it was removed by retention.',
  },
  BODY_REMOVED: {
    status: 410,
    sentence: 'Retention has removed the body of this event.',
    hint: 'Without its body, the event cannot be delivered again. `retention.bodies` of the store or the source sets how long bodies are kept.',
  },
  WRONG_STATE: {
    status: 409,
    sentence: 'The state of the delivery does not allow this.',
    hint: 'Wait for the end of a running delivery. Delivered and skipped deliveries cannot be discarded.',
  },
  DESTINATION_GONE: {
    status: 409,
    sentence: 'The destination of the delivery is no longer configured.',
    hint: 'Configure it again, discard the delivery, or replay with reroute.',
  },
  NO_SUCH_ROW: {
    status: 404,
    sentence: 'The configuration has no destination, resolver, route or source of this name.',
    hint: 'switchhook config components and switchhook config routes list them; in the API, GET /api/components and GET /api/routes.',
  },
  SOURCE_CANNOT_SIGN: {
    status: 409,
    sentence: 'The source cannot sign a body as its platform does, so the router cannot send it one.',
    hint: 'Have the platform send the request, or try the body without sending it.',
  },
  PAUSE_NOT_KEPT: {
    status: 501,
    sentence: 'The store cannot keep a pause over a restart.',
    hint: 'Use sqlite or postgres, or a store that implements state and setState.',
  },
  STORE_CANNOT_ERASE: {
    status: 501,
    sentence: 'The store cannot erase events.',
    hint: 'Use sqlite or postgres, or a store that implements erase, purge, state and setState.',
  },
  STORE_CANNOT_FILTER: {
    status: 501,
    sentence: 'The store cannot filter events in this way.',
    hint: 'Omit the condition, or use sqlite, postgres, or a store that names the condition in eventConditions.',
  },
  CHANGES_NOT_KEPT: {
    status: 501,
    sentence: 'The changes of this store cannot be followed.',
    hint: 'Use sqlite or postgres, or a store that implements changes.',
  },
  TOO_MANY_STREAMS: {
    status: 429,
    sentence: 'Too many live views are open.',
    hint: 'Close some of them: 32 are possible at the same time.',
  },
  TOO_MANY_SEARCHES: {
    status: 429,
    sentence: 'Too many searches in the data of events are running.',
    hint: 'Two are possible at the same time, and each ends within seconds. Try again.',
  },
  REPLAY_RUNNING: {
    status: 409,
    sentence: 'A replay is already running.',
    hint: 'Wait for its end, or cancel it: switchhook replay --list, or GET /api/replays, shows its progress.',
  },
  DISCARD_RUNNING: {
    status: 409,
    sentence: 'A discard of many deliveries is already running.',
    hint: 'Wait for its end, or cancel it: switchhook discard --list, or GET /api/discards, shows its progress.',
  },
  CONFIG_REJECTED: {
    status: 422,
    sentence: 'The new configuration cannot be used, so nothing was changed.',
    hint: 'Fix what the reply lists, then reload again. Until then the router works with the configuration that it has.',
  },
  NOT_REPLACEABLE: {
    status: 409,
    sentence: 'This router cannot be replaced by another process.',
    hint: 'Start it with switchhook start --replaceable.',
  },
  RESTART_FAILED: {
    status: 409,
    sentence: 'The new process did not get ready, so the router that runs goes on.',
    hint: 'The messages of the new process are where the log is. Fix what they say, for example with switchhook check, then restart again.',
  },
  API_FAILED: {
    status: 500,
    sentence: 'The API request failed.',
    hint: 'The log line api.failed has the reason; GET /api/status shows whether the store is available.',
  },

  ...configurationCodes,

  // A command cannot do what was requested.
  ROUTER_UNREACHABLE: {
    sentence: 'No router responds at this address.',
    hint: 'Check that it is running, or pass another address with --url.',
  },
  STORE_IN_USE: {
    sentence: 'Another router is using this store.',
    hint: 'Stop the other router, or configure a separate store.',
  },
  STORE_TOO_NEW: {
    sentence: 'The store was written by a newer version of the router.',
    hint: 'Run that version, or configure a separate store.',
  },
} as const satisfies Record<string, ErrorRow>;

/** The table, by code. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorRow>> = table;
export type ErrorCode = keyof typeof table;

/** Codes that a sender can receive: those with a status. */
export type RefusalCode = {
  [C in ErrorCode]: (typeof table)[C] extends { readonly status: number } ? C : never;
}[ErrorCode];

/** The status of a refusal. */
export function statusOf(code: RefusalCode): number {
  return table[code].status;
}

/** Whether the reason is on the router's side, and not in what the sender sent. */
export function isServerError(code: RefusalCode): boolean {
  return statusOf(code) >= 500;
}

/** Whether it is a fault of a plugin or of the router: a retry does not help until it is fixed. */
export const isFault = (code: RefusalCode): boolean => statusOf(code) === 500;
