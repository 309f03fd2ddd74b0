// The door of dump/: wire events in, files for Wireshark, browsers and people out.
export type { DumpEvent, DumpOrigin, DumpWriter, ExchangeLabel, LabelReader } from './dump-event.ts';
export { PcapngWriter } from './pcapng/pcapng-writer.ts';
export type { ShownBodies } from './text/text-writer.ts';
