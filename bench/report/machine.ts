// The machine and the versions that figures were measured with.
import { arch, cpus, platform, release, totalmem } from 'node:os';

export function describeMachine(pinning: string): Record<string, string> {
  const [first] = cpus();
  return {
    machine: `${platform()} ${arch()}, ${cpus().length} × ${first?.model.trim() ?? 'unknown'}, ${(totalmem() / 1e9).toFixed(0)} GB`,
    system: release(),
    node: process.versions.node,
    openssl: process.versions.openssl,
    cores: pinning,
  };
}
