// The door of dump/: wire events in, files for Wireshark, browsers and people out.
export type { DumpEvent, DumpOrigin, DumpWriter, ExchangeLabel, LabelReader } from './dump-event.ts';
export { dumpFormats, formatOfFile, openDumpWriter } from './dump-format.ts';
export type { DumpFormat } from './dump-format.ts';
export { shownBodies } from './text/body-view.ts';
export type { ShownBodies } from './text/body-view.ts';
export { openDumpFile } from './live/dump-file.ts';
export type { DumpRotation, DumpTarget } from './live/dump-file.ts';
export type { DumpReport } from './live/dump-pipeline.ts';
export { openLiveDump } from './live/open-live-dump.ts';
