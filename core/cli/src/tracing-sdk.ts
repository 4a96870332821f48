/** Registers the SDK of OpenTelemetry, where the operator has installed it beside the configuration. */
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { version } from '@switchhook/core/client';
import { CommandFailure, exitCodes } from './output.js';

const sdk = '@opentelemetry/sdk-trace-node';
const exporter = '@opentelemetry/exporter-trace-otlp-http';
const endpoints = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];

/** What `start` is asked for, and where. */
export interface TracingQuestion {
  /** Path of the configuration file. */
  readonly config: string;
  /** Fails where the packages are missing. Otherwise traces only where the environment names an endpoint and they are there. */
  readonly required: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Spans go to the endpoint that the environment names (`OTEL_EXPORTER_OTLP_ENDPOINT`, default `http://localhost:4318`). Resolves with a
 * function that sends the last ones; null where nothing is traced.
 */
export async function startTracing({ config, required, env }: TracingQuestion): Promise<(() => Promise<void>) | null> {
  if (!required && !endpoints.some((name) => env[name])) return null;
  const found = packagesBeside(resolve(config));
  if (found === null) {
    if (!required) return null;
    throw new CommandFailure(
      exitCodes.failed,
      `--otel needs two packages in ${dirname(resolve(config))} or a folder above it: npm install ${sdk} ${exporter}`,
    );
  }
  const { NodeTracerProvider, BatchSpanProcessor }: typeof import('@opentelemetry/sdk-trace-node') = await found(sdk);
  const { OTLPTraceExporter }: typeof import('@opentelemetry/exporter-trace-otlp-http') = await found(exporter);
  const {
    defaultResource,
    detectResources,
    envDetector,
    resourceFromAttributes,
  }: typeof import('@opentelemetry/resources') = await found('@opentelemetry/resources');
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'switchhook', 'service.version': version }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register();
  return () => provider.shutdown().catch(() => {} /* The exporter has reported it; the router ends all the same. */);
}

/** Imports a package of these, or one that they bring; null where they are not installed. */
function packagesBeside(file: string): ((name: string) => Promise<never>) | null {
  const require = createRequire(file);
  try {
    require.resolve(exporter);
    const ofSdk = createRequire(require.resolve(sdk));
    return (name) => import(pathToFileURL((name === exporter ? require : ofSdk).resolve(name)).href) as Promise<never>;
  } catch {
    return null;
  }
}
