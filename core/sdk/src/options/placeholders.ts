/** A text with `${{ … }}` in it: where its expressions begin and end. */
/** An expression in a text; null where it does not end. */
export interface ExpressionPiece {
  readonly text: string | null;
  readonly offset: number;
}

/** Splits a text at its expressions. */
export function piecesOf(value: string): readonly (string | ExpressionPiece)[] {
  const pieces: (string | ExpressionPiece)[] = [];
  let end = 0;
  for (let start = value.indexOf('${{'); start >= 0; start = value.indexOf('${{', end)) {
    const escaped = start > end && value[start - 1] === '$';
    if (start > end) pieces.push(escaped ? `${value.slice(end, start - 1)}\${{` : value.slice(end, start));
    const close = escaped ? start + 1 : expressionEnd(value, start);
    if (close < 0) return [...pieces, { text: null, offset: start }];
    end = close + 2;
    if (escaped) continue;
    const inner = value.slice(start + 3, close);
    pieces.push({ text: inner.trim(), offset: start + 3 + inner.length - inner.trimStart().length });
  }
  return end < value.length ? [...pieces, value.slice(end)] : pieces;
}

/** The expressions in a text, as far as they end, each with its place. */
export function expressionsIn(value: string): readonly { readonly text: string; readonly offset: number }[] {
  return piecesOf(value).flatMap((piece) =>
    typeof piece === 'string' || piece.text === null ? [] : [{ text: piece.text, offset: piece.offset }],
  );
}

/** Longer ones are not written by people; a text full of open braces would be read over and over. */
const longestExpression = 10_000;

/** Where the `}}` of the expression at `start` stands; -1 where there is none. Those in its strings and maps do not count. */
export function expressionEnd(value: string, start: number): number {
  const marks = /""".*?"""|'''.*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|[{}]/gs;
  marks.lastIndex = start + 3;
  let depth = 0;
  for (
    let mark = marks.exec(value);
    mark !== null && mark.index < start + longestExpression;
    mark = marks.exec(value)
  ) {
    if (mark[0] === '{') depth++;
    else if (mark[0] === '}' && depth > 0) depth--;
    else if (mark[0] === '}' && value[mark.index + 1] === '}') return mark.index;
  }
  // Its strings or braces are not closed: CEL's own message is better when it is given the rest.
  return value.indexOf('}}', start);
}
