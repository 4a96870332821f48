/** Fixed facts for Switchhook: the same about every caller, or made of the call itself. */
import {
  definePlugin,
  defineResolver,
  isExpressionError,
  type JsonObject,
  type JsonValue,
  type Scope,
  scopes,
  type Template,
  template,
  z,
} from '@switchhook/sdk';

const value = z
  .union([z.string(), z.number(), z.boolean()])
  .transform((plain): JsonValue => plain)
  .pipe(template('A text, number or boolean; a text may hold `${{ }}`.', scopes.resolver));

const fixed = defineResolver({
  type: 'static',
  description: 'Returns the same facts for every caller.',
  options: z.strictObject({
    values: z.record(z.string().min(1), value).meta({ description: 'Map of names to values.' }),
  }),
  create: ({ values }) => ({
    resolve: async (call, known) => rendered(values, { call, known }),
  }),
});

/** Without the values that name a field which is not there: nothing is known about them. */
function rendered(values: Readonly<Record<string, Template>>, scope: Scope): JsonObject {
  const facts = Object.entries(values).map(([name, resolved]) => [name, factOf(resolved, scope)] as const);
  return Object.fromEntries(facts.flatMap(([name, fact]) => (fact === undefined ? [] : [[name, fact]])));
}

function factOf(resolved: Template, scope: Scope): JsonValue | undefined {
  try {
    return resolved.render(scope);
  } catch (error) {
    if (isExpressionError(error) && error.missing) return undefined;
    throw error;
  }
}

export default definePlugin({ name: '@switchhook/plugin-static', components: [fixed] });
