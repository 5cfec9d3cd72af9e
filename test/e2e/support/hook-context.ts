import type { RecordedRequest } from './stub-api.ts';
import { textsIn } from './stub-api.ts';

/** A text that a hook gave to the model. */
type ToldText = { readonly event: string; readonly text: string };

/**
 * What hooks told the model since its last answer, as this request carries it: at a prompt, or after a batch of tools.
 * The text of a SessionStart may be followed by text of the client's own, which puts both into one block.
 */
function toldBy(request: RecordedRequest): ToldText[] {
  const { messages } = request.body;
  const lastAnswer = messages.findLastIndex((message) => message.role === 'assistant');
  return messages.slice(lastAnswer + 1).flatMap((message) => textsIn(message.content).flatMap(splitByHook));
}

/** All that hooks of one event told, as one text. */
export function toldAt(event: string, request: RecordedRequest): string {
  return toldBy(request)
    .filter((told) => told.event === event)
    .map((told) => told.text)
    .join('\n');
}

const marker = /(?:^|\n)(?:<system-reminder>\n)?(\w+) hook additional context: /;

function splitByHook(text: string): ToldText[] {
  const [, ...parts] = text.split(marker);
  const told: ToldText[] = [];
  for (let index = 0; index + 1 < parts.length; index += 2) {
    told.push({
      event: parts[index]!,
      text: parts[index + 1]!.replace(/\n<\/system-reminder>\s*$/, '').trim(),
    });
  }
  return told;
}
