/** The API as an OpenAPI 3.1 document, made from the schemas that check requests and write replies. */

import type { JsonObject, JsonValue, RefusalCode } from '@switchhook/sdk';
import { ERRORS, statusOf } from '@switchhook/sdk/internal';
import { z } from 'zod';
import { nothing } from '../api/requests.js';
import { named } from '../api/responses.js';
import type { Endpoint } from './endpoint.js';

/** What every endpoint can refuse. */
const everywhere: readonly RefusalCode[] = ['API_TOKEN_WRONG', 'API_TOKEN_NEEDED', 'API_FAILED'];
/** What every change can refuse. */
const changing: readonly RefusalCode[] = ['API_ORIGIN_WRONG', 'UNSUPPORTED_MEDIA_TYPE'];

const introduction = `Every request carries \`Authorization: Bearer\` with the value of \`server.admin.token\`, or, from a browser, the cookie of
\`POST /api/session\`. Without a configured token only requests from the router's own machine are answered. Errors are \`application/problem+json\`. Times are ISO 8601 in UTC.`;

export function openApiDocument(endpoints: readonly Endpoint[], version: string): JsonObject {
  const paths = [...new Set(endpoints.map(({ path }) => path))];
  const { schemas } = z.toJSONSchema(named, { uri: refTo, override: tidied });
  return plain({
    openapi: '3.1.0',
    info: { title: 'Switchhook', version, description: introduction, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/', description: 'The router that this document was read from.' }],
    security: [{ token: [] }],
    paths: Object.fromEntries(paths.map((path) => [path, pathItem(endpoints.filter((one) => one.path === path))])),
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, bare(schema)])),
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  });
}

function pathItem(endpoints: readonly Endpoint[]) {
  return Object.fromEntries(endpoints.map((endpoint) => [endpoint.method.toLowerCase(), operation(endpoint)]));
}

function operation(endpoint: Endpoint) {
  const { summary, query, body, reply, path, open, stream } = endpoint;
  const type = stream === undefined ? 'application/json' : 'text/event-stream';
  const id = { name: 'id', in: 'path', required: true, schema: { type: 'string' } };
  const parameters = [...(path.includes('{id}') ? [id] : []), ...queryParameters(query)];
  return {
    summary,
    operationId: operationId(endpoint),
    ...(open && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(body !== nothing && {
      requestBody: { required: true, content: { 'application/json': { schema: asked(body) } } },
    }),
    responses: {
      200: { description: 'Done.', content: { [type]: { schema: { $ref: refTo(nameOf(reply)) } } } },
      ...refusalsOf(endpoint),
    },
  };
}

function queryParameters(query: z.ZodObject) {
  const { properties = {} } = asked(query);
  return Object.entries(properties).map(([name, schema]) => {
    const { description, ...rest } = typeof schema === 'object' ? schema : {};
    return { name, in: 'query', description, schema: rest };
  });
}

/** By status, each with its codes. */
function refusalsOf({ method, query, body, refusals }: Endpoint) {
  const read: readonly RefusalCode[] = query === nothing && body === nothing ? [] : ['MALFORMED'];
  const sent: readonly RefusalCode[] = body === nothing ? [] : ['BODY_TOO_SLOW', 'BODY_TOO_LARGE'];
  const codes = [...read, ...sent, ...refusals, ...(method === 'GET' ? [] : changing), ...everywhere];
  const content = { 'application/problem+json': { schema: { $ref: refTo('Problem') } } };
  return Object.fromEntries(
    [...new Set(codes.map(statusOf))].map((status) => {
      const here = codes.filter((code) => statusOf(code) === status);
      return [status, { description: here.map((code) => `${code}: ${ERRORS[code].sentence}`).join(' '), content }];
    }),
  );
}

/** `GET /api/deliveries/{id}` → `getDeliveriesById`. */
function operationId({ method, path }: Endpoint): string {
  const words = path.slice('/api/'.length).split('/');
  const named = words.map((word) => (word === '{id}' ? 'ById' : `${word.charAt(0).toUpperCase()}${word.slice(1)}`));
  return method.toLowerCase() + named.join('');
}

function asked(schema: z.ZodType) {
  return bare(z.toJSONSchema(schema, { io: 'input', override: tidied }));
}

/** Lists are read-only in our types, which means nothing to others; descriptions of transformed values would be left out. */
function tidied({ zodSchema, jsonSchema }: Parameters<NonNullable<z.core.ToJSONSchemaParams['override']>>[0]): void {
  delete jsonSchema.readOnly;
  Object.assign(jsonSchema, z.globalRegistry.get(zodSchema));
}

function bare({ $schema: _, $id: __, ...schema }: z.core.JSONSchema.BaseSchema) {
  return schema;
}

function nameOf(schema: z.ZodType): string {
  return named.get(schema)?.id ?? '';
}

function refTo(id: string): string {
  return `#/components/schemas/${id}`;
}

/** Without what JSON does not have. */
function plain(document: unknown): JsonObject {
  const value: JsonValue = JSON.parse(JSON.stringify(document));
  return value as JsonObject;
}
