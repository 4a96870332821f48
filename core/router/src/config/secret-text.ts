/** Finds what may be a secret in a text of the configuration as it is written. References to variables stay; in doubt it is a secret. */

const hidden = '***';

/** Longer lines are hidden as a whole: the search must not keep the process from answering calls. */
export const longestLine = 10_000;

/** Stands for the reference of its number while a text is searched. */
const firstStandIn = 0xe000;
const standIns = /[\ue000-\uf8ff]/g;
const literals = /[^\s\ue000-\uf8ff]+(?:[ \t]+[^\s\ue000-\uf8ff]+)*/g;

/** `${NAME}`, `${NAME:-default}`, `${file:path}`, and expressions without texts of their own. */
const references = /\$\{file:[^}\n]+\}|\$\{[A-Za-z_]\w*(?::-(?:(?!\$\{)[^}\n])*)?\}|\$\{\{[^'"\n]*?\}\}/g;

/** Names whose values are secret, as senders and receivers call them. */
const secretName =
  /pass[-_]?(word|wd|phrase|code)?$|pwd|secret|token|(api|access|private|signing|shared)[-_]?key|auth(?!ors?(?![a-z]))|credential|signature|cookie|bearer|session|^pin$|^key$/i;
/** Names of options whose schema does not mark them. */
const secretOption =
  /(password|passwd|passphrase|secret|token|(api|access|private|signing)[-_]?key|authorization|credential|cookie)s?$/i;
/** Headers without a secret. */
const openHeader = /^(accept(-\w+)*|content-[\w-]+|user-agent|[\w-]*version)$/i;

/** Whether a name is one of a secret. `isOption`: it is an option that a schema describes. */
export function isSecretName(name: string, isOption: boolean): boolean {
  return (isOption ? secretOption : secretName).test(name);
}

/** Whether the value of this header may be shown. */
export function isOpenHeader(name: string): boolean {
  return openHeader.test(name);
}

/** Hides all of a line but references to variables, and the scheme of an authorization. */
export function allHidden(line: string): string {
  return aroundReferences(
    line,
    (text) => {
      const [scheme = ''] = /^\s*(?:Bearer|Basic|Token|Digest)[ \t]+(?=\S)/i.exec(text) ?? [];
      return scheme + withoutLiterals(text.slice(scheme.length));
    },
    withoutLiterals,
  );
}

/** Hides what looks like a secret in a line of a text. */
export function secretsHidden(line: string): string {
  return aroundReferences(line, inText, inText);
}

function aroundReferences(line: string, change: (text: string) => string, changeDefault: (text: string) => string) {
  if (line.length > longestLine) return hidden;
  const found: string[] = [];
  const text = line.replace(references, (reference) => {
    if (found.length > 6_000) return hidden;
    found.push(reference.replace(/:-(.*)\}$/s, (_, otherwise: string) => `:-${changeDefault(otherwise)}}`));
    return String.fromCharCode(firstStandIn + found.length - 1);
  });
  return change(text).replace(standIns, (mark) => found[mark.charCodeAt(0) - firstStandIn] ?? mark);
}

/** With its padding. Others with slashes are like paths. */
const base64 = /(?<![\w/.+])[A-Za-z\d+/]{18,}={1,2}(?![\w=])/g;
/** A line of a key. */
const keyLine = /^(\s*)[A-Za-z\d+/]{40,}(\s*)$/;

/** `token=…`, `"secret": "…"`. */
const namedValue =
  /(?<![\w-])([\w-]{1,64})(["'\]]*\s{0,8}(?:[=:](?!=)|[!=]=)\s{0,8})(?:(["'])((?:\\.|(?!\3)[^\\])*)\3|([^\s"',;&)}\ue000-\uf8ff]+))/g;
