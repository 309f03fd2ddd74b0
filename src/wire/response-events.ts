// The event types of the Responses API, as far as they are known: which append text to which place of an item, and which are
// only progress. The list was made from the public API reference and from what Codex reads; an unknown type is kept by name.
import type { PartList } from './partial-item.ts';

/** Where the text of a `.delta` (and of its `.done`) goes: a field of a part in one of the item's lists, or of the item. */
export type TextTarget =
  | {
      readonly list: PartList;
      readonly partType: string;
      readonly field: 'text' | 'refusal';
      readonly itemType: string;
    }
  | { readonly list: null; readonly field: string; readonly itemType: string };

const part = (list: PartList, partType: string, itemType: string): TextTarget => ({
  list,
  partType,
  field: partType === 'refusal' ? 'refusal' : 'text',
  itemType,
});
const field = (name: string, itemType: string): TextTarget => ({ list: null, field: name, itemType });

/** By event type without its `.delta` or `.done`. */
export const textTargets: ReadonlyMap<string, TextTarget> = new Map([
  ['response.output_text', part('content', 'output_text', 'message')],
  ['response.refusal', part('content', 'refusal', 'message')],
  ['response.reasoning_text', part('content', 'reasoning_text', 'reasoning')],
  ['response.reasoning', part('content', 'reasoning_text', 'reasoning')],
  ['response.reasoning_summary_text', part('summary', 'summary_text', 'reasoning')],
  ['response.reasoning_summary', part('summary', 'summary_text', 'reasoning')],
  ['response.function_call_arguments', field('arguments', 'function_call')],
  ['response.mcp_call_arguments', field('arguments', 'mcp_call')],
  ['response.mcp_call.arguments', field('arguments', 'mcp_call')],
  ['response.custom_tool_call_input', field('input', 'custom_tool_call')],
  ['response.code_interpreter_call_code', field('code', 'code_interpreter_call')],
  ['response.code_interpreter_call.code', field('code', 'code_interpreter_call')],
]);

/** Which list the parts of `…_part.added` and `…_part.done` go into. */
export const partLists: ReadonlyMap<string, PartList> = new Map([
  ['response.content_part', 'content'],
  ['response.reasoning_summary_part', 'summary'],
]);

const progressTypes: ReadonlySet<string> = new Set([
  'codex.rate_limits',
  'keepalive',
  'ping',
  'response.created',
  'response.queued',
  'response.in_progress',
  'response.metadata',
  'response.rate_limits',
  'response.output_text.annotation.added',
  'response.audio.done',
  'response.audio.delta',
  'response.audio.transcript.delta',
  'response.audio.transcript.done',
]);
const progressFamilies =
  /^response\.(web_search_call|file_search_call|image_generation_call|code_interpreter_call|computer_call|local_shell_call|shell_call|apply_patch_call|mcp_call|mcp_list_tools|tool_search_call)\.[a-z_]+$/;

/** Known, and with nothing in it that the item's own `done` does not say. */
export function isProgress(type: string): boolean {
  return progressTypes.has(type) || progressFamilies.test(type);
}
