/** The plugin: its options, the service that its components share, and the components. */
import { definePlugin, provide, provideOptions } from '@switchhook/sdk';
import { customer } from './customer.ts';
import { Account, accountOptions, Helpdesk } from './helpdesk.ts';
import { ticket } from './ticket.ts';

export default definePlugin({
  name: '@acme/switchhook-helpdesk',
  options: provideOptions(Account, accountOptions),
  services: [provide(Helpdesk)],
  components: [ticket, customer],
});
