import { ComponentLifecycle, maskFor, OpenComponents } from '@switchhook/core/internal';
import { FakeClock, FakeLog } from '@switchhook/testkit';
import { expect } from 'chai';

describe('the components that are open', () => {
  it('are all closed when the router is, also those that a reload is just closing', async () => {
    let end = (): void => {};
    const instance = {
      deliver: async () => ({ kind: 'delivered' }) as const,
      close: () => new Promise<void>((resolve) => (end = resolve)),
    };
    const made = { kind: 'destination', name: 'crm', type: 'slow', instance, lifecycle: instance } as const;
    const component = new ComponentLifecycle(made, new FakeClock(), new FakeLog(), maskFor([]));
    const open = new OpenComponents();
    await open.open([component], null);
    const order: string[] = [];
    const replaced = open.close([component]).then(() => order.push('replaced'));
    const all = open.closeAll().then(() => order.push('all'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(order).to.deep.equal([]);
    end();
    await Promise.all([replaced, all]);
    expect(order).to.deep.equal(['replaced', 'all']);
  });
});
