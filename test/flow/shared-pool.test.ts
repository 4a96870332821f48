import { expect } from 'chai';
import { ring, token } from '../support/phones.js';
import { postgres } from '../support/postgres.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { workplace } from '../support/workplace.js';

describe('postgres.insert and postgres.lookup with one URL', () => {
  it('share connections, of which a look-up only reads and an insert also writes', async () => {
    const database = await postgres();
    const place = await workplace();
    const name = `router-${process.pid}`;
    const url = `${database.url}&application_name=${name}`;
    const query = "select current_setting('transaction_read_only') as access, pg_backend_pid() as backend";
    const { router, url: hooks } = await place.router(`
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: memory }
sources:
  calls: { use: sigmamind.call, token: ${token} }
  agents: { use: sigmamind.events, secrets: [${secret}] }
destinations:
  warehouse: { use: postgres.insert, url: "${url}", connections: 1 }
resolvers:
  customer: { use: postgres.lookup, url: "${url}", query: "${query}", connections: 1 }
routes: [{ from: agents, to: warehouse }]
answers:
  - { from: calls, resolve: customer, variables: { access: "\${{ customer.access }}", backend: "\${{ customer.backend }}" } }
`);
    const backends = new Set<unknown>();
    for (let number = 1; number <= 4; number += 1) {
      const { variables } = await ring(hooks, `+1999000000${number}`);
      expect(variables.access).to.equal('on');
      backends.add(Number(variables.backend));
      expect((await postSigned(`${hooks}/hooks/agents`, endedBody({ conversationId: `c${number}` }))).status).to.equal(
        200,
      );
      for (let rows = 0; rows < number; )
        rows = await database.query('select 1 from switchhook_events').then(
          (found) => found.length,
          () => 0,
        );
    }
    const open = await database.query('select pid from pg_stat_activity where application_name = $1', [name]);
    expect(open).to.have.lengthOf.at.most(2);
    expect(open.map(({ pid }) => pid)).to.include.members([...backends]);
    await router.close();
    for (let left = 1; left > 0; )
      left = (await database.query('select 1 from pg_stat_activity where application_name = $1', [name])).length;
    await place.close();
    await database.close();
  });
});
