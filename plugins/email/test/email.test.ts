import email from '@switchhook/plugin-email';
import type { Delivery, JsonObject } from '@switchhook/sdk';
import { aDelivery, anEvent, createComponent, destinationSuite, fakeServices } from '@switchhook/testkit';
import { expect } from 'chai';
import fc from 'fast-check';
import type { SMTPServerOptions } from 'smtp-server';
import { type Answer, headersOf, password, type Step, smtp, user } from './imitation.js';

const [component] = email.components;
const patience = (): AbortSignal => new AbortController().signal;

async function setup(options: JsonObject = {}, serverOptions: SMTPServerOptions = {}) {
  const server = await smtp(serverOptions);
  const services = fakeServices();
  const row = (more: JsonObject = {}) => ({
    host: '127.0.0.1',
    port: server.port,
    ...(more.url === undefined && { user, password }),
    verifyCertificate: false,
    from: 'Calls <calls@example.com>',
    to: '${{ event.data.to }}',
    subject: 'Call ${{ event.subject }}',
    text: '${{ event.data.summary }}',
    ...options,
    ...more,
  });
  const create = (more: JsonObject = {}) => createComponent('destination', component, row(more), services, email);
  const destination = create();
  await destination.open?.();
  return {
    ...server,
    create,
    destination,
    close: async () => {
      await destination.close?.();
      await server.close();
      await services.close();
    },
  };
}

const ids = (function* () {
  for (let n = 1; ; n += 1) yield `e${n}.0`;
})();

function delivery(data: JsonObject = {}, subject = 'conv_1', id: string = ids.next().value): Delivery {
  const event = anEvent({ id: `e-${id}`, key: id, subject, data: { to: 'ada@example.com', summary: 'Hi', ...data } });
  return aDelivery({ id, event });
}

destinationSuite('email.message', async () => {
  const fixture = await setup({ to: 'ada@example.com', subject: '${{ delivery.id }}', text: 'Hi' });
  return {
    destination: fixture.destination,
    secrets: [password],
    arrived: () => fixture.mails.map(({ source }) => headersOf(source).subject ?? ''),
    behave: (how) => {
      if (how === 'well') fixture.answers(null);
      else if (how === 'refusing') fixture.answers((step) => (step === 'end' ? [554, 'no'] : null));
      else if (how === 'down') fixture.answers(() => [421, 'closing']);
      else fixture.answers(() => 'hang');
    },
    close: fixture.close,
  };
}, ['cut-off', 'erase', 'emits']);