/** A field with the name of a secret in a condition, and the texts that it may be compared with; not the names of fields in brackets. */
const secretField = /(?:\.|\[["'])([\w-]{1,64})(?![\w-])/g;
const comparisons = /[!=]=|\bin\b|\.\w+\(/;
const texts = /((?<=[\w\])])\[\s*["'][^"']*["']\s*\])|(["'])((?:\\.|(?!\2)[^\\])*)\2/g;

function inCondition(text: string): string {
  if (!comparisons.test(text)) return text;
  const isAbout = [...text.matchAll(secretField)].some(([, name = '']) => secretName.test(name));
  if (!isAbout) return text;
  return text.replace(texts, (whole, field: string | undefined, quote: string) =>
    field === undefined ? quote + hidden + quote : whole,
  );
}

function inText(text: string): string {
  return inCondition(text)
    .replace(/\b[a-z][a-z\d+.-]{0,30}:\/\/[^\s"'<>`]+/gi, inUrl)
    .replace(/-----BEGIN [^\n]*/, (line) => line.replace(literals, hidden))
    .replace(/\b(Bearer|Basic|Token)( +)(?=[^\s"']*[\d=])[^\s"'\ue000-\uf8ff]{6,}/gi, `$1$2${hidden}`)
    .replace(namedValue, (whole, name: string, between: string, quote = '', quoted = '', word = '') =>
      !secretName.test(name) || /^(\*+|true|false|null|\/\/.*)?$/.test(quoted + word)
        ? whole
        : name + between + quote + hidden + quote,
    )
    .replace(base64, (word) => (/[A-Z]/.test(word) && /[a-z\d]/.test(word) ? hidden : word))
    .replace(keyLine, `$1${hidden}$2`)
    .replace(/[\w+=~-]{16,}/g, (word) => (isRandom(word) ? hidden : word));
}

/** Tokens of well-known systems. */
const knownTokens =
  /^((sk|pk|rk|whsec|xox[a-z]|xapp|gh[pousr]|github_pat|glpat|pat|pit|key|shpat|hf|npm|dop_v1|sq0\w+)[-_]|AKIA|ASIA|AIza|SG|eyJ|ya29|EAA)(?=.*\d)/;

/** Whether a word of at least 16 characters looks random, as keys and tokens do. */
function isRandom(word: string): boolean {
  if (knownTokens.test(word) || /^(?=.*\d)[\da-f]{32,}$/i.test(word)) return true;
  const isLong = word.length >= 20 && !/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(word);
  return isLong && /[a-z]/.test(word) && /[A-Z]/.test(word) && /\d/.test(word);
}

const partsOfUrl = /^([a-z][a-z\d+.-]*:\/\/)([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/is;
/** In the path of a webhook, what follows is its secret. */
const beforeSecret = /^((web)?hooks?|catch|(api)?keys?|tokens?|secrets?)$/i;
/** Values of a query that are no secret. */
const openParameter = /^(true|false|\d{0,4}|disable|prefer|require|verify-\w+)$/;

function inUrl(url: string): string {
  // A password may contain a slash, a question mark or a number sign that should have been encoded.
  const unencoded = url.includes('@') && /^([a-z][a-z\d+.-]*:\/\/[^/?#@:]*:)(?!\d*[/?#])[^@]*[/?#].*(?=@)/is.exec(url);
  const [, scheme = '', authority = '', path = '', query = '', fragment = ''] =
    partsOfUrl.exec(unencoded ? `${unencoded[1]}${hidden}${url.slice(unencoded[0].length)}` : url) ?? [];
  const isHttp = /^https?:/i.test(scheme);
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  let isAfter = /(^|\.)(web)?hooks?\./i.test(host);
  const segments = path.split('/').map((segment) => {
    const isSecret = isHttp && (isAfter || /^(?=.*\d)(?=.*[A-Za-z])[\w.~:%+=-]{8,}$/.test(segment));
    isAfter ||= beforeSecret.test(segment);
    return isSecret ? withoutLiterals(segment) : segment;
  });
  const parameters = query.replace(/([^?&=]*)=([^&]*)/g, (whole, name: string, value: string) =>
    openParameter.test(value) && !secretName.test(name) ? whole : `${name}=${withoutLiterals(value)}`,
  );
  // A query without a name is a token.
  const bare = query.includes('=') || query === '' ? parameters : `?${withoutLiterals(query.slice(1))}`;
  return `${scheme}${inAuthority(authority, isHttp)}${segments.join('/')}${bare}${fragment.length > 1 ? `#${withoutLiterals(fragment.slice(1))}` : fragment}`;
}

/** The name of a user stays where there is a password, or where it is none of a web server. */
function inAuthority(authority: string, isHttp: boolean): string {
  const end = authority.lastIndexOf('@');
  if (end < 0) return authority;
  const [, user = '', password] = /^([^:]*)(?::(.*))?$/s.exec(authority.slice(0, end)) ?? [];
  const host = authority.slice(end);
  if (password !== undefined) return `${user}:${withoutLiterals(password)}${host}`;
  return `${isHttp ? withoutLiterals(user) : user}${host}`;
}

function withoutLiterals(text: string): string {
  return text.replace(literals, hidden);
}
