// The formats of a dump, and which of them a file's name asks for.
import type { DumpOrigin, DumpWriter, LabelReader } from './dump-event.ts';
import { HarWriter } from './har/har-writer.ts';
import { PcapngWriter } from './pcapng/pcapng-writer.ts';
import type { ShownBodies } from './text/body-view.ts';
import { TextWriter } from './text/text-writer.ts';
import { withoutZstd } from './without-zstd.ts';

export const dumpFormats = ['pcapng', 'har', 'text'] as const;
export type DumpFormat = (typeof dumpFormats)[number];

export interface DumpWriterOptions {
  readonly origin: DumpOrigin;
  readonly labelOf: LabelReader;
  /** pcapng: false where only the agent's side is known. */
  readonly hasProviderLeg: boolean;
  /** pcapng: leave zstd on bodies. The others show them decoded in any case. */
  readonly keepZstd: boolean;
  /** text: how much of bodies is shown. */
  readonly bodies: ShownBodies;
}

/** Null where the ending says nothing. */
export function formatOfFile(file: string): DumpFormat | null {
  const ending = /\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase();
  switch (ending) {
    case 'pcapng':
    case 'har':
      return ending;
    case 'txt':
    case 'log':
      return 'text';
    default:
      return null;
  }
}

export function openDumpWriter(format: DumpFormat, options: DumpWriterOptions): DumpWriter {
  switch (format) {
    case 'pcapng':
      return options.keepZstd ? new PcapngWriter(options) : withoutZstd(new PcapngWriter(options));
    case 'har':
      return new HarWriter(options);
    case 'text':
      return new TextWriter(options);
    default:
      return format satisfies never;
  }
}
