import type { Socket } from 'node:net';
import { ConnectionFairness } from '@switchhook/core/internal';
import { expect } from 'chai';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Sockets that record whether they are paused. */
function setup(count: number) {
  const fairness = new ConnectionFairness();
  const paused = new Set<number>();
  const sockets = Array.from({ length: count }, (_, n) => {
    return { pause: () => paused.add(n), resume: () => paused.delete(n) } as unknown as Socket;
  });
  const replyToAll = (): void => {
    for (const socket of sockets) fairness.replied(socket);
  };
  const readFromAll = (bytes: number): void => {
    for (const socket of sockets) fairness.read(socket, bytes);
  };
  /** So many connections are accepted, one in each turn. */
  const accept = async (count: number): Promise<void> => {
    for (let accepted = 0; accepted < count; accepted += 1) {
      fairness.accepted();
      await turn();
    }
  };
  return { paused, replyToAll, readFromAll, accept };
}

describe('connection fairness', () => {
  it('lets each connection go on while there are few', async () => {
    const { paused, replyToAll } = setup(64);
    replyToAll();
    expect(paused.size).to.equal(0);
    await turn();
    replyToAll();
    expect(paused.size).to.equal(0);
  });

  it('reads 64 connections in each turn of the loop, in the order of their replies', async () => {
    const { paused, replyToAll } = setup(200);
    replyToAll();
    expect(paused.size).to.equal(136);
    await turn();
    expect([...paused]).to.deep.equal(Array.from({ length: 72 }, (_, n) => 128 + n));
    await turn();
    await turn();
    expect(paused.size).to.equal(0);
  });

  it('reads 2 MB of bodies in each turn of the loop, and at most one piece more of each connection', async () => {
    const { paused, readFromAll } = setup(100);
    readFromAll(65_536);
    expect(paused.size).to.equal(68);
    await turn();
    expect(paused.size).to.equal(4);
    readFromAll(65_536);
    expect(paused.size).to.be.greaterThan(60);
    await turn();
    await turn();
    expect(paused.size).to.equal(0);
  });

  it('counts the bytes of each turn anew', async () => {
    const { paused, readFromAll } = setup(30);
    for (let turns = 0; turns < 3; turns += 1) {
      readFromAll(65_536);
      expect(paused.size).to.equal(0);
      await turn();
    }
  });

  it('reads no more of a body while others are accepted', async () => {
    const { paused, replyToAll, readFromAll, accept } = setup(200);
    replyToAll();
    await accept(1);
    readFromAll(1);
    expect(paused.size).to.equal(200);
  });

  it('accepts all connections that wait before it reads others again', async () => {
    const { paused, replyToAll, accept } = setup(200);
    replyToAll();
    await accept(30);
    expect(paused.size).to.equal(136);
    await turn();
    expect(paused.size).to.equal(72);
  });

  it('reads others again although new connections keep coming', async () => {
    const { paused, replyToAll, accept } = setup(200);
    replyToAll();
    await accept(200);
    expect(paused.size).to.equal(0);
  });

  it('pauses none of a few connections because another one was accepted', async () => {
    const { paused, replyToAll, accept } = setup(2);
    replyToAll();
    await accept(1);
    replyToAll();
    expect(paused.size).to.equal(0);
  });
});