describe('email.message', () => {
  const closing: (() => Promise<void>)[] = [];
  const start = async (options: JsonObject = {}, serverOptions: SMTPServerOptions = {}) => {
    const fixture = await setup(options, serverOptions);
    closing.push(fixture.close);
    return fixture;
  };
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });
  const problems = (options: JsonObject) =>
    start(options).then(
      () => 'none',
      (error) => error.issues.map(({ path, message }: { path: string[]; message: string }) => `${path}: ${message}`),
    );

  it('sends text and HTML to all recipients, encrypted and logged in', async () => {
    const { destination, mails } = await start({
      to: ['${{ event.data.to }}', 'Grace <grace@example.com>', '${{ default(event.data.other, "") }}'],
      cc: 'boss@example.com',
      bcc: ['archive@example.com', 'ada@example.com'],
      replyTo: 'Front desk <desk@example.com>',
      html: '<p>${{ event.data.summary }}</p>',
    });
    const outcome = await destination.deliver(delivery({}, 'conv_1', 'event-1.0'), patience());
    expect(outcome).to.deep.equal({ kind: 'delivered', response: '250 queued as 4711' });
    const [mail] = mails;
    expect(mail).to.deep.include({ from: 'calls@example.com', user, encrypted: true });
    expect(mail?.to).to.deep.equal(['ada@example.com', 'grace@example.com', 'boss@example.com', 'archive@example.com']);
    const headers = headersOf(mail?.source ?? '');
    expect(headers).to.include({
      from: 'Calls <calls@example.com>',
      to: 'ada@example.com, Grace <grace@example.com>',
      cc: 'boss@example.com',
      'reply-to': 'Front desk <desk@example.com>',
      subject: 'Call conv_1',
      'message-id': '<event-1.0@example.com>',
      'auto-submitted': 'auto-generated',
    });
    expect(headers).to.not.have.any.keys('bcc', 'x-mailer');
    expect(mail?.source).to.include('\r\n\r\nHi\r\n').and.to.include('<p>Hi</p>');
  });

  describe('encryption', () => {
    const noTls: SMTPServerOptions = { disabledCommands: ['STARTTLS'], allowInsecureAuth: true };

    it('is required, unless it is switched off', async () => {
      const { destination, create, mails } = await start({}, noTls);
      const refused = await destination.deliver(delivery(), patience());
      expect(refused).to.include({ kind: 'unavailable', needsOperator: true });
      expect(await destination.probe?.(patience()).catch(String)).to.include('STARTTLS');
      expect(mails).to.deep.equal([]);
      const open = create({ tls: 'none' });
      expect(await open.deliver(delivery(), patience())).to.include({ kind: 'delivered' });
      expect(mails.map(({ encrypted }) => encrypted)).to.deep.equal([false]);
      await open.close?.();
    });

    it('can be there from the start', async () => {
      const { destination, mails } = await start({ tls: 'implicit' }, { secure: true });
      expect(await destination.deliver(delivery(), patience())).to.include({ kind: 'delivered' });
      expect(mails.map(({ encrypted }) => encrypted)).to.deep.equal([true]);
    });

    for (const tls of ['starttls', 'implicit'])
      it(`needs a certificate that can be trusted (${tls})`, async () => {
        const { destination, mails } = await start({ tls, verifyCertificate: true }, { secure: tls === 'implicit' });
        const outcome = await destination.deliver(delivery(), patience());
        expect(outcome).to.include({ kind: 'unavailable', needsOperator: true });
        expect(mails).to.deep.equal([]);
      });
  });

  describe('the account', () => {
    it('can be a URL, with its special characters percent-encoded', async () => {
      const { create, mails, port } = await start();
      const given = `smtp://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}`;
      const destination = createComponent(
        'destination',
        component,
        { url: given, verifyCertificate: false, from: user, to: user, subject: 'a', text: 'b' },
        fakeServices(),
        email,
      );
      expect(await destination.deliver(delivery(), patience())).to.include({ kind: 'delivered' });
      expect(mails.map((mail) => mail.user)).to.deep.equal([user]);
      await destination.close?.();
      await create().close?.();
    });

    it('needs the right password', async () => {
      const { create, mails } = await start();
      const destination = create({ password: 'wrong-password' });
      const expected = { kind: 'unavailable', reason: 'the server refuses the log-in: 535 authentication failed' };
      expect(await destination.deliver(delivery(), patience())).to.deep.equal({ ...expected, needsOperator: true });
      expect(await destination.probe?.(patience()).catch(String)).to.equal(`Error: ${expected.reason}`);
      expect(mails).to.deep.equal([]);
      await destination.close?.();
    });

    it('is waited for where the server cannot check it now', async () => {
      const { destination, answers } = await start();
      answers((step) => (step === 'auth' ? [454, '4.7.0 Temporary authentication failure'] : null));
      const outcome = await destination.deliver(delivery(), patience());
      expect(outcome).to.include({ kind: 'unavailable' }).and.to.not.have.property('needsOperator');
    });

    it('is missing where the server requires one', async () => {
      const { create } = await start();
      const row = { host: '127.0.0.1', from: user, to: user, subject: 'a', text: 'b', verifyCertificate: false };
      const { port } = await start();
      const destination = createComponent('destination', component, { ...row, port }, fakeServices(), email);
      expect(await destination.deliver(delivery(), patience())).to.deep.include({
        kind: 'unavailable',
        needsOperator: true,
      });
      await destination.close?.();
      await create().close?.();
    });

    it('is probed by a log-in without a mail', async () => {
      const { destination, mails, answers } = await start();
      expect(await destination.probe?.(patience())).to.match(/^127\.0\.0\.1:\d+, encrypted, logged in as calls@/);
      answers(() => 'hang');
      const controller = new AbortController();
      const probe = destination.probe?.(controller.signal);
      controller.abort(new Error('time is up'));
      expect(await probe?.catch(String)).to.equal('Error: time is up');
      expect(mails).to.deep.equal([]);
    });

    it('keeps its connection for the next mail, and opens another where the server has closed it', async () => {
      const { destination, mails, connections, cut } = await start();
      for (let n = 0; n < 3; n += 1) await destination.deliver(delivery(), patience());
      expect(connections()).to.equal(1);
      cut();
      expect(await destination.deliver(delivery(), patience())).to.include({ kind: 'delivered' });
      expect([mails.length, connections()]).to.deep.equal([4, 2]);
    });
  });

  describe('an answer of the server', () => {
    const at = (step: Step, how: Answer) => (reached: Step) => (reached === step ? how : null);
    const table: readonly (readonly [Step, number, JsonObject])[] = [
      ['connect', 421, { kind: 'unavailable' }],
      ['connect', 554, { kind: 'unavailable', needsOperator: true }],
      ['from', 451, { kind: 'unavailable' }],
      ['from', 530, { kind: 'unavailable', needsOperator: true }],
      ['from', 550, { kind: 'unavailable', needsOperator: true }],
      ['from', 552, { kind: 'rejected' }],
      ['to', 450, { kind: 'unavailable' }],
      ['to', 550, { kind: 'rejected' }],
      ['end', 421, { kind: 'unavailable' }],
      ['end', 452, { kind: 'unavailable' }],
      ['end', 554, { kind: 'rejected' }],
    ];
    for (const [step, code, expected] of table)
      it(`${code} at "${step}" is ${expected.kind}${expected.needsOperator === true ? ', for the operator' : ''}`, async () => {
        const { destination, answers, mails } = await start();
        const one = delivery();
        answers(at(step, [code, 'said so']));
        const outcome = await destination.deliver(one, patience());
        const { reason, ...rest } = outcome as JsonObject & { reason: string };
        expect(rest).to.deep.equal(expected);
        expect(reason).to.match(new RegExp(`^the server .+: ${code} .*said so$`));
        answers(null);
        expect(await destination.deliver(one, patience())).to.include({ kind: 'delivered' });
        expect(mails).to.have.length(1);
      });

    it('about a sender that comes from the event rejects the event', async () => {
      const { destination, answers } = await start({ from: '${{ event.data.to }}' });
      answers(at('from', [550, 'no']));
      expect(await destination.deliver(delivery(), patience())).to.include({ kind: 'rejected' });
    });

    it('does not bring addresses into a reason', async () => {
      const { destination, answers } = await start({ cc: 'boss@example.com' });
      answers((step, address) => (step === 'to' ? [550, `<${address}> unknown`] : null));
      const outcome = await destination.deliver(delivery(), patience());
      expect(outcome).to.deep.equal({
        kind: 'rejected',
        reason: 'the server accepts no recipient: 550 <cc> unknown',
      });
    });

    it('about one recipient does not keep the mail from the others, nor send it to them again', async () => {
      const { destination, answers, mails } = await start({
        to: ['ada@example.com', 'bob@example.com'],
        cc: 'cyd@example.com',
      });
      const replies: Record<string, Answer> = {
        'bob@example.com': [450, 'bob@example.com is busy'],
        'cyd@example.com': [550, 'no such user'],
      };
      answers((step, address) => (step === 'to' ? (replies[address] ?? null) : null));
      const one = delivery();
      expect(await destination.deliver(one, patience())).to.deep.equal({
        kind: 'unavailable',
        reason: 'sent, but not to to 2: 450 to 2 is busy; cc: 550 no such user',
      });
      delete replies['bob@example.com'];
      expect(await destination.deliver(one, patience())).to.deep.equal({
        kind: 'rejected',
        reason: 'sent, but not to cc: 550 no such user',
      });
      delete replies['cyd@example.com'];
      expect(await destination.deliver(one, patience())).to.include({ kind: 'delivered' });
      expect(mails.map(({ to }) => to)).to.deep.equal([['ada@example.com'], ['bob@example.com'], ['cyd@example.com']]);
      expect(new Set(mails.map(({ source }) => headersOf(source)['message-id'])).size).to.equal(1);
    });

    it('about one recipient counts, however the host of the address is written', async () => {
      const { destination, answers, mails } = await start({
        to: ['ada@example.com', 'Bob@EXAMPLE.com', 'cyd@bücher.example'],
        cc: 'Bob@Example.com',
      });
      answers((step, address) => (step === 'to' && address !== 'ada@example.com' ? [450, 'busy'] : null));
      const one = delivery();
      expect(await destination.deliver(one, patience())).to.deep.equal({
        kind: 'unavailable',
        reason: 'sent, but not to to 2: 450 busy; to 3: 450 busy',
      });
      answers(null);
      expect(await destination.deliver(one, patience())).to.include({ kind: 'delivered' });
      expect(mails.map(({ to }) => to)).to.deep.equal([['ada@example.com'], ['Bob@example.com', 'cyd@bücher.example']]);
    });

    it('about an address that has to be quoted counts', async () => {
      const { destination } = await start({ to: ['ada@example.com', 'd..e@example.com'] });
      const one = delivery();
      const first = await destination.deliver(one, patience());
      expect(first)
        .to.have.property('reason')
        .that.matches(/^sent, but not to to 2: 501 /);
      expect(await destination.deliver(one, patience())).to.include({ kind: 'rejected' });
    });
  });

  describe('a connection', () => {
    for (const step of ['connect', 'auth', 'from', 'to'] as const)
      for (const how of ['cut', 'hang'] as const)
        it(`that ${how === 'cut' ? 'breaks' : 'hangs'} at "${step}" leaves nothing open`, async () => {
          const { destination, answers, mails, next } = await start({ whenUnsure: 'skip' });
          const one = delivery();
          answers((reached) => (reached === step ? how : null));
          const controller = new AbortController();
          const isReached = next(step);
          const attempt = destination.deliver(one, controller.signal);
          await isReached;
          if (how === 'hang') controller.abort(new Error('time is up'));
          const outcome = await attempt;
          expect(outcome).to.include({ kind: 'unavailable' });
          expect(outcome).to.have.property('reason').that.does.not.include('may have accepted');
          answers(null);
          expect(await destination.deliver(one, patience())).to.include({ kind: 'delivered' });
          expect(mails).to.have.length(1);
        });

    it('that breaks within the message leaves nothing open', async () => {
      const { destination, answers, mails } = await start({ whenUnsure: 'skip' });
      const long = delivery({ summary: 'a long transcript\n'.repeat(1_000_000) });
      answers((step) => (step === 'begin' ? 'cut' : null));
      expect(await destination.deliver(long, patience())).to.include({ kind: 'unavailable' });
      answers(null);
      const short = { ...long, event: { ...long.event, data: { ...long.event.data, summary: 'short' } } };
      expect(await destination.deliver(short, patience())).to.include({ kind: 'delivered' });
      expect(mails).to.have.length(1);
    });

    for (const how of ['lose', 'hang'] as const)
      it(`that ${how === 'lose' ? 'breaks' : 'hangs'} after the message leaves open whether it was accepted: it is sent again under the same id`, async () => {
        const { destination, answers, mails, next } = await start();
        const one = delivery();
        answers((step) => (step === 'end' ? how : null));
        const controller = new AbortController();
        const isReached = next('end');
        const attempt = destination.deliver(one, controller.signal);
        await isReached;
        if (how === 'hang') controller.abort(new Error('time is up'));
        const outcome = await attempt;
        expect(outcome).to.include({ kind: 'unavailable' });
        expect(outcome).to.have.property('reason').that.includes('the server may have accepted it');
        answers(null);
        expect(await destination.deliver(one, patience())).to.include({ kind: 'delivered' });
        expect(new Set(mails.map(({ source }) => headersOf(source)['message-id'])).size).to.equal(1);
        expect(mails).to.have.length(how === 'lose' ? 2 : 1);
        expect(await destination.deliver(one, patience())).to.deep.equal({
          kind: 'delivered',
          response: 'done before, for the same key',
        });
      });

    it('that breaks after the message is not sent again with whenUnsure: skip, until an operator replays it', async () => {
      const { destination, answers, mails } = await start({ whenUnsure: 'skip' });
      const one = delivery();
      answers((step) => (step === 'end' ? 'lose' : null));
      expect(await destination.deliver(one, patience())).to.include({ kind: 'unavailable' });
      answers(null);
      expect(await destination.deliver(one, patience())).to.deep.equal({
        kind: 'rejected',
        reason: 'the server may have accepted the mail: not sent again, because of whenUnsure',
      });
      expect(mails).to.have.length(1);
      expect(await destination.deliver(one, patience())).to.include({ kind: 'delivered' });
      expect(mails).to.have.length(2);
    });

    it('that breaks after the message is not sent for another event of its call either, until an operator replays one', async () => {
      const { destination, answers, mails } = await start({ whenUnsure: 'skip', once: '${{ event.subject }}' });
      const [one, other] = [delivery(), delivery()];
      const deliver = async (each: Delivery) => (await destination.deliver(each, patience())).kind;
      answers((step) => (step === 'end' ? 'lose' : null));
      expect(await deliver(one)).to.equal('unavailable');
      answers(null);
      expect([await deliver(one), await deliver(other)]).to.deep.equal(['rejected', 'rejected']);
      expect(mails).to.have.length(1);
      expect([await deliver(other), await deliver(one)]).to.deep.equal(['delivered', 'delivered']);
      expect(mails).to.have.length(2);
    });

    it('is cut when the router closes', async () => {
      const { destination, sockets } = await start();
      await destination.deliver(delivery(), patience());
      const [socket] = sockets;
      const ended = new Promise((resolve) => socket?.once('close', resolve));
      await destination.close?.();
      await ended;
      expect(socket?.destroyed).to.equal(true);
    });
  });

  it('sends one mail for the events of one call, with once', async () => {
    const { destination, mails } = await start({ once: '${{ event.subject }}' });
    const both = await Promise.all([
      destination.deliver(delivery(), patience()),
      destination.deliver(delivery(), patience()),
    ]);
    expect(both.map(({ kind }) => kind).toSorted()).to.deep.equal(['delivered', 'unavailable']);
    await destination.deliver(delivery({}, 'conv_2'), patience());
    expect(mails.map(({ source }) => headersOf(source).subject)).to.deep.equal(['Call conv_1', 'Call conv_2']);
  });

  describe('values from outside', () => {
    it('add no header and no recipient, whatever they are', async () => {
      const { destination, mails } = await start({
        to: '${{ event.data.name }} <ada@example.com>',
        subject: '${{ event.data.subject }}',
        replyTo: '${{ event.data.name }} <desk@example.com>',
      });
      const names = ['from', 'to', 'reply-to', 'subject', 'message-id', 'date', 'mime-version', 'auto-submitted'];
      const nasty = fc.string({
        unit: fc.constantFrom(
          '\r',
          '\n',
          '\r\nBcc: eve@example.com\r\n',
          '"',
          '\\',
          ',',
          ';',
          ':',
          '(',
          'é',
          ' ',
          'a',
          '=?',
          '\0',
          '\u2028',
          '😀',
        ),
        maxLength: 60,
      });
      await fc.assert(
        fc.asyncProperty(nasty, nasty, async (name, subject) => {
          expect(await destination.deliver(delivery({ name, subject }), patience())).to.include({ kind: 'delivered' });
          const mail = mails.pop();
          const headers = headersOf(mail?.source ?? '');
          expect(mail?.to).to.deep.equal(['ada@example.com']);
          expect(Object.keys(headers).filter((header) => !header.startsWith('content-'))).to.have.members(
            subject.replace(/[\s\0]/g, '') === '' ? names.filter((one) => one !== 'subject') : names,
          );
          expect(headers.to).to.match(/^(?:.* <)?ada@example\.com>?$/);
        }),
        { numRuns: 60 },
      );
    });

    for (const to of [
      'ada@example.com, eve@example.com',
      'ada@example.com\r\nBcc: eve@example.com',
      'Ada <ada@example.com> <eve@example.com>',
      '@',
      'nobody',
      'a@b@c',
      'a@b/c',
      'a@xn--a',
    ])
      it(`are rejected as a recipient: ${JSON.stringify(to)}`, async () => {
        const { destination, connections } = await start();
        expect(await destination.deliver(delivery({ to }), patience())).to.deep.equal({
          kind: 'rejected',
          reason: 'to: it is not one e-mail address once it is filled in',
        });
        expect(connections()).to.equal(0);
      });

    it('are text in HTML, also in attributes', async () => {
      const { destination } = await start({
        html: '<a href="${{ event.data.url }}" title=${{ event.data.summary }}>${{ event.data.summary }}</a>',
      });
      const html = (data: JsonObject) => destination.preview?.(delivery(data)).html;
      expect(html({ url: 'javascript:alert(1)', summary: '<b>&"\n' })).to.equal(
        '<a href="#" title=&#60;b&#62;&#38;&#34;&#10;>&#60;b&#62;&#38;&#34;<br></a>',
      );
      expect(html({ url: 'https://a.example/?b="c', summary: 'x onload=1' })).to.equal(
        '<a href="https&#58;&#47;&#47;a&#46;example&#47;&#63;b&#61;&#34;c" title=x&#32;onload&#61;1>x onload=1</a>',
      );
    });

    it('do not keep the router from its other work, however long and odd they are', async () => {
      const { destination } = await start({
        html: '<p>${{ event.data.summary }}</p><a href="${{ event.data.url }}">recording</a>',
      });
      const summary = `href=${' '.repeat(300_000)}x`;
      expect(destination.preview?.(delivery({ summary, url: 'https://a.example' })).html).to.equal(
        `<p>${summary}</p><a href="https&#58;&#47;&#47;a&#46;example">recording</a>`,
      );
    });

    it('make an event without an address or a key rejected, before any connection', async () => {
      const { destination, connections } = await start({ once: '${{ default(event.data.call, "") }}' });
      expect(await destination.deliver(delivery({ to: '', call: 'a' }), patience())).to.include({
        reason: 'to: the event has no e-mail address there',
      });
      expect(await destination.deliver(delivery(), patience())).to.include({
        reason: 'once: it is empty once it is filled in',
      });
      expect(connections()).to.equal(0);
    });
  });

  it('shows what it would send', async () => {
    const { destination } = await start({ cc: 'Boss <boss@example.com>' });
    expect(destination.preview?.(delivery({}, 'conv_1', 'event-1.0'))).to.deep.equal({
      once: 'e-event-1.0',
      messageId: '<event-1.0@example.com>',
      from: 'Calls <calls@example.com>',
      to: 'ada@example.com',
      cc: 'Boss <boss@example.com>',
      subject: 'Call conv_1',
      text: 'Hi',
    });
  });

  it('refuses options that do not fit together', async () => {
    expect(await problems({ to: 'ada', cc: ['a@b.example', 'c'] })).to.deep.equal([
      'to: expected one e-mail address, with or without a name: Calls <calls@example.com>',
      'cc,1: expected one e-mail address, with or without a name: Calls <calls@example.com>',
    ]);
    expect(await problems({ url: 'smtps://127.0.0.1', tls: 'starttls' })).to.deep.equal([
      'host: url has a place for it: expected url or host',
      'port: url has a place for it: expected url or port',
      'user: url has a place for it: expected url or user',
      'password: url has a place for it: expected url or password',
      'tls: smtps:// is implicit TLS: write smtp:// for another kind',
    ]);
    expect(String(await problems({ url: 'https://127.0.0.1' }))).to.include('expected smtp://user:password@host:port');
  });
});
