// HTTP/2 frames written by hand, for tests: also those that nobody should send.

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export const kinds = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  promise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flags = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

export function frame(kind: number, streamId: number, payload: Uint8Array = Buffer.alloc(0), flagBits = 0): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = kind;
  head[4] = flagBits;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

export function settings(values: readonly (readonly [id: number, value: number])[] = []): Buffer {
  const payload = Buffer.alloc(values.length * 6);
  for (const [at, [id, value]] of values.entries()) {
    payload.writeUInt16BE(id, at * 6);
    payload.writeUInt32BE(value, at * 6 + 2);
  }
  return frame(kinds.settings, 0, payload);
}

export const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

export const reset = (streamId: number, code: number): Buffer => frame(kinds.reset, streamId, number(code));

export const goAway = (lastStreamId: number, code: number): Buffer =>
  frame(kinds.goAway, 0, Buffer.concat([number(lastStreamId), number(code)]));

/** Literal fields that are not kept in a table, plain. */
export function block(headers: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(headers).map(([name, value]) => Buffer.concat([Buffer.of(0), text(name), text(value)]));
  return Buffer.concat(parts);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  return Buffer.concat([integer(bytes.length, 7, 0), bytes]);
}

/** An integer in the low bits of a byte and those behind it (RFC 7541 section 5.1). */
export function integer(value: number, prefixBits: number, first: number): Buffer {
  const most = 2 ** prefixBits - 1;
  if (value < most) return Buffer.of(first | value);
  const bytes = [first | most];
  let left = value - most;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push(128 + (left % 128));
  return Buffer.from([...bytes, left]);
}

/** A whole header list in one frame. */
export const headers = (streamId: number, list: Readonly<Record<string, string>>, flagBits = 0): Buffer =>
  frame(kinds.headers, streamId, block(list), flags.endHeaders | flagBits);
