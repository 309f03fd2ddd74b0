// Results as Markdown: what was asked of tapes and whether it holds, and every figure of every peer. Pure.
import { describeLimit, judge, ratioTo, spreadAt, subject, type FigureRow, type Results } from './results.ts';

const ratioPeers = ['direct', 'mitmproxy', 'mockttp'];

export function renderTables(results: Results): string {
  const { name, startedAt, machine, peers, notes, rounds, isShort, durationMs, rows } = results;
  const measured = peers.filter(({ absent }) => absent === null);
  const facts = Object.entries(machine).map(([what, value]) => `${what}: ${value}`);
  const lines = [
    `# ${name}`,
    '',
    `${startedAt}, ${rounds} ${rounds === 1 ? 'round' : 'rounds'} in ${(durationMs / 60_000).toFixed(1)} minutes${isShort ? ' (short form: the figures say nothing)' : ''}. ${facts.join('; ')}.`,
    '',
    'Median over the rounds, with the least and the most in brackets. "Added" is more than without a proxy in the same round. A ratio is the median of tapes,',
    "recording, by the other's; of what is added there is none to `direct`, which adds nothing.",
    '',
    `![](${name}.svg)`,
    '',
    '## Targets',
    '',
    ...table(
      ['figure', 'tapes', ...ratioPeers.map((peer) => `÷ ${peer}`), 'target', ''],
      rows
        .filter(({ limits }) => limits !== undefined)
        .map((row) => [
          row.label,
          formatCell(results, row, subject),
          ...ratioPeers.map((peer) => formatRatio(ratioTo(results, row, peer))),
          row.limits!.map((limit) => describeLimit(limit, row.unit)).join('; '),
          judge(results, row) === 'met' ? 'met' : `**${judge(results, row)}**`,
        ]),
    ),
    '',
    '## Every peer',
    '',
    ...table(
      ['figure', ...measured.map((peer) => peer.name)],
      rows.map((row) => [
        `${row.label}${row.unit === '' ? '' : `, ${row.unit}`}`,
        ...measured.map((peer) => formatCell(results, row, peer.name, false)),
      ]),
    ),
    '',
    '## Peers',
    '',
    ...table(
      ['peer', 'what it is', 'version'],
      peers.map(({ name: peer, label, version, absent }) => [
        peer,
        label,
        absent === null ? version : `**not measured**: ${absent}`,
      ]),
    ),
    ...(notes.length === 0 ? [] : ['', '## Notes', '', ...notes.map((note) => `- ${note}`)]),
  ];
  return `${lines.join('\n')}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

function formatCell(results: Results, row: FigureRow, peer: string, hasUnit = true): string {
  const spread = spreadAt(results, row, peer);
  if (spread === null) {
    const isFailed = results.samples.some(
      ({ peer: name, values, figure }) => name === peer && values === null && figure === row.figure,
    );
    return isFailed ? 'failed' : '';
  }
  const { min, median, max } = spread;
  const [low, middle, high] = [min, median, max].map((value) => formatNumber(value, row.digits)) as [
    string,
    string,
    string,
  ];
  const unit = hasUnit && row.unit !== '' ? ` ${row.unit}` : '';
  return low === high ? `${middle}${unit}` : `${middle}${unit} (${low}–${high})`;
}

/** 12,345.6; what rounds to nothing has no sign. */
export function formatNumber(value: number, digits: number): string {
  const text = value.toFixed(digits);
  const unsigned = Number(text) === 0 ? text.replace('-', '') : text;
  return unsigned.replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ',');
}

const formatRatio = (ratio: number | null): string => (ratio === null ? '' : ratio.toFixed(2));
