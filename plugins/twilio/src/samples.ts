/** Bodies to try the source with: documented parameters of a call. Sent as JSON, which Twilio signs in another way than a form. */
import type { JsonObject } from '@switchhook/sdk';

const call = {
  CallSid: 'CA7f3b2a91c4d8e6f05a1b2c3d4e5f6071',
  AccountSid: 'AC0a1b2c3d4e5f60718293a4b5c6d7e8f9',
  From: '+12345678912',
  To: '+12345678913',
};

/** By status. */
export const samples: Readonly<Record<string, JsonObject>> = {
  'in-progress': { ...call, CallStatus: 'in-progress' },
  completed: { ...call, CallStatus: 'completed' },
};
