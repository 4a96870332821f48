/** Compiled, never run: what the page reads of a reply is there in the API's own schema, with the same type. */
import type * as api from '@switchhook/core/api';
import type { z } from 'zod';
import type * as bulk from '../../core/dashboard/build/model/bulk-replies.js';
import type * as configured from '../../core/dashboard/build/model/configuration-replies.js';
import type { IncompleteConversation } from '../../core/dashboard/build/model/conversation.js';
import type { Duplicate } from '../../core/dashboard/build/model/duplicates.js';
import type { History } from '../../core/dashboard/build/model/history-replies.js';
import type { RefusalGroup, RefusedRequest } from '../../core/dashboard/build/model/refused.js';
import type * as page from '../../core/dashboard/build/model/replies.js';
import type { EventSearch } from '../../core/dashboard/build/model/search.js';
import type { CallDryRun, SampleSource, Sent } from '../../core/dashboard/build/model/trial-replies.js';

type Reply<T> = T extends z.ZodType ? z.output<T> : never;

/** Each member is assigned from the reply: a difference is an error of the compiler. */
export const reads = {
  status: (reply: Reply<typeof api.status>): page.Status => reply,
  probe: (reply: Reply<typeof api.probe>): page.Probe => reply,
  events: (
    reply: Reply<typeof api.eventList>,
  ): { readonly events: readonly page.RouterEvent[]; readonly search?: EventSearch | undefined } => reply,
  // The data is any JSON: a schema cannot say more.
  event: ({ data: _, ...reply }: Reply<typeof api.eventDetails>): Omit<page.EventDetails, 'data'> => reply,
  deliveries: (reply: Reply<typeof api.deliveryList>): { readonly deliveries: readonly page.Delivery[] } => reply,
  dead: (reply: Reply<typeof api.deadGroupList>): page.DeadGroups => reply,
  routes: (reply: Reply<typeof api.explanationList>['explanations'][number]['routes']): page.Explanation['routes'] =>
    reply,
  conversation: (
    reply: Reply<typeof api.incompleteList>,
  ): { readonly conversations: readonly IncompleteConversation[] } => reply,
  cursor: ({ cursor }: Reply<typeof api.explanationList>): string | null => cursor,
  replay: (reply: Reply<typeof api.replay>): bulk.Replay => reply,
  discard: (reply: Reply<typeof api.discard>): bulk.Discard => reply,
  call: (reply: Reply<typeof api.explanationList>['explanations'][number]['call']): CallDryRun | null => reply,
  samples: (reply: Reply<typeof api.sampleList>): { readonly sources: readonly SampleSource[] } => reply,
  sent: (reply: Reply<typeof api.sent>): Sent => reply,
  duplicates: (reply: Reply<typeof api.duplicateList>): { readonly duplicates: readonly Duplicate[] } => reply,
  refused: (reply: Reply<typeof api.refusedList>): { readonly requests: readonly RefusedRequest[] } => reply,
  refusals: (reply: Reply<typeof api.refusalGroupList>): { readonly groups: readonly RefusalGroup[] } => reply,
  history: (reply: Reply<typeof api.history>): History => reply,
  configuration: (reply: Reply<typeof api.configuration>): configured.Configuration => reply,
  answers: (reply: Reply<typeof api.answerList>): { readonly answers: readonly configured.Answer[] } => reply,
  components: (
    reply: Reply<typeof api.componentList>,
  ): {
    readonly components: readonly configured.Component[];
    readonly installed?: configured.Installed | undefined;
  } => reply,
  errors: (reply: Reply<typeof api.errorList>): { readonly errors: readonly configured.ErrorCode[] } => reply,
  reload: (reply: Reply<typeof api.reloadReport>): configured.ReloadReport => reply,
  calls: (reply: Reply<typeof api.callList>): { readonly calls: readonly page.Call[] } => reply,
};
