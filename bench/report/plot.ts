// Results as one SVG, made by hand: a panel a figure, a bar a peer, the spread as a line on it. Readable on light and on dark. Pure.
import type { Row } from '../figures/figure.ts';
import { spreadAt, subject, type PeerResult, type Results } from './results.ts';
import { formatNumber } from './table.ts';

const columns = 2;
const panel = { width: 460, gap: 28, title: 30, bar: 15, step: 21, name: 118, value: 86 };
const style = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 } .quiet { fill: #59636e }
  .bar { fill: #9aa4af } .ours { fill: #1a7f64 } .spread { stroke: #1f2328; stroke-width: 1.5 } .page { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .quiet { fill: #9198a1 } .bar { fill: #5b6570 } .ours { fill: #2fb391 } .spread { stroke: #e6edf3 } .page { fill: #0d1117 }
  }`;

export function renderPlot(results: Results): string {
  const rows = results.rows.filter(({ isPlotted }) => isPlotted === true);
  const panels = rows.map((row) => renderPanel(results, row));
  const lines = Array.from({ length: Math.ceil(panels.length / columns) }, (_, line) =>
    panels.slice(line * columns, (line + 1) * columns),
  );
  const parts: string[] = [];
  let top = 44;
  for (const line of lines) {
    for (const [column, { body }] of line.entries()) {
      parts.push(`<g transform="translate(${24 + column * (panel.width + panel.gap)} ${top})">${body}</g>`);
    }
    top += Math.max(...line.map(({ height }) => height)) + 18;
  }
  const width = 48 + columns * panel.width + (columns - 1) * panel.gap;
  const caption = `${results.name}: medians of ${results.rounds} rounds, least to most; ${results.startedAt.slice(0, 10)}, ${results.machine['machine'] ?? ''}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top}" width="${width}" height="${top}" role="img" aria-label="${escape(caption)}">
<style>${style}
</style>
<rect class="page" width="${width}" height="${top}"/>
<text class="quiet" x="24" y="26">${escape(caption)}</text>
${parts.join('\n')}
</svg>
`;
}

function renderPanel(results: Results, row: Row): { body: string; height: number } {
  const shown = results.peers.flatMap((peer) => {
    const spread = spreadAt(results, row, peer.name);
    return spread === null ? [] : [{ peer, spread }];
  });
  const room = panel.width - panel.name - panel.value;
  const most = Math.max(...shown.map(({ spread }) => spread.max), Number.MIN_VALUE);
  // What is added may be less than nothing by chance: its bar has no length.
  const x = (value: number): string => (panel.name + (Math.max(0, value) / most) * room).toFixed(1);
  const bars = shown.map(({ peer, spread }, at) => {
    const y = panel.title + at * panel.step;
    const middle = y + panel.bar / 2;
    return [
      `<text x="${panel.name - 8}" y="${y + 12}" text-anchor="end">${escape(peer.name)}</text>`,
      `<rect class="bar ${isOurs(peer) ? 'ours' : ''}" x="${panel.name}" y="${y}" width="${(Number(x(spread.median)) - panel.name).toFixed(1)}" height="${panel.bar}" rx="2"/>`,
      `<line class="spread" x1="${x(spread.min)}" x2="${x(spread.max)}" y1="${middle}" y2="${middle}"/>`,
      `<text x="${(Number(x(spread.max)) + 6).toFixed(1)}" y="${y + 12}">${escape(`${formatNumber(spread.median, row.digits)} ${row.unit}`.trim())}</text>`,
    ].join('');
  });
  const title = `<text class="title" x="0" y="16">${escape(row.label)}<tspan class="quiet" dx="8">${row.better} is better</tspan></text>`;
  return { body: title + bars.join(''), height: panel.title + shown.length * panel.step };
}

const isOurs = ({ name }: PeerResult): boolean => name === subject || name.startsWith(`${subject}-`);

const escape = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('`', '');
