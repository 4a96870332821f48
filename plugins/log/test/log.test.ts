import log from '@switchhook/plugin-log';
import type { JsonObject } from '@switchhook/sdk';
import { aDelivery, createComponent, destinationSuite, fakeServices } from '@switchhook/testkit';
import { expect } from 'chai';

const patience = (): AbortSignal => new AbortController().signal;

function setup(options: JsonObject = {}) {
  const services = fakeServices();
  const component = log.components.find(({ type }) => type === 'log');
  return { services, destination: createComponent('destination', component, options, services) };
}

destinationSuite('log', async () => {
  const { destination, services } = setup();
  return {
    destination,
    arrived: () => services.log.of('event.logged').map(({ fields }) => String(fields.delivery)),
    behave: () => {},
    close: services.close,
  };
}, ['refusing', 'down', 'hanging', 'cut-off', 'erase', 'emits', 'secrets']);

describe('log', () => {
  it('writes what the event is, but not what was said in it', async () => {
    const { destination, services } = setup();
    const delivery = aDelivery();
    await destination.deliver(delivery, patience());
    const { data: _, ...facts } = delivery.event;
    expect(services.log.lines).to.deep.equal([
      {
        level: 'info',
        event: 'event.logged',
        fields: { delivery: delivery.id, route: 'finished-calls', attempt: 1, ...facts },
      },
    ]);
    await services.close();
  });

  it('shows its line without writing it', async () => {
    const { destination, services } = setup({ level: 'warn' });
    const { data: _, ...facts } = aDelivery().event;
    expect(destination.preview?.(aDelivery())).to.deep.include({ level: 'warn', event: 'event.logged', ...facts });
    expect(services.log.lines).to.deep.equal([]);
    await services.close();
  });

  it('writes the data where it is told to, at the level it is told', async () => {
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      const { destination, services } = setup({ level, data: true });
      await destination.deliver(aDelivery(), patience());
      expect(services.log.lines).to.have.length(1);
      expect(services.log.lines[0]?.level).to.equal(level);
      expect(services.log.lines[0]?.fields.data).to.deep.equal(aDelivery().event.data);
      await services.close();
    }
  });
});
