/** Phones as the platform rings them. */

/** What a caller gets to hear. */
export interface Heard {
  readonly status: number;
  readonly variables: Readonly<Record<string, string>>;
  readonly agent: string | undefined;
}

/** A call that was answered. */
export interface PhoneCall {
  readonly from: string;
  /** How often the platform asked. */
  readonly tries: number;
  /** Which run of the router answered. */
  readonly by: Promise<string>;
  readonly heard: Heard;
}

/** Phones that ring all the time, side by side: each again as soon as it was answered, each time from another number. */
export interface Phones {
  /** Answered so far. */
  readonly calls: readonly PhoneCall[];
  /** Resolves when so many calls that began from now on have heard this. Rejects as `hangUp` does. */
  hear(count: number, isIt: (call: PhoneCall) => boolean): Promise<void>;
  /** Resolves when the last ones are answered. Rejects where any call was not, or heard what is not right. */
  hangUp(): Promise<void>;
}

export interface PhoneSettings {
  readonly count: number;
  /** Where the router runs; another promise once it has ended. */
  readonly router: () => Promise<string>;
  /** Called when a call begins. What it returns is called when it is answered, and throws where that is not right. */
  readonly evaluate: (from: string) => (heard: Heard) => void;
}

export const token = 'token-of-the-tests';
/** SigmaMind hangs up then, and with it the caller. */
const platformMs = 10_000;
const mostTries = 4;

/** Who calls, in this order: more than eight phones ring in three minutes, where each call takes 20 ms. */
export const callers: readonly string[] = Array.from({ length: 100_000 }, (_, n) => `+1${1_000_000 + n}`);

/** Asks for an answer as the platform does, over a new connection. Rejects where it does not come in time. */
export async function ring(url: string, from: string, to = '+12345678913'): Promise<Heard> {
  const response = await fetch(`${url}/hooks/calls/${token}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ event: 'inbound_call', from_number: from, to_number: to }),
    signal: AbortSignal.timeout(platformMs),
  });
  const body = (await response.json()) as Record<string, unknown>;
  return {
    status: response.status,
    variables: body.dynamic_variables as Heard['variables'],
    agent: body.override_agent_id as string | undefined,
  };
}

export function phones({ count, router, evaluate }: PhoneSettings): Phones {
  const calls: PhoneCall[] = [];
  const listeners = new Set<(call: PhoneCall, number: number) => void>();
  let called = 0;
  let ended = false;

  const phone = async (): Promise<void> => {
    while (!ended) {
      const number = called;
      called += 1;
      const from = callers[number];
      if (from === undefined) throw new Error('everybody has called');
      const isRight = evaluate(from);
      const answered = await ringOut(from, router);
      isRight(answered.heard);
      const call = { from, ...answered };
      calls.push(call);
      for (const listener of listeners) listener(call, number);
    }
  };
  const inboundCall = Promise.all(Array.from({ length: count }, phone)).then(
    () => {},
    (error) => {
      ended = true;
      throw error;
    },
  );
  // Whoever waits for something, or hangs up, hears of it.
  inboundCall.catch(() => {});

  const hear = (wanted: number, isIt: (call: PhoneCall) => boolean): Promise<void> => {
    const first = called;
    let left = wanted;
    return new Promise((resolve, reject) => {
      const listener = (call: PhoneCall, number: number): void => {
        if (number < first || !isIt(call)) return;
        left -= 1;
        if (left > 0) return;
        listeners.delete(listener);
        resolve();
      };
      listeners.add(listener);
      inboundCall.catch(reject);
    });
  };
  const hangUp = (): Promise<void> => {
    ended = true;
    return inboundCall;
  };
  return { calls, hear, hangUp };
}

/** One call to its answer. Where the router ended meanwhile, the platform asks again. */
async function ringOut(from: string, router: () => Promise<string>): Promise<Omit<PhoneCall, 'from'>> {
  for (let tries = 1; ; tries += 1) {
    const by = router();
    const url = await by;
    try {
      return { tries, by, heard: await ring(url, from) };
    } catch (error) {
      if (by === router() || tries === mostTries)
        throw new Error(`${from} got no answer in ${tries} tries`, { cause: error });
    }
  }
}
