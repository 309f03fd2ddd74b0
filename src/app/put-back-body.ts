// A body that a recording holds decoded, under its content encoding again, at the length that it had on the wire, and what is to be said of it.
import { starMarks } from '../redact/index.ts';
import { fitBody } from '../wire/index.ts';

/** A masked body is as long as it was, whatever that takes; of one without a mark nothing is left out for its length. */
export async function putBackBody(
  decoded: Uint8Array,
  encoding: string,
  wireBytes: number | null,
): Promise<{ readonly bytes: Uint8Array; readonly how: readonly string[] }> {
  const plainer = starMarks(decoded);
  const fitted = await fitBody(decoded, encoding, wireBytes, { plainer });
  const isLost = fitted === null || (fitted.leftOutBytes > 0 && plainer === null);
  const encoded = isLost ? await fitBody(decoded, encoding, null) : fitted;
  const bytes = encoded?.bytes ?? decoded;
  return {
    bytes,
    how: [
      `kept decoded: ${encoded === null ? 'written so' : `put back under ${encoding}`}`,
      ...(encoded?.isPlainer === true ? ['marks without their fingerprints, so that its length holds'] : []),
      ...(encoded === null || encoded.leftOutBytes === 0
        ? []
        : [`${encoded.leftOutBytes} decoded bytes of it are left out, so that its length holds`]),
      ...(bytes.length === wireBytes
        ? []
        : [`${bytes.length} bytes instead of the ${wireBytes ?? 'unknown number of'} that it had`]),
    ],
  };
}
