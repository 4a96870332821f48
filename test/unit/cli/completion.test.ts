/** The scripts by which shells complete `switchhook`: bash runs its own, the others are compared with the command line. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { program } from '@switchhook/cli/internal';
import { expect } from 'chai';
import { commandFile } from '../../support/workplace.js';

const configuration = `version: 1
destinations:
  crm: { use: log }
  "slack-eu":
    use: log
    url: https://example.com
# Not a name.
resolvers:
  tier:
    use: static
routes:
  - { name: notes, to: crm }
  - name: other
    to: slack-eu
answers:
  - { name: sales, from: calls, variables: { first_name: Jim } }
`;
const scriptFor = (shell: string) =>
  execFileSync(process.execPath, [commandFile, 'completion', shell], { encoding: 'utf8' });

describe('switchhook completion', () => {
  const scripts = { bash: scriptFor('bash'), zsh: scriptFor('zsh'), fish: scriptFor('fish') };
  let directory: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'switchhook-completion-'));
    await writeFile(join(directory, 'switchhook.yaml'), configuration);
    await writeFile(join(directory, 'other.yaml'), 'destinations:\n  archive: { use: log }\n');
    await writeFile(join(directory, 'completion.bash'), scripts.bash);
  });
  after(() => rm(directory, { recursive: true }));

  /** What bash offers for the last of these words. */
  const offered = (...words: readonly string[]): readonly string[] => {
    const script =
      'source ./completion.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _switchhook; printf "%s\\n" "${COMPREPLY[@]}"';
    const args = ['--norc', '-c', script, 'bash', 'switchhook', ...words];
    const { stdout, stderr } = spawnSync('bash', args, { cwd: directory, encoding: 'utf8' });
    expect(stderr).to.equal('');
    return stdout.split('\n').filter((line) => line !== '');
  };

  it('offers commands, and those below them', () => {
    expect(offered('rep')).to.deep.equal(['replay']);
    expect(offered('')).to.have.members(program.commands.map((command) => command.name()));
    expect(offered('new', '')).to.deep.equal(['plugin']);
    expect(offered('new', 'plugin', '--res')).to.deep.equal(['--resolver']);
  });

  it('offers the options of a command, and the words that an option takes', () => {
    expect(offered('start', '--w')).to.deep.equal(['--watch']);
    expect(offered('check', '--wat')).to.deep.equal([]);
    expect(offered('reload', '--removed', '')).to.deep.equal(['drain', 'keep']);
    expect(offered('reload', '--removed', '=', 'k')).to.deep.equal(['keep']);
    expect(offered('completion', '')).to.deep.equal(['bash', 'zsh', 'fish']);
    expect(offered('tail', '--limit', '')).to.deep.equal([]);
  });

  it('offers the names of the configuration, of the one that --config names where there is one', () => {
    expect(offered('replay', '--destination', '')).to.deep.equal(['crm', 'slack-eu']);
    expect(offered('pause', '')).to.deep.equal(['crm', 'slack-eu', 'tier']);
    expect(offered('dead', '--route', 'o')).to.deep.equal(['other']);
    expect(offered('check', '--answer', '')).to.deep.equal(['sales']);
    expect(offered('replay', '--config', 'other.yaml', '--destination', '')).to.deep.equal(['archive']);
    expect(offered('replay', '--config', 'missing.yaml', '--destination', '')).to.deep.equal([]);
  });

  it('offers files where a file is taken', () => {
    expect(offered('check', '--config', 'sw')).to.deep.equal(['switchhook.yaml']);
    expect(offered('send', 'oth')).to.deep.equal(['other.yaml']);
  });

  it('has every command and every option in each shell', () => {
    for (const command of program.commands) {
      expect(scripts.zsh, command.name()).to.match(new RegExp(`^ +'${command.name()}:.+'$`, 'm'));
      expect(scripts.fish, command.name()).to.include(`-n '__fish_use_subcommand' -a ${command.name()} -d '`);
      for (const { long = '' } of command.options) {
        expect(
          scripts.zsh.match(new RegExp(`'${command.name()}'\\)[\\s\\S]*?\\n {4}'`))?.[0] ?? scripts.zsh,
          long,
        ).to.include(long);
        expect(scripts.fish).to.match(
          new RegExp(
            `-n '__fish_seen_subcommand_from ${command.name()}' (-s \\w )?-l ${long.slice(2)}(\\s|$)|-n '__fish_seen_subcommand_from ${command.name()}' -l ${long.slice(2)} -s`,
            'm',
          ),
        );
      }
    }
  });

  for (const shell of ['bash', 'zsh', 'fish'] as const)
    it(`is read by ${shell} where that is installed`, () => {
      const { error, status, stderr } = spawnSync(shell, ['-n'], { input: scripts[shell], encoding: 'utf8' });
      if (error !== undefined) expect(Object(error).code).to.equal('ENOENT');
      else expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
    });
});
