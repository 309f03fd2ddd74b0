// What a check throws with: expect() of the test runner costs more than most decoders do.

export function must(holds: boolean, says: string): asserts holds {
  if (!holds) throw new Error(says);
}

export function mustEqual(found: unknown, wanted: unknown, says: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${says}\n  ${a.slice(0, 2000)}\n  ${b.slice(0, 2000)}`);
}

export function mustEqualBytes(found: Uint8Array, wanted: Uint8Array, says: string): void {
  if (Buffer.compare(found, wanted) !== 0)
    throw new Error(`${says}\n  ${Buffer.from(found).toString('latin1')}\n  ${Buffer.from(wanted).toString('latin1')}`);
}
