// One WebSocket frame (RFC 6455, section 5.2). A client must mask what it sends: with a key of zeros, so that a dump can be searched.

export interface SocketFrame {
  readonly isFromClient: boolean;
  readonly opcode: 1 | 2 | 8;
  readonly data: Uint8Array;
}

export function socketFrame({ isFromClient, opcode, data }: SocketFrame): Buffer {
  const extended = data.length < 126 ? 0 : data.length < 0x1_0000 ? 2 : 8;
  const maskBytes = isFromClient ? 4 : 0;
  const frame = Buffer.alloc(2 + extended + maskBytes + data.length);
  frame[0] = 0x80 | opcode;
  const maskBit = isFromClient ? 0x80 : 0;
  if (extended === 0) frame[1] = maskBit | data.length;
  else if (extended === 2) {
    frame[1] = maskBit | 126;
    frame.writeUInt16BE(data.length, 2);
  } else {
    frame[1] = maskBit | 127;
    frame.writeBigUInt64BE(BigInt(data.length), 2);
  }
  frame.set(data, 2 + extended + maskBytes);
  return frame;
}

/** The payload of a close frame; the reason is cut to what a control frame may hold. */
export function closePayload(code: number, reason: string): Buffer {
  const status = Buffer.alloc(2);
  status.writeUInt16BE(code & 0xffff, 0);
  let text = Buffer.from(reason).subarray(0, 123);
  while (text.length > 0 && new TextDecoder().decode(text).endsWith('\ufffd') && !reason.endsWith('\ufffd')) {
    text = text.subarray(0, -1);
  }
  return Buffer.concat([status, text]);
}
