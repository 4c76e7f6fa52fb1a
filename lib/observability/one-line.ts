/** Control characters (C0, DEL, C1), and what else some programs take for the end of a line. */
// oxlint-disable-next-line no-control-regex -- They are what is looked for.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
const SHORT: Readonly<Record<string, string>> = {
  '\n': String.raw`\n`,
  '\r': String.raw`\r`,
  '\t': String.raw`\t`,
};

const escaped = (character: string): string =>
  SHORT[character] ?? String.raw`\u` + character.charCodeAt(0).toString(16).padStart(4, '0');

/** As one line of a log: ids, names and reasons come from outside, and neither begin a line nor steer a terminal. */
export const oneLine = (text: string): string => text.replace(CONTROL, escaped);

/** The same of a text of several lines, such as a stack: each is indented, so that none passes for one of the log's own. */
export const indentedLines = (text: string): string =>
  text
    .split('\n')
    .map((line) => oneLine(line).replace(/^(?=\S)/, '    '))
    .join('\n');
