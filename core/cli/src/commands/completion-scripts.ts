/** The scripts of three shells that complete a command line. They start no process but awk: a key is waited for. */

import { quoted } from '../shell-words.js';

/** What can stand at a place of a command line. */
export type Values =
  | { readonly kind: 'files' | 'unknown' }
  | { readonly kind: 'choices'; readonly words: readonly string[] }
  /** Names of rows of the configuration. */
  | { readonly kind: 'names'; readonly sections: readonly string[] };

/** A command as it is completed. */
export interface CompletedCommand {
  /** With the command that it belongs to: `new plugin`. */
  readonly path: string;
  readonly description: string;
  readonly subcommands: readonly string[];
  readonly options: readonly CompletedOption[];
  /** Of its first argument; null where it has none. */
  readonly argument: Values | null;
}

export interface CompletedOption {
  readonly flags: readonly string[];
  readonly description: string;
  /** Null where it takes no value. */
  readonly values: Values | null;
}

type Script = (commands: readonly CompletedCommand[]) => string;

/** Prints the names in sections of a configuration: keys below `section:`, and `name:` of list items. */
const awk = `awk -v sections=" $sections " '
  /^[a-z]+:/ { on = index(sections, " " substr($1, 1, index($1, ":") - 1) " "); next }
  on && match($0, /^  ["A-Za-z0-9_.-]+:/) { print substr($0, 3, RLENGTH - 3) }
  on && match($0, /^ *- *[{]? *name: *["A-Za-z0-9_.-]+/) { name = substr($0, 1, RLENGTH); sub(/.*name: */, "", name); print name }
' "$file" | tr -d '"'`;

/** The same for bash and zsh. */
const namesFunction = `_switchhook_names() {
  local file="$1" sections="\${*:2}" each
  if [ -z "$file" ]; then
    for each in config/switchhook.yaml switchhook.yaml; do [ -f "$each" ] && { file="$each"; break; }; done
  fi
  [ -f "$file" ] || return 0
  ${awk}
}`;

/** Cases of one command: what stands behind each option, and its argument. */
function cases(
  commands: readonly CompletedCommand[],
  reply: (values: Values) => string,
  words: (words: string) => string,
): string {
  return commands
    .map(({ path, options, subcommands, argument }) => {
      const behind = options.flatMap(({ flags, values }) =>
        values === null ? [] : [`        ${flags.join('|')}) ${reply(values)}; return ;;`],
      );
      const flags = options.flatMap((option) => option.flags).join(' ');
      const first = subcommands.length > 0 ? words(subcommands.join(' ')) : argument === null ? ':' : reply(argument);
      return [
        `    ${quoted(path)})`,
        ...(behind.length === 0 ? [] : ['      case "$prev" in', ...behind, '      esac']),
        `      case "$cur" in -*) ${words(flags)} ;; *) ${first} ;; esac ;;`,
      ].join('\n');
    })
    .join('\n');
}

/** Finds the command and the file of --config among the words so far. */
const wordsSoFar = (word: (index: string) => string, first: number, last: string, groups: string) => `
  command=${word(String(first))}
  case " ${groups} " in *" $command "*) (( ${last} > ${first + 1} )) && command="$command ${word(String(first + 1))}" ;; esac
  for (( i = ${first}; i < ${last}; i++ )); do
    case "${word('i')}" in -c|--config) file=${word('i + 1')} ;; esac
  done`;

function groupsIn(commands: readonly CompletedCommand[]): string {
  return commands.flatMap(({ path, subcommands }) => (subcommands.length > 0 ? [path] : [])).join(' ');
}

function topLevel(commands: readonly CompletedCommand[]): readonly CompletedCommand[] {
  return commands.filter(({ path }) => !path.includes(' '));
}

