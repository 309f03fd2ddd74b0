// The report of a soak as tables, for people; the JSON is the report itself.
import type { SoakReport } from './soak.ts';

const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20).toLocaleString('en-US')} MB`;

export function renderReport({
  minutes,
  seed,
  machine,
  warmUpSeconds,
  ends,
  recording,
  series,
  failures,
}: SoakReport): string {
  const judged = (isFlat: boolean | null): string =>
    isFlat === null ? 'too short to tell' : isFlat ? 'flat' : 'GROWS';
  const lines = [
    `${minutes} minutes, seed ${seed}, ${machine}`,
    '',
    '| what passed | exchanges |',
    '| --- | --- |',
    ...Object.entries(ends.byKind).map(([kind, count]) => `| ${kind} | ${count.toLocaleString('en-US')} |`),
    `| all, ${megabytes(ends.bytes)} | ${ends.exchanges.toLocaleString('en-US')} |`,
    '',
    '| promise | figure |',
    '| --- | --- |',
    `| passed other than sent | ${ends.problemCount} |`,
    `| calls in the recording, ${megabytes(recording.bytes)} compared | ${recording.calls.toLocaleString('en-US')} |`,
    `| lost | ${recording.lost} |`,
    `| changed | ${recording.changed} |`,
    `| events dropped | ${recording.dropped} |`,
    '',
    `| after ${Math.round(warmUpSeconds)} s | level | slope an hour | 95 % interval | |`,
    '| --- | --- | --- | --- | --- |',
    ...series.map(({ name, unit, level, slopePerHour, interval: [low, high], isFlat }) => {
      const value = (number: number): string => `${number.toFixed(1)} ${unit}`.trim();
      return `| ${name} | ${value(level)} | ${value(slopePerHour)} | ${value(low)} to ${value(high)} | ${judged(isFlat)} |`;
    }),
    '',
    ...failures.map((failure) => `FAILED: ${failure}`),
    failures.length === 0 ? 'Everything holds.' : `${failures.length} failures.`,
  ];
  return `${lines.join('\n')}\n`;
}
