/** Takes requests in, for the HTTP server and for bodies that the API sends, and notes those that are refused. */
import { Log } from '@switchhook/sdk';
import type { Intake } from '../admin/trials.js';
import type { ServerParts } from '../http/hooks.js';
import { refusalOf } from '../http/refusal-response.js';
import { RefusedRequests } from '../ingest/refused-requests.js';
import { IngestTelemetry } from '../ingest/telemetry.js';
import { Pipeline } from '../pipeline.js';
import type { Container } from './container.js';

/** What receives a request, and what notes a refused one. */
export interface IntakeParts extends Pick<ServerParts, 'receive' | 'refused'> {
  readonly intake: Intake;
}

/** `publicUrl`: the URL that senders use, where it is configured. */
export function intakeParts(engine: Container, publicUrl: () => string | null): IntakeParts {
  const [pipeline, telemetry, log] = [engine.get(Pipeline), engine.get(IngestTelemetry), engine.get(Log)];
  const refusedRequests = engine.get(RefusedRequests);
  const receive: IntakeParts['receive'] = async (source, request, startedAtMs) => {
    const reply = await pipeline.receive(source, request, startedAtMs);
    refusedRequests.received(source);
    return reply;
  };
  const refused: IntakeParts['refused'] = (refusing) => {
    try {
      telemetry.refused(refusing.source, refusing.refusal, refusing.remoteAddress);
      refusedRequests.refused(refusing);
    } catch (error) {
      // The sender gets the refusal all the same.
      log.error('source.failed', { source: refusing.source, error });
    }
  };
  const intake: Intake = {
    receive,
    refused: (refusing, thrown) => {
      const refusal = refusalOf(thrown);
      refused({ ...refusing, refusal });
      return refusal;
    },
    get url() {
      return publicUrl() ?? 'http://localhost';
    },
  };
  return { receive, refused, intake };
}