const bash: Script = (commands) => {
  const words = (text: string) => `COMPREPLY=($(compgen -W ${quoted(text)} -- "$cur"))`;
  const reply = (values: Values): string => {
    switch (values.kind) {
      case 'choices':
        return words(values.words.join(' '));
      case 'names':
        return `COMPREPLY=($(compgen -W "$(_switchhook_names "$file" ${values.sections.join(' ')})" -- "$cur"))`;
      case 'files':
        return `compopt -o filenames 2>/dev/null; local IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$cur"))`;
      case 'unknown':
        return ':';
    }
  };
  return `# Completes switchhook in bash: source <(switchhook completion bash)
${namesFunction}
_switchhook() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command file= i
  COMPREPLY=()
  # --option=value comes as three words.
  if [ "$cur" = = ]; then cur=; elif [ "$prev" = = ]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  if (( COMP_CWORD == 1 )); then ${words(
    topLevel(commands)
      .map(({ path }) => path)
      .join(' '),
  )}; return; fi
${wordsSoFar((index) => `\${COMP_WORDS[${index}]}`, 1, 'COMP_CWORD', groupsIn(commands)).slice(1)}
  case "$command" in
${cases(commands, reply, words)}
  esac
}
complete -F _switchhook switchhook`;
};

const zsh: Script = (commands) => {
  const words = (text: string) => `compadd -- ${text}`;
  const reply = (values: Values): string => {
    switch (values.kind) {
      case 'choices':
        return words(values.words.join(' '));
      case 'names':
        return `compadd -- \${(f)"$(_switchhook_names "$file" ${values.sections.join(' ')})"}`;
      case 'files':
        return '_files';
      case 'unknown':
        return ':';
    }
  };
  const described = topLevel(commands).map(({ path, description }) => `    ${quoted(`${path}:${description}`)}`);
  return `#compdef switchhook
${namesFunction}
_switchhook() {
  local cur="\${words[CURRENT]}" prev="\${words[CURRENT-1]}" command file= i
  local -a verbs
  verbs=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then _describe command verbs; return; fi
${wordsSoFar((index) => `\${words[${index}]}`, 2, 'CURRENT', groupsIn(commands)).slice(1)}
  case "$command" in
${cases(commands, reply, words)}
  esac
}
if [ "$funcstack[1]" = _switchhook ]; then _switchhook "$@"; else compdef _switchhook switchhook; fi`;
};

const fish: Script = (commands) => {
  const line = (condition: string, rest: string, description: string) =>
    `complete -c switchhook -n ${quoted(condition)} ${rest}${description === '' ? '' : ` -d ${quoted(description)}`}`;
  const reply = (values: Values | null): string => {
    switch (values?.kind) {
      case 'choices':
        return ` -x -a ${quoted(values.words.join(' '))}`;
      case 'names':
        return ` -x -a ${quoted(`(__switchhook_names ${values.sections.join(' ')})`)}`;
      case 'files':
        return ' -r -F';
      case 'unknown':
        return ' -x';
      case undefined:
        return '';
    }
  };
  const lines = commands.flatMap(({ path, description, options, subcommands, argument }) => {
    const steps = path.split(' ');
    const within = steps.map((step) => `__fish_seen_subcommand_from ${step}`).join('; and ');
    const before = steps.length === 1 ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${steps[0]}`;
    return [
      line(before, `-a ${steps.at(-1)}`, description),
      ...options.map((option) => {
        const flags = option.flags.map((flag) =>
          flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
        );
        return line(within, flags.join(' ') + reply(option.values), option.description);
      }),
      ...(argument === null || argument.kind === 'unknown' || subcommands.length > 0
        ? []
        : [line(within, argument.kind === 'files' ? '-F' : reply(argument).replace(' -x ', ''), '')]),
    ];
  });
  return `# Completes switchhook in fish: switchhook completion fish > ~/.config/fish/completions/switchhook.fish
function __switchhook_names
  set -l sections " $argv "
  set -l file
  set -l words (commandline -opc)
  for index in (seq (count $words))
    contains -- $words[$index] -c --config; and set file $words[(math $index + 1)]
  end
  if test -z "$file"
    for each in config/switchhook.yaml switchhook.yaml
      test -f $each; and set file $each; and break
    end
  end
  test -f "$file"; or return 0
  ${awk}
end
complete -c switchhook -f
${lines.join('\n')}`;
};

/** By the name of the shell. */
export const scripts = { bash, zsh, fish } as const;
