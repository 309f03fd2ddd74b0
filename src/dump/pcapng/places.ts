// Where a conversation takes place: addresses as they were seen, or, where nobody saw them, ones from the ranges that are kept for
// examples (RFC 5737), with the host's name beside them. Server ports are written as 80, so that Wireshark reads HTTP there without keys.
import type { Endpoint } from '../../domain/index.ts';
import { readAddress, type Address, type Side } from './segment.ts';

const httpPort = 80;
const firstFreePort = 49_152;
const freePorts = 16_384;
const loopback = Uint8Array.of(127, 0, 0, 1);

export class Places {
  readonly #hosts = new Map<string, Address>();
  #nextPort = 0;

  /** The agent's end. */
  client(endpoint: Endpoint | null): Side {
    const address = endpoint === null ? null : readAddress(endpoint.address);
    return endpoint === null || address === null ? this.freeClient(loopback) : { address, port: endpoint.port };
  }

  /** An end that nobody had: for a conversation beside the one of that address. */
  freeClient(address: Address = loopback): Side {
    const port = firstFreePort + (this.#nextPort++ % freePorts);
    return { address, port };
  }

  /** The other end of a client: of the same kind of address. */
  server(address: Address): Side {
    return { address, port: httpPort };
  }

  /** The address of a host that was seen, or one that stands for it. `isNew`: it has not been given out before. */
  host(name: string, seen: Address | null): { readonly address: Address; readonly isNew: boolean } {
    const key = seen === null ? name : `${name} ${Buffer.from(seen).toString('hex')}`;
    const known = this.#hosts.get(key);
    if (known !== undefined) return { address: known, isNew: false };
    const address = seen ?? exampleAddress(this.#hosts.size);
    this.#hosts.set(key, address);
    return { address, isNew: true };
  }

  /** All of them: a new file must tell them again. */
  get hosts(): { readonly name: string; readonly address: Address }[] {
    return [...this.#hosts].map(([key, address]) => ({ name: key.split(' ')[0]!, address }));
  }
}

const exampleNetworks = [
  [192, 0, 2],
  [198, 51, 100],
  [203, 0, 113],
] as const;

function exampleAddress(at: number): Address {
  const network = exampleNetworks[Math.floor(at / 254) % exampleNetworks.length]!;
  return Uint8Array.of(...network, 1 + (at % 254));
}

export const loopbackOf = (address: Address): Address =>
  address.length === 4 ? loopback : Uint8Array.from({ length: 16 }, (_, at) => (at === 15 ? 1 : 0));
